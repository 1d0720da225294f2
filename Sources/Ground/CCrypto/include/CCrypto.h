// Ciphers over two engines: intel-ipsec-mb where it was there at build and the processor can, OpenSSL everywhere.
//
// Keys, and all that is derived from them, lie in memory of their own: locked, left out of dumps, wiped when freed.
// Nothing here prints, and nothing hands a key out again.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CIdentity.h"
#include "CSignature.h"

#ifndef HAUBERK_HOT
#define HAUBERK_HOT __attribute__((swift_attr("@_noLocks")))
#endif

enum { HAUBERK_ENGINE_OPENSSL = 1, HAUBERK_ENGINE_IPSEC_MB = 2 };

enum {
  HAUBERK_CIPHER_GCM = 1,
  HAUBERK_CIPHER_CHACHA20_POLY1305 = 2,
  HAUBERK_CIPHER_GMAC = 3,
  HAUBERK_CIPHER_CBC = 4,
  HAUBERK_CIPHER_CTR = 5,
  HAUBERK_CIPHER_NULL = 6,
};

enum {
  HAUBERK_INTEGRITY_NONE = 0,
  HAUBERK_INTEGRITY_SHA1_96 = 1,
  HAUBERK_INTEGRITY_SHA256_128 = 2,
  HAUBERK_INTEGRITY_SHA384_192 = 3,
  HAUBERK_INTEGRITY_SHA512_256 = 4,
};

/// A nonce or an initialization vector is read as one load of so many bytes, even where only twelve count.
enum { HAUBERK_NONCE_SLOT_BYTES = 16, HAUBERK_MOST_LANES = 64 };

typedef struct hauberk_suite {
  uint8_t cipher;
  uint8_t integrity;
  uint8_t key_bytes;   // of the cipher, without the salt; 0 for none
  uint8_t salt_bytes;  // 4, or 0
  uint8_t integrity_key_bytes;
  uint8_t tag_bytes;
} hauberk_suite;

/// What a key was made for. A key that seals opens nothing, and the other way round.
enum { HAUBERK_USE_SEAL = 1, HAUBERK_USE_OPEN = 0 };

typedef struct hauberk_key hauberk_key;
/// What one thread needs to use keys: the library's manager and scratch memory.
typedef struct hauberk_lane hauberk_lane;

/// Makes the process ready. Call it before anything else of this file, and before any other use of OpenSSL.
void hauberk_crypto_start(void);
/// Whether the engine was built in and runs on this processor.
bool hauberk_engine_is_here(int engine);
/// Name, version and what it makes of the processor, for people. Returns the length.
int hauberk_engine_words(int engine, char *out, size_t capacity);
/// Why all lanes share one copy of the engine's code, once they were made; NULL where they need not.
const char *hauberk_engine_copy_refusal(int engine);

/// NULL when memory has run out or the engine is not here. `number` tells the threads apart: 0, 1, 2, ...
hauberk_lane *hauberk_lane_make(int engine, uint32_t number);
void hauberk_lane_destroy(hauberk_lane *lane);
/// Where the lane's engine does a packet of AES-128-GCM, if it does: threads that call the same code of ipsec-mb write to
/// the same line.
const void *hauberk_lane_code(const hauberk_lane *lane);

/// A key out of the keying material as IKE cuts it: cipher key, salt, integrity key. The caller wipes `material`.
/// Lanes 0 ..< `lanes` may use it, at the same time. NULL when the suite is none or memory has run out.
hauberk_key *hauberk_key_make(
    int engine, const hauberk_suite *suite, int use, uint32_t lanes, const uint8_t *material, size_t bytes);
void hauberk_key_destroy(hauberk_key *key);
/// The salt as it lay in the material, or 0. It belongs into the nonce, before the IV.
HAUBERK_HOT uint32_t hauberk_key_salt(const hauberk_key *key);

