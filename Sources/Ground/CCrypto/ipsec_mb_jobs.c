// intel-ipsec-mb's jobs, for a cipher and an HMAC: the library computes up to sixteen packets beside one another, so
// that a burst of them costs a fraction of as many single calls.
//
//   | AAD | payload | suffix |     what the HMAC reads lies in one run: the suffix is written to where the tag
//   | AAD | payload | tag ...  |   goes afterwards, or where it has been taken from
#include "ipsec_mb.h"
#include "keys.h"

#ifdef HAUBERK_HAS_IPSEC_MB

// Since 1.4 a job of a burst has to say in advance what it is.
#if IMB_VERSION_NUM >= IMB_VERSION(1, 4, 0)
#define HAS_SUITE_ID 1
#else
#define HAS_SUITE_ID 0
#endif

enum { STEP_SEAL, STEP_CHECK, STEP_DECRYPT, STEPS };
enum { MOST_JOB_BYTES = 65534 };  // the library counts with 16 bits

/// What a key needs for jobs.
typedef struct job_key {
  uint32_t suite_ids[STEPS][2];
  uint8_t cipher;  // IMB_CIPHER_MODE
  uint8_t hash;    // IMB_HASH_ALG
  uint8_t key_bytes, iv_bytes, tag_bytes;
  _Alignas(LINE_BYTES) uint8_t inner[64];  // hash states behind the padded key
  uint8_t outer[64];
  uint8_t rounds[15 * 16];  // of the direction that is needed
} job_key;

size_t hauberk_mb_job_key_bytes(void) { return sizeof(job_key); }

/// Everything that one packet does not differ from another in.
static inline void begin(IMB_JOB *job, const job_key *key, int step) {
  job->enc_keys = key->rounds;
  job->dec_keys = key->rounds;
  job->key_len_in_bytes = key->key_bytes;
  job->iv_len_in_bytes = key->iv_bytes;
  job->auth_tag_output_len_in_bytes = key->tag_bytes;
  job->cipher_mode = step == STEP_CHECK ? IMB_CIPHER_NULL : (IMB_CIPHER_MODE)key->cipher;
  job->cipher_direction = step == STEP_SEAL ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
  job->hash_alg = step == STEP_DECRYPT ? IMB_AUTH_NULL : (IMB_HASH_ALG)key->hash;
  job->chain_order = step == STEP_SEAL ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
  job->u.HMAC._hashed_auth_key_xor_ipad = key->inner;
  job->u.HMAC._hashed_auth_key_xor_opad = key->outer;
#if HAS_SUITE_ID
  job->suite_id[0] = key->suite_ids[step][0];
  job->suite_id[1] = key->suite_ids[step][1];
#endif
}

/// False where the library does not do it.
static bool prepare_steps(IMB_MGR *manager, job_key *key) {
#if HAS_SUITE_ID
  for (int step = 0; step < STEPS; step++) {
    IMB_JOB job = {0};
    begin(&job, key, step);
    if (imb_set_session(manager, &job) == 0) return false;
    memcpy(key->suite_ids[step], job.suite_id, sizeof key->suite_ids[step]);
  }
#else
  (void)manager, (void)key;
#endif
  return true;
}

static void expand(IMB_MGR *manager, const hauberk_key *key, const uint8_t *material, uint8_t *rounds) {
  _Alignas(16) uint8_t other[15 * 16];
  // CTR encrypts its counter in both directions.
  bool decrypts = key->use == HAUBERK_USE_OPEN && key->suite.cipher == HAUBERK_CIPHER_CBC;
  uint8_t *forth = decrypts ? other : rounds, *back = decrypts ? rounds : other;
  switch (key->suite.key_bytes) {
    case 16: IMB_AES_KEYEXP_128(manager, material, forth, back); break;
    case 24: IMB_AES_KEYEXP_192(manager, material, forth, back); break;
    default: IMB_AES_KEYEXP_256(manager, material, forth, back); break;
  }
  hauberk_wipe(other, sizeof other);
}

void hauberk_mb_job_key_make(hauberk_key *key, const uint8_t *material) {
  static const struct {
    uint8_t hash, state_bytes;
  } hashes[] = {
      [HAUBERK_INTEGRITY_SHA1_96] = {IMB_AUTH_HMAC_SHA_1, 20},
      [HAUBERK_INTEGRITY_SHA256_128] = {IMB_AUTH_HMAC_SHA_256, 32},
      [HAUBERK_INTEGRITY_SHA384_192] = {IMB_AUTH_HMAC_SHA_384, 64},
      [HAUBERK_INTEGRITY_SHA512_256] = {IMB_AUTH_HMAC_SHA_512, 64},
  };
  job_key *made = (job_key *)key->rest;
  IMB_MGR *manager = hauberk_mb_expander();
  uint8_t cipher = key->suite.cipher;
  made->cipher = cipher == HAUBERK_CIPHER_CBC   ? IMB_CIPHER_CBC
                 : cipher == HAUBERK_CIPHER_CTR ? IMB_CIPHER_CNTR
                                                : IMB_CIPHER_NULL;
  made->hash = hashes[key->suite.integrity].hash;
  made->key_bytes = cipher == HAUBERK_CIPHER_NULL ? 16 : key->suite.key_bytes;
  // Twelve: the library adds the block counter, which begins with 1 (RFC 3686, 4).
  made->iv_bytes = cipher == HAUBERK_CIPHER_CTR ? 12 : 16;
  made->tag_bytes = key->suite.tag_bytes;
  // All of OpenSSL's structures begin with the state, in words of the machine, as the library wants it.
  memcpy(made->inner, &key->hmac->inner, hashes[key->suite.integrity].state_bytes);
  memcpy(made->outer, &key->hmac->outer, hashes[key->suite.integrity].state_bytes);
  if (cipher != HAUBERK_CIPHER_NULL) expand(manager, key, material, made->rounds);
  key->has_jobs = prepare_steps(manager, made);
}

