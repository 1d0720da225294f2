// intel-ipsec-mb's direct calls for AEADs: one call a packet, and no queue between (jobs and bursts cost more here).
//
// The same source builds against 1.3 and 2.0, whose structures differ in size, and without the library.
#include <stdio.h>

#include "keys.h"

#if defined(HAUBERK_IPSEC_MB) && defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#include <intel-ipsec-mb.h>

typedef struct gcm_key_data schedule;
typedef struct gcm_context_data gcm_context;
typedef struct chacha20_poly1305_context_data chacha_context;

_Static_assert(sizeof(gcm_context) <= sizeof(((hauberk_lane *)0)->work), "a lane's work area is too small");
_Static_assert(sizeof(chacha_context) <= sizeof(((hauberk_lane *)0)->work), "a lane's work area is too small");

// For schedules; they are stateless calls.
static IMB_MGR *expander;

void *hauberk_mb_manager_make(void) {
  if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul")) return NULL;
  IMB_MGR *manager = alloc_mb_mgr(0);
  if (!manager) return NULL;
  init_mb_mgr_auto(manager, NULL);
  // The library tests itself here, and says so in this way.
  if (imb_get_errno(manager) != 0) {
    free_mb_mgr(manager);
    return NULL;
  }
  return manager;
}

void hauberk_mb_manager_free(void *manager) {
  if (manager) free_mb_mgr(manager);
}

void hauberk_mb_start(void) { expander = hauberk_mb_manager_make(); }

bool hauberk_mb_is_here(void) { return expander != NULL; }

int hauberk_mb_words(char *out, size_t capacity) {
  const char *way = "SSE";
  if (expander) {
    uint64_t has = expander->features;
    if (has & IMB_FEATURE_AVX) way = "AVX";
    if (has & IMB_FEATURE_AVX2) way = (has & IMB_FEATURE_VAES) ? "AVX2, VAES" : "AVX2";
    if (has & IMB_FEATURE_AVX512F) way = (has & IMB_FEATURE_VAES) ? "AVX-512, VAES" : "AVX-512";
  }
  return snprintf(out, capacity, "intel-ipsec-mb %s (%s)", imb_get_version_str(), way);
}

bool hauberk_mb_does(const hauberk_suite *suite) {
  return suite->cipher == HAUBERK_CIPHER_GCM || suite->cipher == HAUBERK_CIPHER_GMAC ||
         suite->cipher == HAUBERK_CIPHER_CHACHA20_POLY1305;
}

size_t hauberk_mb_schedule_bytes(const hauberk_suite *suite) {
  return suite->cipher == HAUBERK_CIPHER_CHACHA20_POLY1305 ? suite->key_bytes : sizeof(schedule);
}

void hauberk_mb_expand(const hauberk_suite *suite, const uint8_t *key, uint8_t *out) {
  if (suite->cipher == HAUBERK_CIPHER_CHACHA20_POLY1305) {
    memcpy(out, key, suite->key_bytes);
    return;
  }
  switch (suite->key_bytes) {
    case 16: IMB_AES128_GCM_PRE(expander, key, (schedule *)out); break;
    case 24: IMB_AES192_GCM_PRE(expander, key, (schedule *)out); break;
    default: IMB_AES256_GCM_PRE(expander, key, (schedule *)out); break;
  }
}

#define DIRECT_GCM(BITS, DIRECTION)                                                                                       \
  IMB_AES##BITS##_GCM_##DIRECTION(                                                                                 \
      manager, keys, context, work->payload, work->payload, work->length, work->nonce, work->aad, work->aad_length, \
      tag, tag_bytes)

#define DIRECT_GMAC(BITS)                                                                         \
  do {                                                                                     \
    IMB_AES##BITS##_GMAC_INIT(manager, keys, context, work->nonce, 12);                    \
    IMB_AES##BITS##_GMAC_UPDATE(manager, keys, context, work->aad, work->aad_length);      \
    IMB_AES##BITS##_GMAC_UPDATE(manager, keys, context, work->payload, work->length);      \
    IMB_AES##BITS##_GMAC_FINALIZE(manager, keys, context, tag, tag_bytes);                 \
  } while (0)

static void gmac(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag) {
  IMB_MGR *manager = lane->manager;
  const schedule *keys = (const schedule *)key->rest;
  gcm_context *context = (gcm_context *)lane->work;
  uint64_t tag_bytes = key->suite.tag_bytes;
  switch (key->suite.key_bytes) {
    case 16: DIRECT_GMAC(128); break;
    case 24: DIRECT_GMAC(192); break;
    default: DIRECT_GMAC(256); break;
  }
}

static void chacha(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag) {
  IMB_MGR *manager = lane->manager;
  chacha_context *context = (chacha_context *)lane->work;
  IMB_CHACHA20_POLY1305_INIT(manager, key->rest, context, work->nonce, work->aad, work->aad_length);
  if (key->use == HAUBERK_USE_SEAL) {
    IMB_CHACHA20_POLY1305_ENC_UPDATE(manager, key->rest, context, work->payload, work->payload, work->length);
    IMB_CHACHA20_POLY1305_ENC_FINALIZE(manager, context, tag, key->suite.tag_bytes);
  } else {
    IMB_CHACHA20_POLY1305_DEC_UPDATE(manager, key->rest, context, work->payload, work->payload, work->length);
    IMB_CHACHA20_POLY1305_DEC_FINALIZE(manager, context, tag, key->suite.tag_bytes);
  }
}

