// intel-ipsec-mb's direct calls for AEADs: one call a packet, and no queue between (jobs and bursts cost more here).
//
// The same source builds against 1.3 and 2.0, whose structures differ in size, and without the library.
#include <stdio.h>

#include "ipsec_mb.h"
#include "key_memory.h"
#include "keys.h"

#ifdef HAUBERK_HAS_IPSEC_MB

typedef struct gcm_key_data schedule;
typedef struct gcm_context_data gcm_context;
typedef struct chacha20_poly1305_context_data chacha_context;

_Static_assert(sizeof(gcm_context) <= sizeof(((hauberk_lane *)0)->work), "a lane's work area is too small");
_Static_assert(sizeof(chacha_context) <= sizeof(((hauberk_lane *)0)->work), "a lane's work area is too small");

// For schedules; they are stateless calls.
static IMB_MGR *expander;

void *hauberk_mb_manager_make(uint32_t lane) {
  if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul")) return NULL;
  const hauberk_mb_library *library = hauberk_mb_library_of(lane);
  // Key memory: while jobs run, padded keys and pieces of text lie in it.
  void *memory = hauberk_key_memory_map(library->manager_bytes());
  IMB_MGR *manager = memory ? library->place_manager(memory, 0, 1) : NULL;
  if (!manager) return NULL;
  library->start_manager(manager, NULL);
  hauberk_mb_let_go(library);
  // The library tests itself here, and says so in this way.
  if (library->error(manager) != 0) {
    hauberk_mb_manager_free(manager);
    return NULL;
  }
  return manager;
}

void hauberk_mb_manager_free(void *manager) { hauberk_key_memory_unmap(manager, imb_get_mb_mgr_size()); }

const void *hauberk_mb_code(const void *manager) {
  return manager ? (const void *)((const IMB_MGR *)manager)->gcm128_enc : NULL;
}

void hauberk_mb_start(void) { expander = hauberk_mb_manager_make(0); }

bool hauberk_mb_is_here(void) { return expander != NULL; }

void *hauberk_mb_expander(void) { return expander; }

