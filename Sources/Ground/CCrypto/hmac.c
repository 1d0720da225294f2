#include "hmac.h"

#include <string.h>

#include "CCrypto.h"

static void begin(uint8_t integrity, hauberk_hash *hash) {
  switch (integrity) {
    case HAUBERK_INTEGRITY_SHA1_96: SHA1_Init(&hash->sha1); break;
    case HAUBERK_INTEGRITY_SHA256_128: SHA256_Init(&hash->sha256); break;
    case HAUBERK_INTEGRITY_SHA384_192: SHA384_Init(&hash->sha512); break;
    default: SHA512_Init(&hash->sha512); break;
  }
}

static void add(uint8_t integrity, hauberk_hash *hash, const void *bytes, size_t length) {
  switch (integrity) {
    case HAUBERK_INTEGRITY_SHA1_96: SHA1_Update(&hash->sha1, bytes, length); break;
    case HAUBERK_INTEGRITY_SHA256_128: SHA256_Update(&hash->sha256, bytes, length); break;
    case HAUBERK_INTEGRITY_SHA384_192: SHA384_Update(&hash->sha512, bytes, length); break;
    default: SHA512_Update(&hash->sha512, bytes, length); break;
  }
}

/// Returns the digest's length.
static size_t end(uint8_t integrity, hauberk_hash *hash, uint8_t *digest) {
  switch (integrity) {
    case HAUBERK_INTEGRITY_SHA1_96: SHA1_Final(digest, &hash->sha1); return SHA_DIGEST_LENGTH;
    case HAUBERK_INTEGRITY_SHA256_128: SHA256_Final(digest, &hash->sha256); return SHA256_DIGEST_LENGTH;
    case HAUBERK_INTEGRITY_SHA384_192: SHA384_Final(digest, &hash->sha512); return SHA384_DIGEST_LENGTH;
    default: SHA512_Final(digest, &hash->sha512); return SHA512_DIGEST_LENGTH;
  }
}

void hauberk_hmac_prepare(hauberk_hmac *hmac, uint8_t integrity, const uint8_t *key, size_t bytes) {
  uint8_t padded[SHA512_CBLOCK];
  size_t block = integrity >= HAUBERK_INTEGRITY_SHA384_192 ? SHA512_CBLOCK : SHA256_CBLOCK;
  hmac->integrity = integrity;
  memset(padded, 0x36, sizeof padded);
  for (size_t i = 0; i < bytes; i++) padded[i] ^= key[i];
  begin(integrity, &hmac->inner);
  add(integrity, &hmac->inner, padded, block);
  for (size_t i = 0; i < sizeof padded; i++) padded[i] ^= 0x36 ^ 0x5c;
  begin(integrity, &hmac->outer);
  add(integrity, &hmac->outer, padded, block);
  hauberk_wipe(padded, sizeof padded);
}

void hauberk_hmac_compute(
    const hauberk_hmac *hmac, hauberk_hash *scratch, const hauberk_piece *pieces, int count, uint8_t *digest) {
  uint8_t integrity = hmac->integrity;
  *scratch = hmac->inner;
  for (int i = 0; i < count; i++) {
    if (pieces[i].length > 0) add(integrity, scratch, pieces[i].bytes, pieces[i].length);
  }
  size_t length = end(integrity, scratch, digest);
  *scratch = hmac->outer;
  add(integrity, scratch, digest, length);
  end(integrity, scratch, digest);
}
