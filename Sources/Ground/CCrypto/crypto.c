// Keys and lanes, made and destroyed.
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>

#include "key_memory.h"
#include "keys.h"

_Static_assert(sizeof(hauberk_key) == LINE_BYTES, "a key's head is one cache line");
_Static_assert(sizeof(hauberk_packet) == LINE_BYTES, "a packet of a burst is one cache line");

static void start(void) {
  hauberk_key_memory_adopt_openssl();
  hauberk_evp_start();
  hauberk_mb_start();
}

void hauberk_crypto_start(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start);
}

bool hauberk_engine_is_here(int engine) {
  return engine == HAUBERK_ENGINE_OPENSSL || (engine == HAUBERK_ENGINE_IPSEC_MB && hauberk_mb_is_here());
}

int hauberk_engine_words(int engine, char *out, size_t capacity) {
  return engine == HAUBERK_ENGINE_IPSEC_MB ? hauberk_mb_words(out, capacity) : hauberk_evp_words(out, capacity);
}

const char *hauberk_engine_copy_refusal(int engine) {
  return engine == HAUBERK_ENGINE_IPSEC_MB ? hauberk_mb_copy_refusal() : NULL;
}

// Lanes

static EVP_CIPHER_CTX *random_context(void) {
  uint8_t key[32];
  EVP_CIPHER_CTX *context = RAND_priv_bytes(key, sizeof key) == 1 ? hauberk_evp_block_context(key) : NULL;
  hauberk_wipe(key, sizeof key);
  return context;
}

hauberk_lane *hauberk_lane_make(int engine, uint32_t number) {
  if (!hauberk_engine_is_here(engine) || number >= HAUBERK_MOST_LANES) return NULL;
  hauberk_lane *lane = hauberk_key_memory_take(sizeof *lane);
  if (!lane) return NULL;
  lane->number = number;
  lane->engine = engine;
  lane->counter_context = random_context();
  if (engine == HAUBERK_ENGINE_IPSEC_MB) lane->manager = hauberk_mb_manager_make(number);
  if (!lane->counter_context || (engine == HAUBERK_ENGINE_IPSEC_MB && !lane->manager)) {
    hauberk_lane_destroy(lane);
    return NULL;
  }
  return lane;
}

void hauberk_lane_destroy(hauberk_lane *lane) {
  if (!lane) return;
  hauberk_evp_free(lane->counter_context);
  hauberk_mb_manager_free(lane->manager);
  hauberk_key_memory_give(lane);
}

const void *hauberk_lane_code(const hauberk_lane *lane) { return hauberk_mb_code(lane->manager); }

bool hauberk_unpredictable_iv(hauberk_lane *lane, uint8_t *out) {
  uint64_t block[2] = {lane->counter++, 0};
  int written;
  return EVP_CipherUpdate(lane->counter_context, out, &written, (const uint8_t *)block, sizeof block) == 1;
}

// Keys

static bool is_key_of_aes(uint8_t bytes) { return bytes == 16 || bytes == 24 || bytes == 32; }

/// Whether the suite is one: in particular, whether something says that nobody has changed the text.
static bool is_sound(const hauberk_suite *suite) {
  static const uint8_t macs[][2] = {{0, 0}, {20, 12}, {32, 16}, {48, 24}, {64, 32}};
  if (suite->integrity >= sizeof macs / sizeof *macs) return false;
  const uint8_t *mac = macs[suite->integrity];
  if (suite->integrity_key_bytes != mac[0]) return false;
  bool is_aead = suite->integrity == HAUBERK_INTEGRITY_NONE;
  if (!is_aead && suite->tag_bytes != mac[1]) return false;
  uint8_t tag = suite->tag_bytes;
  switch (suite->cipher) {
    case HAUBERK_CIPHER_GCM:
      return is_aead && is_key_of_aes(suite->key_bytes) && suite->salt_bytes == 4 &&
             (tag == 16 || tag == 12 || tag == 8);
    case HAUBERK_CIPHER_GMAC:
      return is_aead && is_key_of_aes(suite->key_bytes) && suite->salt_bytes == 4 && tag == 16;
    case HAUBERK_CIPHER_CHACHA20_POLY1305:
      return is_aead && suite->key_bytes == 32 && suite->salt_bytes == 4 && tag == 16;
    case HAUBERK_CIPHER_CTR: return !is_aead && is_key_of_aes(suite->key_bytes) && suite->salt_bytes == 4;
    case HAUBERK_CIPHER_CBC: return !is_aead && is_key_of_aes(suite->key_bytes) && suite->salt_bytes == 0;
    case HAUBERK_CIPHER_NULL: return !is_aead && suite->key_bytes == 0 && suite->salt_bytes == 0;
    default: return false;
  }
}

