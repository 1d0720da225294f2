// HMAC (RFC 2104) with the two padded keys hashed beforehand, so that a packet pays for its own bytes and two blocks.
//
// Over OpenSSL's plain hash structures and not its EVP ones: those allocate for every packet, and outside of key
// memory. These are read-only after the key is made; all threads may share them.
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

typedef union hauberk_hash {
  SHA_CTX sha1;
  SHA256_CTX sha256;
  SHA512_CTX sha512;  // SHA-384 as well
} hauberk_hash;

typedef struct hauberk_hmac {
  hauberk_hash inner, outer;
  uint8_t integrity;
} hauberk_hmac;

/// `key` of at most a block, 64 bytes.
void hauberk_hmac_prepare(hauberk_hmac *hmac, uint8_t integrity, const uint8_t *key, size_t bytes);

typedef struct hauberk_piece {
  const void *bytes;
  size_t length;
} hauberk_piece;

/// `digest` has room for 64 bytes; `scratch` is key memory.
void hauberk_hmac_compute(
    const hauberk_hmac *hmac, hauberk_hash *scratch, const hauberk_piece *pieces, int count, uint8_t *digest);
