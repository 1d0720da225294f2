// OpenSSL's EVP. A context belongs to one key, one direction and one lane, so that a packet only sets the IV.
#include <openssl/crypto.h>
#include <stdio.h>

#include "key_memory.h"
#include "keys.h"

enum { FETCHED = 16 };
// Fetched once: a fetch by name takes locks and allocates.
static EVP_CIPHER *fetched[FETCHED];
static EVP_CIPHER *block_cipher;

static int slot(const hauberk_suite *suite) {
  int bits = suite->key_bytes / 8 - 2;  // 0, 1, 2 for 128, 192, 256
  switch (suite->cipher) {
    case HAUBERK_CIPHER_GCM:
    case HAUBERK_CIPHER_GMAC: return bits;
    case HAUBERK_CIPHER_CBC: return 3 + bits;
    case HAUBERK_CIPHER_CTR: return 6 + bits;
    case HAUBERK_CIPHER_CHACHA20_POLY1305: return 9;
    default: return -1;
  }
}

void hauberk_evp_start(void) {
  static const char *const names[] = {
      "AES-128-GCM", "AES-192-GCM", "AES-256-GCM", "AES-128-CBC", "AES-192-CBC",
      "AES-256-CBC", "AES-128-CTR", "AES-192-CTR", "AES-256-CTR", "ChaCha20-Poly1305",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) fetched[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
  block_cipher = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
}

int hauberk_evp_words(char *out, size_t capacity) {
  return snprintf(out, capacity, "OpenSSL %s", OpenSSL_version(OPENSSL_VERSION_STRING));
}

static EVP_CIPHER_CTX *context(const EVP_CIPHER *cipher, const uint8_t *key, int encrypts) {
  if (!cipher) return NULL;
  hauberk_key_scope_begin();
  EVP_CIPHER_CTX *made = EVP_CIPHER_CTX_new();
  if (made && (EVP_CipherInit_ex(made, cipher, NULL, key, NULL, encrypts) != 1 ||
               EVP_CIPHER_CTX_set_padding(made, 0) != 1)) {
    EVP_CIPHER_CTX_free(made);
    made = NULL;
  }
  hauberk_key_scope_end();
  return made;
}

EVP_CIPHER_CTX *hauberk_evp_context(const hauberk_suite *suite, int use, const uint8_t *key) {
  int at = slot(suite);
  return at < 0 ? NULL : context(fetched[at], key, use);
}

EVP_CIPHER_CTX *hauberk_evp_block_context(const uint8_t *key) { return context(block_cipher, key, 1); }

void hauberk_evp_free(EVP_CIPHER_CTX *context) { EVP_CIPHER_CTX_free(context); }

static bool authenticate(EVP_CIPHER_CTX *context, const uint8_t *bytes, size_t length) {
  int written;
  return length == 0 || EVP_CipherUpdate(context, NULL, &written, bytes, (int)length) == 1;
}

/// IV, additional data, text: the same in both directions.
static bool pass(EVP_CIPHER_CTX *context, const hauberk_packet *packet) {
  int written;
  if (EVP_CipherInit_ex(context, NULL, NULL, NULL, packet->nonce, -1) != 1) return false;
  if (!authenticate(context, packet->aad, packet->aad_length)) return false;
  // RFC 4543: GMAC authenticates the payload and leaves it as it is.
  if (packet->key->suite.cipher == HAUBERK_CIPHER_GMAC) return authenticate(context, packet->payload, packet->length);
  return packet->length == 0 ||
         EVP_CipherUpdate(context, packet->payload, &written, packet->payload, (int)packet->length) == 1;
}

bool hauberk_evp_seal(EVP_CIPHER_CTX *context, const hauberk_packet *packet) {
  uint8_t rest[16];
  int written;
  return pass(context, packet) && EVP_CipherFinal_ex(context, rest, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, packet->key->suite.tag_bytes, packet->tag) == 1;
}

bool hauberk_evp_open(EVP_CIPHER_CTX *context, const hauberk_packet *packet) {
  uint8_t rest[16];
  int written;
  return pass(context, packet) &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, packet->key->suite.tag_bytes, packet->tag) == 1 &&
         EVP_CipherFinal_ex(context, rest, &written) == 1;
}

bool hauberk_evp_crypt(EVP_CIPHER_CTX *context, const hauberk_packet *packet) {
  const uint8_t *iv = packet->nonce;
  uint8_t counter[16];
  int written;
  if (packet->length == 0) return true;
  if (packet->key->suite.cipher == HAUBERK_CIPHER_CTR) {
    // RFC 3686, 4: nonce, IV, and a block counter that begins with 1.
    memcpy(counter, packet->nonce, 12);
    memcpy(counter + 12, "\0\0\0\1", 4);
    iv = counter;
  }
  return EVP_CipherInit_ex(context, NULL, NULL, NULL, iv, -1) == 1 &&
         EVP_CipherUpdate(context, packet->payload, &written, packet->payload, (int)packet->length) == 1 &&
         written == (int)packet->length;
}
