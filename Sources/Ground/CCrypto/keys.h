// What a key and a lane are made of, and what the two engines offer. Private to CCrypto.
#pragma once
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "CCrypto.h"
#include "hmac.h"

/// How a packet passes: decided once, when the key is made.
enum { ROUTE_IPSEC_MB, ROUTE_EVP, ROUTE_HMAC };

enum { MOST_BYTES = 1 << 24, LINE_BYTES = 64 };

/// One cache line, and behind it what the route needs: ipsec-mb's schedule, or OpenSSL's contexts, one for each lane.
struct hauberk_key {
  hauberk_suite suite;
  uint8_t route;
  uint8_t use;
  uint8_t engine;
  uint8_t block_mask;  // the cipher's block less one
  uint32_t lanes;
  uint32_t salt;
  const hauberk_hmac *hmac;
  void (*direct)(void);  // ipsec-mb's function for this key, where a packet may be a plain job
  _Alignas(LINE_BYTES) uint8_t rest[];
};

struct hauberk_lane {
  void *manager;  // ipsec-mb's
  uint32_t number;
  int engine;
  uint64_t counter;
  EVP_CIPHER_CTX *counter_context;  // encrypts the counter
  hauberk_hash hash;
  _Alignas(LINE_BYTES) uint8_t work[512];  // ipsec-mb's context of one packet
};

/// One call of seal or open.
typedef struct hauberk_work {
  const uint8_t *nonce, *aad;
  uint8_t *payload;
  const uint8_t *suffix;
  size_t aad_length, length;
} hauberk_work;

static inline EVP_CIPHER_CTX *context_of(const hauberk_key *key, const hauberk_lane *lane) {
  return ((EVP_CIPHER_CTX *const *)key->rest)[lane->number];
}

/// Whether two tags are the same, in a time that does not tell where they differ.
static inline bool same_tag(const uint8_t *a, const uint8_t *b, size_t bytes) {
  uint64_t difference = 0;
  if (bytes == 16) {
    uint64_t left[2], right[2];
    memcpy(left, a, 16);
    memcpy(right, b, 16);
    difference = (left[0] ^ right[0]) | (left[1] ^ right[1]);
  } else {
    for (size_t i = 0; i < bytes; i++) difference |= a[i] ^ b[i];
  }
  __asm__ volatile("" : "+r"(difference));
  return difference == 0;
}

// OpenSSL

void hauberk_evp_start(void);
int hauberk_evp_words(char *out, size_t capacity);
/// NULL on failure. Its memory is key memory. The null cipher has none.
EVP_CIPHER_CTX *hauberk_evp_context(const hauberk_suite *suite, int use, const uint8_t *key);
void hauberk_evp_free(EVP_CIPHER_CTX *context);
/// AES in single blocks, for the counter.
EVP_CIPHER_CTX *hauberk_evp_block_context(const uint8_t *key);
bool hauberk_evp_seal(EVP_CIPHER_CTX *context, const hauberk_key *key, const hauberk_work *work, uint8_t *tag);
bool hauberk_evp_open(EVP_CIPHER_CTX *context, const hauberk_key *key, const hauberk_work *work, const uint8_t *tag);
/// CBC and CTR, either direction: the context knows which.
bool hauberk_evp_crypt(EVP_CIPHER_CTX *context, const hauberk_key *key, const hauberk_work *work);

// intel-ipsec-mb

void hauberk_mb_start(void);
bool hauberk_mb_is_here(void);
int hauberk_mb_words(char *out, size_t capacity);
bool hauberk_mb_does(const hauberk_suite *suite);
void *hauberk_mb_manager_make(void);
void hauberk_mb_manager_free(void *manager);
size_t hauberk_mb_schedule_bytes(const hauberk_suite *suite);
void hauberk_mb_expand(const hauberk_suite *suite, const uint8_t *key, uint8_t *schedule);
void hauberk_mb_seal(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag);
/// The library's function for a key of AES-GCM, or NULL.
void (*hauberk_mb_direct(const hauberk_suite *suite, int use))(void);
size_t hauberk_mb_plain_bytes(void);
void hauberk_mb_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, const uint8_t *nonces, size_t count);
void hauberk_mb_open_plain(hauberk_lane *lane, hauberk_job *jobs, const uint8_t *nonces, size_t count);
/// Writes the tag that would be right; the caller compares.
void hauberk_mb_open(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag);
