#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "CCrypto.h"
#include "identity.h"
#include "key_memory.h"

enum { MOST_KEY_FILE = 8192 };

/// Nobody is asked for a passphrase: a program without a terminal would wait for ever.
static int no_passphrase(char *out, int size, int is_writing, void *context) {
  (void)out, (void)size, (void)is_writing, (void)context;
  return -1;
}

/// Ours, or nothing.
static hauberk_identity_key *ed25519(EVP_PKEY *key) {
  ERR_clear_error();
  if (key && EVP_PKEY_id(key) == EVP_PKEY_ED25519) return (hauberk_identity_key *)key;
  EVP_PKEY_free(key);
  return NULL;
}

hauberk_identity_key *hauberk_identity_key_make(void) {
  hauberk_key_scope_begin();
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  hauberk_key_scope_end();
  return ed25519(key);
}

hauberk_identity_key *hauberk_identity_key_from_octets(const uint8_t octets[HAUBERK_PUBLIC_KEY_BYTES]) {
  return ed25519(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets, HAUBERK_PUBLIC_KEY_BYTES));
}

hauberk_identity_key *hauberk_identity_key_from_pem(const char *pem, size_t length) {
  if (length > MOST_KEY_FILE) return NULL;
  BIO *text = BIO_new_mem_buf(pem, (int)length);
  EVP_PKEY *key = text ? PEM_read_bio_PUBKEY(text, NULL, no_passphrase, NULL) : NULL;
  BIO_free(text);
  return ed25519(key);
}

/// As much as fits. The count, or -errno - 100; `status` is the opened file's, which nobody can exchange any more.
static ssize_t read_file(const char *path, struct stat *status, void *out, size_t capacity) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return -errno - 100;
  ssize_t count = 0, got = 0;
  if (fstat(file, status) < 0) {
    got = -1;
  } else if (!S_ISREG(status->st_mode)) {
    errno = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
    got = -1;
  } else {
    do {
      got = read(file, (char *)out + count, capacity - (size_t)count);
      count += got > 0 ? got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
  }
  int code = errno;
  close(file);
  return got < 0 ? -code - 100 : count;
}

int hauberk_identity_file(const char *path, uint8_t *out, size_t capacity) {
  struct stat status;
  ssize_t count = read_file(path, &status, out, capacity);
  if (count >= 0 && (size_t)status.st_size > capacity) return HAUBERK_IDENTITY_ROOM;
  return (int)count;
}

const char *hauberk_identity_errno_words(int code) {
  const char *words = strerrordesc_np(code);
  return words ? words : "an error that the system does not name";
}

hauberk_identity_key *hauberk_identity_key_load(const char *path, int *why) {
  struct stat status;
  char pem[MOST_KEY_FILE];
  ssize_t count = read_file(path, &status, pem, sizeof pem);
  hauberk_identity_key *key = NULL;
  if (count < 0) {
    *why = (int)(-count - 100);
  } else if (status.st_mode & (S_IRWXG | S_IRWXO)) {
    *why = HAUBERK_IDENTITY_EXPOSED;
  } else {
    hauberk_key_scope_begin();
    BIO *text = BIO_new_mem_buf(pem, (int)count);
    EVP_PKEY *found = text ? PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL) : NULL;
    BIO_free(text);
    hauberk_key_scope_end();
    key = ed25519(found);
    *why = key ? 0 : HAUBERK_IDENTITY_FORM;
  }
  hauberk_wipe(pem, sizeof pem);
  return key;
}

void hauberk_identity_key_free(hauberk_identity_key *key) { EVP_PKEY_free(hauberk_pkey(key)); }

bool hauberk_identity_key_octets(const hauberk_identity_key *key, uint8_t out[HAUBERK_PUBLIC_KEY_BYTES]) {
  size_t size = HAUBERK_PUBLIC_KEY_BYTES;
  return EVP_PKEY_get_raw_public_key(hauberk_pkey(key), out, &size) == 1 && size == HAUBERK_PUBLIC_KEY_BYTES;
}