/// Encrypts `payload` in place and writes the tag. What is authenticated: `aad`, the payload's ciphertext, and the
/// four bytes at `suffix` where that is not NULL (the upper half of an extended sequence number; RFC 4303, 2.2.1;
/// an AEAD takes none). `nonce` is a slot of 16 bytes: 12 count for AEAD and CTR, all for CBC.
/// False, with nothing written, when key, lane or lengths do not fit.
HAUBERK_HOT bool hauberk_seal(
    hauberk_lane *lane, const hauberk_key *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
    uint8_t *payload, size_t length, uint8_t *tag, const uint8_t *suffix);
/// The reverse. False when the tag is wrong; then no plaintext is left in `payload`.
HAUBERK_HOT bool hauberk_open(
    hauberk_lane *lane, const hauberk_key *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
    uint8_t *payload, size_t length, const uint8_t *tag, const uint8_t *suffix);

/// One packet of a burst. 64 bytes.
typedef struct hauberk_packet {
  const hauberk_key *key;
  const uint8_t *nonce;   // a 16-byte slot: 12 bytes for AEAD and CTR, 16 for CBC
  const uint8_t *aad;     // in front of the payload, or in a slot of its own
  uint8_t *payload;       // in place
  uint8_t *tag;
  const uint8_t *suffix;  // four octets that are authenticated behind the payload but not sent; NULL for none
  uint32_t aad_length, length;
  uint32_t is_good;       // out: 1 sealed, or authentic and decrypted
  uint32_t spare;
} hauberk_packet;

/// hauberk_seal and hauberk_open for many packets, keys of any suites mixed; each packet for itself. It is fastest where
/// the AAD lies in front of the payload and the tag behind it.
HAUBERK_HOT void hauberk_seal_burst(hauberk_lane *lane, hauberk_packet *packets, size_t count);
HAUBERK_HOT void hauberk_open_burst(hauberk_lane *lane, hauberk_packet *packets, size_t count);

/// One packet of the common kind: AES-GCM on ipsec-mb, an IV of eight octets, no extended sequence number. Sixteen octets
/// of ESP's header lie in front of the text, of which the first eight are authenticated; the tag lies behind it.
/// 32 bytes. The cipher reads the first sixteen as the nonce and takes twelve of them: the others are free for our use.
typedef struct hauberk_job {
  uint64_t nonce_front;  // in the order of the wire: the salt, the first half of the IV
  uint32_t nonce_back;   // its second half
  uint16_t length;
  uint16_t kind;         // of the key: hauberk_key_plain_kind. When opened, 0 afterwards if the tag was wrong
  const hauberk_key *key;
  uint8_t *text;
} hauberk_job;

/// Whether packets of this key may be such jobs: what a job has to say of it, or 0. Who passes it along with the job
/// spares the cipher a line of the key.
uint16_t hauberk_key_plain_kind(const hauberk_key *key);
HAUBERK_HOT void hauberk_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, size_t count);
HAUBERK_HOT void hauberk_open_plain(hauberk_lane *lane, hauberk_job *jobs, size_t count);

/// An initialization vector that nobody can predict (RFC 3602, 3), 16 bytes: a counter, encrypted under a random key
/// that this lane alone has.
HAUBERK_HOT bool hauberk_unpredictable_iv(hauberk_lane *lane, uint8_t *out);

/// What a key is known by without being known: the first 16 octets of its SHA-256.
void hauberk_fingerprint(const uint8_t *material, size_t bytes, uint8_t *out);

/// Overwrites memory, whatever the optimizer thinks of it.
void hauberk_wipe(void *memory, size_t bytes);

/// The memory that keys live in: one run of addresses, of which the first `bytes` are in use. `unlocked` bytes, of them
/// and of what lanes work in, are without a lock because the process may not lock more.
typedef struct hauberk_key_memory {
  const void *base;
  size_t bytes;
  size_t unlocked;
  bool holds_openssl;  // false when OpenSSL was in use before us: its copies are wiped then, but not locked
} hauberk_key_memory;
hauberk_key_memory hauberk_key_memory_now(void);