static bool make_contexts(hauberk_key *key, int use, const uint8_t *material) {
  for (uint32_t i = 0; i < key->lanes; i++) {
    key->contexts[i] = hauberk_evp_context(&key->suite, use, material);
    if (!key->contexts[i]) return false;
  }
  return true;
}

static bool fill(hauberk_key *key, int use, const uint8_t *material) {
  const hauberk_suite *suite = &key->suite;
  if (suite->salt_bytes == 4) memcpy(&key->salt, material + suite->key_bytes, 4);
  if (key->route == ROUTE_IPSEC_MB) {
    hauberk_mb_expand(key, material);
    return true;
  }
  if (suite->integrity != HAUBERK_INTEGRITY_NONE) {
    hauberk_hmac *hmac = hauberk_key_memory_take(sizeof *hmac);
    if (!hmac) return false;
    const uint8_t *integrity_key = material + suite->key_bytes + suite->salt_bytes;
    hauberk_hmac_prepare(hmac, suite->integrity, integrity_key, suite->integrity_key_bytes);
    key->hmac = hmac;
    if (key->engine == HAUBERK_ENGINE_IPSEC_MB) hauberk_mb_job_key_make(key, material);
  }
  return suite->cipher == HAUBERK_CIPHER_NULL || make_contexts(key, use, material);
}

hauberk_key *hauberk_key_make(
    int engine, const hauberk_suite *suite, int use, uint32_t lanes, const uint8_t *material, size_t bytes) {
  if (!hauberk_engine_is_here(engine) || !is_sound(suite) || lanes == 0 || lanes > HAUBERK_MOST_LANES ||
      (use != HAUBERK_USE_SEAL && use != HAUBERK_USE_OPEN) ||
      bytes != (size_t)suite->key_bytes + suite->salt_bytes + suite->integrity_key_bytes) {
    return NULL;
  }
  bool direct = engine == HAUBERK_ENGINE_IPSEC_MB && hauberk_mb_does(suite);
  bool jobs = engine == HAUBERK_ENGINE_IPSEC_MB && suite->integrity != HAUBERK_INTEGRITY_NONE;
  size_t rest = direct ? hauberk_mb_schedule_bytes(suite) : jobs ? hauberk_mb_job_key_bytes() : 0;
  hauberk_key *key = hauberk_key_memory_take(sizeof *key + rest + (direct ? 0 : lanes * sizeof(EVP_CIPHER_CTX *)));
  if (!key) return NULL;
  key->suite = *suite;
  key->route = direct ? ROUTE_IPSEC_MB : suite->integrity == HAUBERK_INTEGRITY_NONE ? ROUTE_EVP : ROUTE_HMAC;
  key->use = (uint8_t)use;
  key->engine = (uint8_t)engine;
  key->block_mask = suite->cipher == HAUBERK_CIPHER_CBC ? 15 : 0;
  key->lanes = lanes;
  if (!direct) key->contexts = (EVP_CIPHER_CTX **)(key->rest + rest);
  if (!fill(key, use, material)) {
    hauberk_key_destroy(key);
    return NULL;
  }
  return key;
}

void hauberk_key_destroy(hauberk_key *key) {
  if (!key) return;
  if (key->contexts) {
    for (uint32_t i = 0; i < key->lanes; i++) hauberk_evp_free(key->contexts[i]);
  }
  hauberk_key_memory_give((void *)key->hmac);
  hauberk_key_memory_give(key);
}

uint32_t hauberk_key_salt(const hauberk_key *key) { return key->salt; }

void hauberk_fingerprint(const uint8_t *material, size_t bytes, uint8_t *out) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(material, bytes, digest);
  memcpy(out, digest, 16);
  hauberk_wipe(digest, sizeof digest);
}

uint16_t hauberk_key_plain_kind(const hauberk_key *key) { return hauberk_mb_plain_kind(key); }

void hauberk_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, size_t count) {
  hauberk_mb_seal_plain(lane, jobs, count);
}

void hauberk_open_plain(hauberk_lane *lane, hauberk_job *jobs, size_t count) {
  hauberk_mb_open_plain(lane, jobs, count);
}
