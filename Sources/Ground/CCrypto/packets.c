// The way of a packet through a key and a lane, alone or in a burst.
#include "keys.h"

static void integrity_tag(hauberk_lane *lane, const hauberk_packet *packet, uint8_t *digest) {
  hauberk_piece pieces[] = {
      {packet->aad, packet->aad_length},
      {packet->payload, packet->length},
      {packet->suffix, packet->suffix ? 4 : 0},
  };
  hauberk_hmac_compute(packet->key->hmac, &lane->hash, pieces, 3, digest);
}

static bool crypt(hauberk_lane *lane, const hauberk_packet *packet) {
  if (packet->key->suite.cipher == HAUBERK_CIPHER_NULL) return true;
  return hauberk_evp_crypt(context_of(packet->key, lane), packet);
}

static bool seal(hauberk_lane *lane, const hauberk_packet *packet) {
  const hauberk_key *key = packet->key;
  if (!fits(lane, packet, HAUBERK_USE_SEAL)) return false;
  if (key->route == ROUTE_IPSEC_MB) {
    hauberk_mb_seal(lane, packet);
    return true;
  }
  if (key->route == ROUTE_EVP) return hauberk_evp_seal(context_of(key, lane), packet);
  uint8_t digest[SHA512_DIGEST_LENGTH];
  if (!crypt(lane, packet)) return false;
  integrity_tag(lane, packet, digest);
  memcpy(packet->tag, digest, key->suite.tag_bytes);
  return true;
}

static bool open(hauberk_lane *lane, const hauberk_packet *packet) {
  const hauberk_key *key = packet->key;
  if (!fits(lane, packet, HAUBERK_USE_OPEN)) return false;
  if (key->route == ROUTE_IPSEC_MB) return hauberk_mb_open(lane, packet);
  if (key->route == ROUTE_EVP) {
    bool is_right = hauberk_evp_open(context_of(key, lane), packet);
    // RFC 4106, 5 and RFC 5116, 2.2: of what is not authentic, nothing is given out.
    if (!is_right && packet->length > 0) memset(packet->payload, 0, packet->length);
    return is_right;
  }
  // Nothing is decrypted before the tag is known to be right.
  uint8_t expected[SHA512_DIGEST_LENGTH];
  integrity_tag(lane, packet, expected);
  return same_tag(expected, packet->tag, key->suite.tag_bytes) && crypt(lane, packet);
}

bool hauberk_seal(
    hauberk_lane *lane, const hauberk_key *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
    uint8_t *payload, size_t length, uint8_t *tag, const uint8_t *suffix) {
  if (length > MOST_BYTES || aad_length > MOST_BYTES) return false;
  hauberk_packet packet = {key, nonce, aad, payload, tag, suffix, (uint32_t)aad_length, (uint32_t)length, 0, 0};
  return seal(lane, &packet);
}

bool hauberk_open(
    hauberk_lane *lane, const hauberk_key *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_length,
    uint8_t *payload, size_t length, const uint8_t *tag, const uint8_t *suffix) {
  if (length > MOST_BYTES || aad_length > MOST_BYTES) return false;
  hauberk_packet packet = {
      key, nonce, aad, payload, (uint8_t *)tag, suffix, (uint32_t)aad_length, (uint32_t)length, 0, 0};
  return open(lane, &packet);
}

// Bursts. With ipsec-mb there are three ways, and a burst takes each at most once:
//
//   AEADs                             one direct call after the other
//   a cipher and an HMAC              all together, as jobs
//   too few for that, or not in line  one call after the other, over OpenSSL

typedef bool one_call(hauberk_lane *lane, const hauberk_packet *packet);

/// With fewer packets of a hash than this, one after the other is faster: there are as many lanes to be computed with
/// one packet in them as with sixteen, or eight of SHA-384 and SHA-512.
static const uint8_t fewest[] = {
    [HAUBERK_INTEGRITY_SHA1_96] = 4,
    [HAUBERK_INTEGRITY_SHA256_128] = 6,
    [HAUBERK_INTEGRITY_SHA384_192] = 2,
    [HAUBERK_INTEGRITY_SHA512_256] = 2,
};

/// Of the packets of these numbers, does those that are not for jobs. Returns how many are; their numbers are first.
static size_t do_others(
    hauberk_lane *lane, hauberk_packet *packets, uint8_t *numbers, size_t count, int use, one_call *call) {
  uint64_t can = 0;
  uint8_t of_hash[sizeof fewest] = {0};
  size_t jobs = 0;
  for (size_t i = 0; i < count; i++) {
    const hauberk_packet *packet = packets + numbers[i];
    if (!fits(lane, packet, use) || !hauberk_mb_takes(packet)) continue;
    can |= (uint64_t)1 << i;
    of_hash[packet->key->suite.integrity]++;
  }
  for (size_t i = 0; i < count; i++) {
    hauberk_packet *packet = packets + numbers[i];
    uint8_t hash = packet->key->suite.integrity;
    if ((can >> i & 1) != 0 && of_hash[hash] >= fewest[hash]) {
      numbers[jobs++] = numbers[i];
    } else {
      packet->is_good = call(lane, packet);
    }
  }
  return jobs;
}

static void each(hauberk_lane *lane, hauberk_packet *packets, size_t count, one_call *call) {
  for (size_t i = 0; i < count; i++) packets[i].is_good = call(lane, packets + i);
}

void hauberk_seal_burst(hauberk_lane *lane, hauberk_packet *packets, size_t count) {
  if (!lane->manager) {
    each(lane, packets, count, seal);
    return;
  }
  while (count > 0) {
    uint8_t others[MOST_BURST];
    size_t now = count < MOST_BURST ? count : MOST_BURST;
    size_t left = hauberk_mb_seal_direct(lane, packets, now, others);
    if (left > 0) left = do_others(lane, packets, others, left, HAUBERK_USE_SEAL, seal);
    if (left > 0) hauberk_mb_seal_jobs(lane, packets, others, left);
    packets += now;
    count -= now;
  }
}

void hauberk_open_burst(hauberk_lane *lane, hauberk_packet *packets, size_t count) {
  if (!lane->manager) {
    each(lane, packets, count, open);
    return;
  }
  while (count > 0) {
    uint8_t others[MOST_BURST];
    size_t now = count < MOST_BURST ? count : MOST_BURST;
    size_t left = hauberk_mb_open_direct(lane, packets, now, others);
    if (left > 0) left = do_others(lane, packets, others, left, HAUBERK_USE_OPEN, open);
    if (left > 0) hauberk_mb_open_jobs(lane, packets, others, left);
    packets += now;
    count -= now;
  }
}
