// intel-ipsec-mb, where it is built in. Private to CCrypto.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(HAUBERK_IPSEC_MB) && defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#define HAUBERK_HAS_IPSEC_MB
// Without the short names of old, which OpenSSL has too.
#ifndef NO_COMPAT_IMB_API_053
#define NO_COMPAT_IMB_API_053
#endif
#include <intel-ipsec-mb.h>

/// What is called of the library by name; all else goes over a manager.
typedef struct {
  size_t (*manager_bytes)(void);
  IMB_MGR *(*place_manager)(void *memory, uint64_t flags, unsigned is_new);
  void (*start_manager)(IMB_MGR *manager, IMB_ARCH *arch);
  int (*error)(IMB_MGR *manager);
} hauberk_mb_library;

/// The copy of this lane; where none can be made, the one that all share.
const hauberk_mb_library *hauberk_mb_library_of(uint32_t lane);
/// The library begins by testing every cipher that it has: 3 MB of code, of which a gateway runs little again. What it
/// does run comes back by itself.
void hauberk_mb_let_go(const hauberk_mb_library *library);

#endif
