#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "CIdentity.h"

// One for each thread: to make it costs more than fifty hashes.
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t place;
static bool has_place;

static void end(void *context) { EVP_CIPHER_CTX_free(context); }
static void begin(void) { has_place = pthread_key_create(&place, end) == 0; }

static EVP_CIPHER_CTX *cipher(void) {
  static const uint8_t key[] = "hauberk watchword";
  pthread_once(&once, begin);
  if (!has_place) return NULL;
  EVP_CIPHER_CTX *context = pthread_getspecific(place);
  if (context) return context;
  context = EVP_CIPHER_CTX_new();
  if (context && EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
      EVP_CIPHER_CTX_set_padding(context, 0) == 1 && pthread_setspecific(place, context) == 0)
    return context;
  EVP_CIPHER_CTX_free(context);
  return NULL;
}

// x -> AES(x) ^ x under a key that everybody knows, as in Matyas, Meyer and Oseas' hash: one block, which cannot be gone
// back from.
bool hauberk_identity_watchword(uint8_t word[HAUBERK_WATCHWORD_BYTES], uint32_t times) {
  EVP_CIPHER_CTX *context = cipher();
  bool done = context;
  for (uint32_t i = 0; done && i < times; i++) {
    uint8_t block[HAUBERK_WATCHWORD_BYTES];
    int length = 0;
    done = EVP_EncryptUpdate(context, block, &length, word, sizeof block) == 1 && length == sizeof block;
    for (size_t at = 0; done && at < sizeof block; at++) word[at] ^= block[at];
  }
  if (!done) ERR_clear_error();
  return done;
}