bool hauberk_mb_takes(const hauberk_packet *packet) {
  return packet->key->has_jobs && packet->length > 0 && packet->aad + packet->aad_length == packet->payload &&
         packet->aad_length + packet->length + 4 <= MOST_JOB_BYTES &&
         (!packet->suffix || packet->tag == packet->payload + packet->length);
}

static inline void describe(IMB_JOB *job, hauberk_packet *packet, int step, uint8_t *tag) {
  begin(job, (const job_key *)packet->key->rest, step);
  job->src = packet->aad;
  job->dst = packet->payload;
  job->iv = packet->nonce;
  job->cipher_start_src_offset_in_bytes = packet->aad_length;
  job->msg_len_to_cipher_in_bytes = packet->length;
  job->hash_start_src_offset_in_bytes = 0;
  job->msg_len_to_hash_in_bytes = packet->aad_length + packet->length + (packet->suffix ? 4 : 0);
  job->auth_tag_output = tag;
  job->user_data = packet;
}

/// Says of each packet whether its job was done.
static void finish(IMB_JOB *const *jobs, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    ((hauberk_packet *)jobs[i]->user_data)->is_good = jobs[i]->status == IMB_STATUS_COMPLETED;
  }
}

/// Lengths and pointers have been looked at: the library does not do it again.
static void run(IMB_MGR *manager, IMB_JOB **jobs, uint32_t count) {
  uint32_t done = IMB_SUBMIT_BURST_NOCHECK(manager, count, jobs);
  finish(jobs, done);
  while (done < count) {
    uint32_t more = IMB_FLUSH_BURST(manager, count - done, jobs);
    if (more == 0) break;
    finish(jobs, more);
    done += more;
  }
}

void hauberk_mb_seal_jobs(hauberk_lane *lane, hauberk_packet *packets, const uint8_t *numbers, size_t count) {
  IMB_MGR *manager = lane->manager;
  IMB_JOB *jobs[MOST_BURST];
  // The queue is empty between bursts, and longer than one.
  uint32_t got = IMB_GET_NEXT_BURST(manager, (uint32_t)count, jobs);
  for (size_t i = 0; i < count; i++) {
    hauberk_packet *packet = packets + numbers[i];
    packet->is_good = 0;
    if (i >= got) continue;
    if (packet->suffix) memcpy(packet->payload + packet->length, packet->suffix, 4);
    describe(jobs[i], packet, STEP_SEAL, packet->tag);
  }
  run(manager, jobs, got);
}

/// Whether the tags are right. Writes nothing but `is_good`, and the tags are as they were.
static void check(hauberk_lane *lane, hauberk_packet *packets, const uint8_t *numbers, size_t count) {
  IMB_MGR *manager = lane->manager;
  IMB_JOB *jobs[MOST_BURST];
  uint32_t beginnings[MOST_BURST];
  uint32_t got = IMB_GET_NEXT_BURST(manager, (uint32_t)count, jobs);
  for (size_t i = 0; i < count; i++) {
    hauberk_packet *packet = packets + numbers[i];
    packet->is_good = 0;
    memcpy(&beginnings[i], packet->tag, 4);
    if (packet->suffix) memcpy(packet->tag, packet->suffix, 4);
    if (i < got) describe(jobs[i], packet, STEP_CHECK, lane->tags[i]);
  }
  run(manager, jobs, got);
  for (size_t i = 0; i < count; i++) {
    hauberk_packet *packet = packets + numbers[i];
    if (packet->suffix) memcpy(packet->tag, &beginnings[i], 4);
    packet->is_good = packet->is_good && same_tag(lane->tags[i], packet->tag, packet->key->suite.tag_bytes);
  }
}

void hauberk_mb_open_jobs(hauberk_lane *lane, hauberk_packet *packets, const uint8_t *numbers, size_t count) {
  IMB_MGR *manager = lane->manager;
  IMB_JOB *jobs[MOST_BURST];
  uint32_t authentic = 0;
  check(lane, packets, numbers, count);
  // Nothing is decrypted before its tag is known to be right.
  uint32_t got = IMB_GET_NEXT_BURST(manager, (uint32_t)count, jobs);
  for (size_t i = 0; i < count; i++) {
    hauberk_packet *packet = packets + numbers[i];
    if (!packet->is_good || packet->key->suite.cipher == HAUBERK_CIPHER_NULL) continue;
    packet->is_good = 0;
    if (authentic < got) describe(jobs[authentic++], packet, STEP_DECRYPT, lane->tags[i]);
  }
  if (authentic > 0) run(manager, jobs, authentic);
}

#else

size_t hauberk_mb_job_key_bytes(void) { return 0; }
void hauberk_mb_job_key_make(hauberk_key *key, const uint8_t *material) { (void)key, (void)material; }
bool hauberk_mb_takes(const hauberk_packet *packet) { return packet == NULL; }
void hauberk_mb_seal_jobs(hauberk_lane *lane, hauberk_packet *packets, const uint8_t *numbers, size_t count) {
  (void)lane, (void)packets, (void)numbers, (void)count;
}
void hauberk_mb_open_jobs(hauberk_lane *lane, hauberk_packet *packets, const uint8_t *numbers, size_t count) {
  (void)lane, (void)packets, (void)numbers, (void)count;
}

#endif