void hauberk_mb_seal(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag) {
  IMB_MGR *manager = lane->manager;
  const schedule *keys = (const schedule *)key->rest;
  gcm_context *context = (gcm_context *)lane->work;
  uint64_t tag_bytes = key->suite.tag_bytes;
  if (key->suite.cipher == HAUBERK_CIPHER_GCM) {
    switch (key->suite.key_bytes) {
      case 16: DIRECT_GCM(128, ENC); break;
      case 24: DIRECT_GCM(192, ENC); break;
      default: DIRECT_GCM(256, ENC); break;
    }
  } else if (key->suite.cipher == HAUBERK_CIPHER_GMAC) {
    gmac(lane, key, work, tag);
  } else {
    chacha(lane, key, work, tag);
  }
}

void hauberk_mb_open(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag) {
  IMB_MGR *manager = lane->manager;
  const schedule *keys = (const schedule *)key->rest;
  gcm_context *context = (gcm_context *)lane->work;
  uint64_t tag_bytes = key->suite.tag_bytes;
  if (key->suite.cipher == HAUBERK_CIPHER_GCM) {
    switch (key->suite.key_bytes) {
      case 16: DIRECT_GCM(128, DEC); break;
      case 24: DIRECT_GCM(192, DEC); break;
      default: DIRECT_GCM(256, DEC); break;
    }
  } else if (key->suite.cipher == HAUBERK_CIPHER_GMAC) {
    gmac(lane, key, work, tag);
  } else {
    chacha(lane, key, work, tag);
  }
}

// Plain jobs

typedef void (*gcm_call)(
    const schedule *, gcm_context *, uint8_t *, const uint8_t *, uint64_t, const uint8_t *, const uint8_t *, uint64_t,
    uint8_t *, uint64_t);

void (*hauberk_mb_direct(const hauberk_suite *suite, int use))(void) {
  if (suite->cipher != HAUBERK_CIPHER_GCM || suite->tag_bytes != 16) return NULL;
  bool seals = use == HAUBERK_USE_SEAL;
  gcm_call call;
  switch (suite->key_bytes) {
    case 16: call = seals ? (gcm_call)expander->gcm128_enc : (gcm_call)expander->gcm128_dec; break;
    case 24: call = seals ? (gcm_call)expander->gcm192_enc : (gcm_call)expander->gcm192_dec; break;
    default: call = seals ? (gcm_call)expander->gcm256_enc : (gcm_call)expander->gcm256_dec; break;
  }
  return (void (*)(void))call;
}

size_t hauberk_mb_plain_bytes(void) { return sizeof(hauberk_key) + sizeof(schedule); }

void hauberk_mb_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, const uint8_t *nonces, size_t count) {
  gcm_context *context = (gcm_context *)lane->work;
  for (size_t i = 0; i < count; i++) {
    const hauberk_job job = jobs[i];
    ((gcm_call)job.key->direct)(
        (const schedule *)job.key->rest, context, job.text, job.text, job.length, nonces + 16 * i, job.text - 16, 8,
        job.text + job.length, 16);
  }
}

void hauberk_mb_open_plain(hauberk_lane *lane, hauberk_job *jobs, const uint8_t *nonces, size_t count) {
  gcm_context *context = (gcm_context *)lane->work;
  _Alignas(16) uint8_t tag[16];
  for (size_t i = 0; i < count; i++) {
    const hauberk_job job = jobs[i];
    ((gcm_call)job.key->direct)(
        (const schedule *)job.key->rest, context, job.text, job.text, job.length, nonces + 16 * i, job.text - 16, 8, tag,
        16);
    bool is_good = same_tag(tag, job.text + job.length, 16);
    jobs[i].is_good = is_good;
    // RFC 4106, 5 and RFC 5116, 2.2: of what is not authentic, nothing is given out.
    if (__builtin_expect(!is_good, 0)) memset(job.text, 0, job.length);
  }
}

#else

void (*hauberk_mb_direct(const hauberk_suite *suite, int use))(void) { return suite && use ? NULL : NULL; }
size_t hauberk_mb_plain_bytes(void) { return sizeof(hauberk_key); }
void hauberk_mb_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, const uint8_t *nonces, size_t count) {
  (void)lane, (void)jobs, (void)nonces, (void)count;
}
void hauberk_mb_open_plain(hauberk_lane *lane, hauberk_job *jobs, const uint8_t *nonces, size_t count) {
  (void)lane, (void)jobs, (void)nonces, (void)count;
}
void hauberk_mb_start(void) {}
bool hauberk_mb_is_here(void) { return false; }
int hauberk_mb_words(char *out, size_t capacity) { return snprintf(out, capacity, "intel-ipsec-mb (not built in)"); }
bool hauberk_mb_does(const hauberk_suite *suite) { return suite == NULL; }
void *hauberk_mb_manager_make(void) { return NULL; }
void hauberk_mb_manager_free(void *manager) { (void)manager; }
size_t hauberk_mb_schedule_bytes(const hauberk_suite *suite) { return suite == NULL; }
void hauberk_mb_expand(const hauberk_suite *suite, const uint8_t *key, uint8_t *schedule) {
  (void)suite, (void)key, (void)schedule;
}
void hauberk_mb_seal(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag) {
  (void)lane, (void)key, (void)work, (void)tag;
}
void hauberk_mb_open(hauberk_lane *lane, const hauberk_key *key, const hauberk_work *work, uint8_t *tag) {
  (void)lane, (void)key, (void)work, (void)tag;
}

#endif