int hauberk_identity_key_pem(const hauberk_identity_key *key, char *out, size_t capacity) {
  BIO *text = BIO_new(BIO_s_secmem());
  int length = HAUBERK_IDENTITY_FORM;
  if (text && PEM_write_bio_PKCS8PrivateKey(text, hauberk_pkey(key), NULL, NULL, 0, NULL, NULL) == 1) {
    char *octets;
    long count = BIO_get_mem_data(text, &octets);
    length = count > 0 && (size_t)count <= capacity ? (int)count : HAUBERK_IDENTITY_ROOM;
    if (length > 0) memcpy(out, octets, (size_t)length);
  }
  ERR_clear_error();
  BIO_free(text);
  return length;
}

bool hauberk_identity_sign(const hauberk_identity_key *key, const uint8_t *octets, size_t length,
                           uint8_t signature[HAUBERK_SIGNATURE_BYTES]) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  size_t size = HAUBERK_SIGNATURE_BYTES;
  bool done = context && EVP_DigestSignInit(context, NULL, NULL, NULL, hauberk_pkey(key)) == 1 &&
              EVP_DigestSign(context, signature, &size, octets, length) == 1 && size == HAUBERK_SIGNATURE_BYTES;
  EVP_MD_CTX_free(context);
  if (!done) ERR_clear_error();
  return done;
}

bool hauberk_identity_verify(const hauberk_identity_key *key, const uint8_t *octets, size_t length,
                             const uint8_t signature[HAUBERK_SIGNATURE_BYTES]) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool right = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, hauberk_pkey(key)) == 1 &&
               EVP_DigestVerify(context, signature, HAUBERK_SIGNATURE_BYTES, octets, length) == 1;
  EVP_MD_CTX_free(context);
  if (!right) ERR_clear_error();
  return right;
}

bool hauberk_identity_digest(const uint8_t *octets, size_t length, uint8_t out[HAUBERK_DIGEST_BYTES]) {
  return EVP_Digest(octets, length, out, NULL, EVP_sha256(), NULL) == 1;
}

bool hauberk_identity_random(uint8_t *out, size_t length) { return RAND_bytes(out, (int)length) == 1; }

int hauberk_identity_pem_block(const char *pem, size_t length, const char *name, int number, uint8_t *out,
                               size_t capacity) {
  if (length > HAUBERK_MOST_IDENTITY_FILE_BYTES) return HAUBERK_IDENTITY_ROOM;
  BIO *text = BIO_new_mem_buf(pem, (int)length);
  int result = text ? 0 : HAUBERK_IDENTITY_FORM;
  while (result == 0) {
    char *found = NULL, *header = NULL;
    unsigned char *octets = NULL;
    long count = 0;
    ERR_clear_error();
    if (PEM_read_bio(text, &found, &header, &octets, &count) != 1) {
      if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) result = HAUBERK_IDENTITY_FORM;
      break;
    }
    if (strcmp(found, name) == 0 && number-- == 0) {
      result = count > 0 && (size_t)count <= capacity ? (int)count : HAUBERK_IDENTITY_ROOM;
      if (result > 0) memcpy(out, octets, (size_t)count);
    }
    OPENSSL_free(found);
    OPENSSL_free(header);
    OPENSSL_clear_free(octets, (size_t)count);
  }
  ERR_clear_error();
  BIO_free(text);
  return result;
}

int hauberk_identity_pem_make(const char *name, const uint8_t *octets, size_t length, char *out, size_t capacity) {
  BIO *text = BIO_new(BIO_s_mem());
  int result = HAUBERK_IDENTITY_FORM;
  if (text && PEM_write_bio(text, name, "", octets, (long)length) > 0) {
    char *made;
    long count = BIO_get_mem_data(text, &made);
    result = count > 0 && (size_t)count <= capacity ? (int)count : HAUBERK_IDENTITY_ROOM;
    if (result > 0) memcpy(out, made, (size_t)result);
  }
  ERR_clear_error();
  BIO_free(text);
  return result;
}
