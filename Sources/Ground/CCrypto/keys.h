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

enum { MOST_BYTES = 1 << 24, LINE_BYTES = 64, MOST_BURST = 64 };

/// One cache line, and behind it what the route needs: ipsec-mb's schedule, or what its jobs need and OpenSSL's
/// contexts, one for each lane.
struct hauberk_key {
  hauberk_suite suite;
  uint8_t route;
  uint8_t use;
  uint8_t engine;
  uint8_t block_mask;  // the cipher's block less one
  bool has_jobs;
  uint32_t lanes;
  uint32_t salt;
  uint16_t call;  // where a manager of ipsec-mb keeps the call for a whole packet; 0 where there is none
  const hauberk_hmac *hmac;
  EVP_CIPHER_CTX **contexts;
  _Alignas(LINE_BYTES) uint8_t rest[];
};

struct hauberk_lane {
  void *manager;  // ipsec-mb's
  uint32_t number;
  int engine;
  uint64_t counter;
  EVP_CIPHER_CTX *counter_context;  // encrypts the counter
  hauberk_hash hash;
  _Alignas(LINE_BYTES) uint8_t work[512];             // ipsec-mb's context of one packet
  _Alignas(LINE_BYTES) uint8_t tags[MOST_BURST][32];  // those that would be right
};

static inline bool fits(const hauberk_lane *lane, const hauberk_packet *packet, int use) {
  const hauberk_key *key = packet->key;
  return key->use == use && lane->number < key->lanes && lane->engine == key->engine &&
         (packet->length & key->block_mask) == 0 && packet->length <= MOST_BYTES &&
         packet->aad_length <= MOST_BYTES && (!packet->suffix || key->route == ROUTE_HMAC);
}

static inline EVP_CIPHER_CTX *context_of(const hauberk_key *key, const hauberk_lane *lane) {
  return key->contexts[lane->number];
}

/// Whether two tags are the same, in a time that does not tell where they differ. Tags are whole words.
static inline bool same_tag(const uint8_t *a, const uint8_t *b, size_t bytes) {
  uint64_t difference = 0, left, right;
  size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    memcpy(&left, a + at, 8);
    memcpy(&right, b + at, 8);
    difference |= left ^ right;
  }
  if (at < bytes) {
    uint32_t low, high;
    memcpy(&low, a + at, 4);
    memcpy(&high, b + at, 4);
    difference |= low ^ high;
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
bool hauberk_evp_seal(EVP_CIPHER_CTX *context, const hauberk_packet *packet);
bool hauberk_evp_open(EVP_CIPHER_CTX *context, const hauberk_packet *packet);
/// CBC and CTR, either direction: the context knows which.
bool hauberk_evp_crypt(EVP_CIPHER_CTX *context, const hauberk_packet *packet);

// intel-ipsec-mb

void hauberk_mb_start(void);
bool hauberk_mb_is_here(void);
int hauberk_mb_words(char *out, size_t capacity);
/// Why lanes share one copy of the library; NULL when they need not.
const char *hauberk_mb_copy_refusal(void);
/// The manager of this lane.
void *hauberk_mb_manager_make(uint32_t lane);
void hauberk_mb_manager_free(void *manager);
/// NULL without a manager.
const void *hauberk_mb_code(const void *manager);
/// A manager for what keeps no state: schedules.
void *hauberk_mb_expander(void);

// Its direct calls: AEADs.

bool hauberk_mb_does(const hauberk_suite *suite);
size_t hauberk_mb_schedule_bytes(const hauberk_suite *suite);
void hauberk_mb_expand(hauberk_key *key, const uint8_t *material);
void hauberk_mb_seal(hauberk_lane *lane, const hauberk_packet *packet);
/// Whether the tag is right. Where it is not, the payload is wiped.
bool hauberk_mb_open(hauberk_lane *lane, const hauberk_packet *packet);
/// Those of a burst whose keys take this route. Returns how many others there are; `others` are their numbers.
size_t hauberk_mb_seal_direct(hauberk_lane *lane, hauberk_packet *packets, size_t count, uint8_t *others);
size_t hauberk_mb_open_direct(hauberk_lane *lane, hauberk_packet *packets, size_t count, uint8_t *others);

// Its jobs: a cipher and an HMAC.

/// What a key needs for them, in `rest`; 0 where there are none.
size_t hauberk_mb_job_key_bytes(void);
/// After the HMAC has been prepared. Says by `has_jobs` whether the library does the suite.
void hauberk_mb_job_key_make(hauberk_key *key, const uint8_t *material);
/// Whether a packet that fits lies as jobs need it.
bool hauberk_mb_takes(const hauberk_packet *packet);
/// `count` packets, at most MOST_BURST, which have these numbers among `packets`.
void hauberk_mb_seal_jobs(hauberk_lane *lane, hauberk_packet *packets, const uint8_t *numbers, size_t count);
void hauberk_mb_open_jobs(hauberk_lane *lane, hauberk_packet *packets, const uint8_t *numbers, size_t count);

// Plain jobs.

/// Whether packets of this key may be plain jobs.
uint16_t hauberk_mb_plain_kind(const hauberk_key *key);
void hauberk_mb_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, size_t count);
void hauberk_mb_open_plain(hauberk_lane *lane, hauberk_job *jobs, size_t count);
