#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "CIdentity.h"

// x -> AES(x) ^ x under a key that everybody knows, as in Matyas, Meyer and Oseas' hash: one block, which cannot be gone
// back from.
bool hauberk_identity_watchword(uint8_t word[HAUBERK_WATCHWORD_BYTES], uint32_t times) {
  static const uint8_t key[] = "hauberk watchword";
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  bool done = context && EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL) == 1 &&
              EVP_CIPHER_CTX_set_padding(context, 0) == 1;
  for (uint32_t i = 0; done && i < times; i++) {
    uint8_t block[HAUBERK_WATCHWORD_BYTES];
    int length = 0;
    done = EVP_EncryptUpdate(context, block, &length, word, sizeof block) == 1 && length == sizeof block;
    for (size_t at = 0; at < sizeof block; at++) word[at] ^= block[at];
  }
  EVP_CIPHER_CTX_free(context);
  if (!done) ERR_clear_error();
  return done;
}
