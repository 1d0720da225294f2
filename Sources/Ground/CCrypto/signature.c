#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

#include "CSignature.h"

enum { RAW_KEY = 32 };

/// Nobody is asked for a passphrase: a program without a terminal would wait for ever.
static int no_passphrase(char *out, int size, int is_writing, void *context) {
  (void)out, (void)size, (void)is_writing, (void)context;
  return -1;
}

/// The next public key of a text. NULL at its end, and where something is no public key: then `is_end` says which.
static EVP_PKEY *next_key(BIO *text, bool *is_end) {
  char *name = NULL, *header = NULL;
  unsigned char *data = NULL;
  long length = 0;
  ERR_clear_error();
  if (PEM_read_bio(text, &name, &header, &data, &length) != 1) {
    *is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    return NULL;
  }
  *is_end = false;
  const unsigned char *at = data;
  EVP_PKEY *key = strcmp(name, PEM_STRING_PUBLIC) == 0 ? d2i_PUBKEY(NULL, &at, length) : NULL;
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return key;
}

static bool is_right(EVP_PKEY *key, const uint8_t *octets, size_t length, const uint8_t *signature) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool right = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestVerify(context, signature, HAUBERK_SIGNATURE_BYTES, octets, length) == 1;
  EVP_MD_CTX_free(context);
  return right;
}

int hauberk_trusted_keys(const char *pem, size_t length, uint8_t *signers, size_t capacity) {
  BIO *text = BIO_new_mem_buf(pem, (int)length);
  if (!text) return -1;
  int count = 0;
  bool is_end = false;
  EVP_PKEY *key;
  while (count >= 0 && (key = next_key(text, &is_end))) {
    uint8_t raw[RAW_KEY];
    size_t size = sizeof raw;
    bool fits = EVP_PKEY_id(key) == EVP_PKEY_ED25519 && EVP_PKEY_get_raw_public_key(key, raw, &size) == 1 &&
                size == RAW_KEY && count < HAUBERK_MOST_TRUSTED;
    if (fits && (size_t)count < capacity)
      fits = EVP_Digest(raw, size, signers + (size_t)count * HAUBERK_SIGNER_BYTES, NULL, EVP_sha256(), NULL) == 1;
    EVP_PKEY_free(key);
    count = fits ? count + 1 : -1;
  }
  ERR_clear_error();
  BIO_free(text);
  return is_end && count > 0 ? count : -1;
}

int hauberk_verify_signature(const char *pem, size_t pem_length, const uint8_t *octets, size_t length,
                             const uint8_t signature[HAUBERK_SIGNATURE_BYTES]) {
  BIO *text = BIO_new_mem_buf(pem, (int)pem_length);
  if (!text) return -1;
  int number = 0, found = -1;
  bool is_end;
  EVP_PKEY *key;
  while (found < 0 && (key = next_key(text, &is_end))) {
    if (EVP_PKEY_id(key) == EVP_PKEY_ED25519 && is_right(key, octets, length, signature)) found = number;
    number++;
    EVP_PKEY_free(key);
  }
  ERR_clear_error();
  BIO_free(text);
  return found;
}

int hauberk_make_signature(const char *pem, size_t pem_length, const uint8_t *octets, size_t length,
                           uint8_t signature[HAUBERK_SIGNATURE_BYTES]) {
  BIO *text = BIO_new_mem_buf(pem, (int)pem_length);
  EVP_PKEY *key = text ? PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL) : NULL;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  size_t size = HAUBERK_SIGNATURE_BYTES;
  bool done = key && context && EVP_PKEY_id(key) == EVP_PKEY_ED25519 &&
              EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(context, signature, &size, octets, length) == 1 && size == HAUBERK_SIGNATURE_BYTES;
  ERR_clear_error();
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(text);
  return done ? 0 : -1;
}