int hauberk_mb_words(char *out, size_t capacity) {
  const char *way = "SSE";
  if (expander) {
    uint64_t has = expander->features;
    if (has & IMB_FEATURE_AVX) way = "AVX";
    if (has & IMB_FEATURE_AVX2) way = (has & IMB_FEATURE_VAES) ? "AVX2, VAES" : "AVX2";
    if (has & IMB_FEATURE_AVX512F) way = (has & IMB_FEATURE_VAES) ? "AVX-512, VAES" : "AVX-512";
  }
  const char *refusal = hauberk_mb_copy_refusal();
  if (refusal) {
    return snprintf(
        out, capacity, "intel-ipsec-mb %s (%s), one copy for all workers: %s", imb_get_version_str(), way, refusal);
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

/// Where a manager keeps the call, in words from its beginning: so many managers, one number.
#define PLACE(CALL) (uint16_t)(offsetof(IMB_MGR, CALL) / sizeof(void *))

static uint16_t gcm_call(const hauberk_key *key) {
  bool seals = key->use == HAUBERK_USE_SEAL;
  switch (key->suite.key_bytes) {
    case 16: return seals ? PLACE(gcm128_enc) : PLACE(gcm128_dec);
    case 24: return seals ? PLACE(gcm192_enc) : PLACE(gcm192_dec);
    default: return seals ? PLACE(gcm256_enc) : PLACE(gcm256_dec);
  }
}

static inline aes_gcm_enc_dec_t call_at(const IMB_MGR *manager, uint16_t place) {
  return *(const aes_gcm_enc_dec_t *)((void *const *)manager + place);
}

void hauberk_mb_expand(hauberk_key *key, const uint8_t *material) {
  schedule *keys = (schedule *)key->rest;
  if (key->suite.cipher == HAUBERK_CIPHER_CHACHA20_POLY1305) {
    memcpy(key->rest, material, key->suite.key_bytes);
    return;
  }
  switch (key->suite.key_bytes) {
    case 16: IMB_AES128_GCM_PRE(expander, material, keys); break;
    case 24: IMB_AES192_GCM_PRE(expander, material, keys); break;
    default: IMB_AES256_GCM_PRE(expander, material, keys); break;
  }
  if (key->suite.cipher == HAUBERK_CIPHER_GCM) key->call = gcm_call(key);
}

#define DIRECT_GMAC(BITS)                                                                   \
  do {                                                                                      \
    IMB_AES##BITS##_GMAC_INIT(manager, keys, context, packet->nonce, 12);                   \
    IMB_AES##BITS##_GMAC_UPDATE(manager, keys, context, packet->aad, packet->aad_length);   \
    IMB_AES##BITS##_GMAC_UPDATE(manager, keys, context, packet->payload, packet->length);   \
    IMB_AES##BITS##_GMAC_FINALIZE(manager, keys, context, tag, packet->key->suite.tag_bytes); \
  } while (0)

static void gmac(hauberk_lane *lane, const hauberk_packet *packet, uint8_t *tag) {
  IMB_MGR *manager = lane->manager;
  const schedule *keys = (const schedule *)packet->key->rest;
  gcm_context *context = (gcm_context *)lane->work;
  switch (packet->key->suite.key_bytes) {
    case 16: DIRECT_GMAC(128); break;
    case 24: DIRECT_GMAC(192); break;
    default: DIRECT_GMAC(256); break;
  }
}

static void chacha(hauberk_lane *lane, const hauberk_packet *packet, uint8_t *tag) {
  IMB_MGR *manager = lane->manager;
  const uint8_t *key = packet->key->rest;
  chacha_context *context = (chacha_context *)lane->work;
  uint8_t *text = packet->payload;
  IMB_CHACHA20_POLY1305_INIT(manager, key, context, packet->nonce, packet->aad, packet->aad_length);
  if (packet->key->use == HAUBERK_USE_SEAL) {
    IMB_CHACHA20_POLY1305_ENC_UPDATE(manager, key, context, text, text, packet->length);
    IMB_CHACHA20_POLY1305_ENC_FINALIZE(manager, context, tag, packet->key->suite.tag_bytes);
  } else {
    IMB_CHACHA20_POLY1305_DEC_UPDATE(manager, key, context, text, text, packet->length);
    IMB_CHACHA20_POLY1305_DEC_FINALIZE(manager, context, tag, packet->key->suite.tag_bytes);
  }
}

/// Either direction. Writes the tag that belongs to the packet.
static inline void pass(hauberk_lane *lane, const hauberk_packet *packet, uint8_t *tag) {
  const hauberk_key *key = packet->key;
  if (__builtin_expect(key->call != 0, 1)) {
    call_at(lane->manager, key->call)(
        (const schedule *)key->rest, (gcm_context *)lane->work, packet->payload, packet->payload, packet->length,
        packet->nonce, packet->aad, packet->aad_length, tag, key->suite.tag_bytes);
  } else if (key->suite.cipher == HAUBERK_CIPHER_GMAC) {
    gmac(lane, packet, tag);
  } else {
    chacha(lane, packet, tag);
  }
}

static inline bool check(hauberk_lane *lane, const hauberk_packet *packet) {
  _Alignas(16) uint8_t expected[16];
  pass(lane, packet, expected);
  if (__builtin_expect(same_tag(expected, packet->tag, packet->key->suite.tag_bytes), 1)) return true;
  // RFC 4106, 5 and RFC 5116, 2.2: of what is not authentic, nothing is given out.
  if (packet->length > 0) memset(packet->payload, 0, packet->length);
  return false;
}

void hauberk_mb_seal(hauberk_lane *lane, const hauberk_packet *packet) { pass(lane, packet, packet->tag); }

bool hauberk_mb_open(hauberk_lane *lane, const hauberk_packet *packet) { return check(lane, packet); }

size_t hauberk_mb_seal_direct(hauberk_lane *lane, hauberk_packet *packets, size_t count, uint8_t *others) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    hauberk_packet *packet = packets + i;
    if (__builtin_expect(packet->key->route != ROUTE_IPSEC_MB, 0)) {
      others[left++] = (uint8_t)i;
      continue;
    }
    packet->is_good = fits(lane, packet, HAUBERK_USE_SEAL);
    if (__builtin_expect(packet->is_good != 0, 1)) pass(lane, packet, packet->tag);
  }
  return left;
}

size_t hauberk_mb_open_direct(hauberk_lane *lane, hauberk_packet *packets, size_t count, uint8_t *others) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++) {
    hauberk_packet *packet = packets + i;
    if (__builtin_expect(packet->key->route != ROUTE_IPSEC_MB, 0)) {
      others[left++] = (uint8_t)i;
      continue;
    }
    packet->is_good = fits(lane, packet, HAUBERK_USE_OPEN) && check(lane, packet);
  }
  return left;
}

// Plain jobs

uint16_t hauberk_mb_plain_kind(const hauberk_key *key) { return key->suite.tag_bytes == 16 ? key->call : 0; }

