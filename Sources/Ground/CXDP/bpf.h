// The kernel's BPF, as far as programs and maps here need it.
#pragma once
#include "CXDPFilter.h"
#include "map_use.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/// As tools/bpf-program numbers them.
enum { HAUBERK_BPF_SOCKETS, HAUBERK_BPF_COUNTS, HAUBERK_BPF_EARLY, HAUBERK_BPF_MAPS = HAUBERK_BPF_EARLY + 7 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static inline int hauberk_bpf(int command, union bpf_attr *attributes) {
  return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

/// A descriptor, or -1 and errno.
static inline int hauberk_bpf_map(uint32_t type, const char *name, uint32_t value_bytes, uint32_t entries, uint32_t flags) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = type;
  attributes.key_size = sizeof(uint32_t);
  attributes.value_size = value_bytes;
  attributes.max_entries = entries;
  attributes.map_flags = flags;
  strncpy(attributes.map_name, name, sizeof attributes.map_name - 1);
  return hauberk_bpf(BPF_MAP_CREATE, &attributes);
}

/// Loads a program whose maps have these descriptors. A descriptor, or -1 and errno;
/// `log` gets the verifier's words, if it had any.
int hauberk_bpf_load(union bpf_attr *kind, const uint64_t *code, size_t count, const hauberk_map_use *uses, size_t use_count,
                     const int maps[HAUBERK_BPF_MAPS], char *log, size_t log_bytes);
/// The filter's maps among a program's.
void hauberk_early_maps(const hauberk_early *early, int sockets, int maps[HAUBERK_BPF_MAPS]);