/// The lines that a packet of this length reads: round keys in front, and from the end as many of the hash's powers as it
/// has blocks. Asked for while another packet is in the cipher, they cost nothing; all at once they would wait for each
/// other.
static inline void prefetch_key(const hauberk_key *key, uint16_t kind, size_t length) {
  const char *front = (const char *)key->rest, *end = front + sizeof(schedule);
  for (size_t at = 0; at < 192; at += 64) __builtin_prefetch(front + at);
  // A round key has 16 octets; AES-128 has eleven.
  if (kind != PLACE(gcm128_enc) && kind != PLACE(gcm128_dec)) __builtin_prefetch(front + 192);
  size_t powers = (length / 16 + 2) * 16;
  if (powers > 768) powers = 768;
  for (const char *line = end - powers; line < end; line += 64) __builtin_prefetch(line);
}

enum { KEYS_AHEAD = 3 };

static inline void plain_pass(const IMB_MGR *manager, gcm_context *context, const hauberk_job *job, uint8_t *tag) {
  call_at(manager, job->kind)(
      (const schedule *)job->key->rest, context, job->text, job->text, job->length, (const uint8_t *)job, job->text - 16, 8,
      tag, 16);
}

void hauberk_mb_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, size_t count) {
  const IMB_MGR *manager = lane->manager;
  gcm_context *context = (gcm_context *)lane->work;
  const hauberk_job *end = jobs + count, *last = end - KEYS_AHEAD;
  for (const hauberk_job *job = jobs; job != end; job++) {
    if (job < last && job[KEYS_AHEAD].key != job->key) prefetch_key(job[KEYS_AHEAD].key, job[KEYS_AHEAD].kind, job[KEYS_AHEAD].length);
    plain_pass(manager, context, job, job->text + job->length);
  }
}

void hauberk_mb_open_plain(hauberk_lane *lane, hauberk_job *jobs, size_t count) {
  const IMB_MGR *manager = lane->manager;
  gcm_context *context = (gcm_context *)lane->work;
  _Alignas(16) uint8_t tag[16];
  hauberk_job *end = jobs + count, *last = end - KEYS_AHEAD;
  for (hauberk_job *job = jobs; job != end; job++) {
    if (job < last && job[KEYS_AHEAD].key != job->key) prefetch_key(job[KEYS_AHEAD].key, job[KEYS_AHEAD].kind, job[KEYS_AHEAD].length);
    plain_pass(manager, context, job, tag);
    bool is_good = same_tag(tag, job->text + job->length, 16);
    if (__builtin_expect(!is_good, 0)) {
      job->kind = 0;
      // RFC 4106, 5 and RFC 5116, 2.2: of what is not authentic, nothing is given out.
      memset(job->text, 0, job->length);
    }
  }
}

#else

uint16_t hauberk_mb_plain_kind(const hauberk_key *key) { return key == NULL; }
void hauberk_mb_seal_plain(hauberk_lane *lane, const hauberk_job *jobs, size_t count) {
  (void)lane, (void)jobs, (void)count;
}
void hauberk_mb_open_plain(hauberk_lane *lane, hauberk_job *jobs, size_t count) { (void)lane, (void)jobs, (void)count; }
void hauberk_mb_start(void) {}
bool hauberk_mb_is_here(void) { return false; }
void *hauberk_mb_expander(void) { return NULL; }
int hauberk_mb_words(char *out, size_t capacity) { return snprintf(out, capacity, "intel-ipsec-mb (not built in)"); }
const char *hauberk_mb_copy_refusal(void) { return NULL; }
bool hauberk_mb_does(const hauberk_suite *suite) { return suite == NULL; }
void *hauberk_mb_manager_make(uint32_t lane) { return (void)lane, NULL; }
void hauberk_mb_manager_free(void *manager) { (void)manager; }
const void *hauberk_mb_code(const void *manager) { return (void)manager, NULL; }
size_t hauberk_mb_schedule_bytes(const hauberk_suite *suite) { return suite == NULL; }
void hauberk_mb_expand(hauberk_key *key, const uint8_t *material) { (void)key, (void)material; }
void hauberk_mb_seal(hauberk_lane *lane, const hauberk_packet *packet) { (void)lane, (void)packet; }
bool hauberk_mb_open(hauberk_lane *lane, const hauberk_packet *packet) { return (void)lane, (void)packet, false; }
size_t hauberk_mb_seal_direct(hauberk_lane *lane, hauberk_packet *packets, size_t count, uint8_t *others) {
  return (void)lane, (void)packets, (void)count, (void)others, 0;
}
size_t hauberk_mb_open_direct(hauberk_lane *lane, hauberk_packet *packets, size_t count, uint8_t *others) {
  return (void)lane, (void)packets, (void)count, (void)others, 0;
}

#endif
