// Who a unit of a cluster is: Ed25519 keys and X.509 certificates (RFC 5280, RFC 8410), as OpenSSL makes and reads them.
//
// Certificates are DER here. What is wrong with one is a number below 0; nothing prints.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CSignature.h"

enum {
  HAUBERK_PUBLIC_KEY_BYTES = 32,
  HAUBERK_DIGEST_BYTES = 32,
  HAUBERK_WATCHWORD_BYTES = 16,
  HAUBERK_MOST_SERIAL_BYTES = 20,
  HAUBERK_MOST_NAME_BYTES = 127,
  HAUBERK_MOST_CERTIFICATE_ADDRESSES = 16,
  HAUBERK_MOST_CERTIFICATE_BYTES = 1024,
  HAUBERK_MOST_REVOCATION_BYTES = 1 << 18,
  HAUBERK_MOST_AUTHORITIES = 8,
  HAUBERK_MOST_IDENTITY_FILE_BYTES = 1 << 20,
};

/// Why not.
enum {
  HAUBERK_IDENTITY_FORM = -1,        // not what it should be: no certificate, no list, no key of ours
  HAUBERK_IDENTITY_STRANGER = -2,    // made by none of the authorities
  HAUBERK_IDENTITY_FORGED = -3,      // says that it was made by one, and was not
  HAUBERK_IDENTITY_UNFIT = -4,       // made by one, for something else
  HAUBERK_IDENTITY_EXPOSED = -5,     // a private key that others may read
  HAUBERK_IDENTITY_ROOM = -6,        // too long, or too many
};

// Keys

/// An Ed25519 key, private or public. Any thread may use it.
typedef struct hauberk_identity_key hauberk_identity_key;

hauberk_identity_key *hauberk_identity_key_make(void);
hauberk_identity_key *hauberk_identity_key_from_octets(const uint8_t octets[HAUBERK_PUBLIC_KEY_BYTES]);
/// A public key in PEM, as `openssl pkey -pubout` writes it. NULL for anything else.
hauberk_identity_key *hauberk_identity_key_from_pem(const char *pem, size_t length);
/// A private key out of a PEM file that nobody but its owner may read. NULL: `why` is one of the numbers above, or errno.
hauberk_identity_key *hauberk_identity_key_load(const char *path, int *why);
void hauberk_identity_key_free(hauberk_identity_key *key);

bool hauberk_identity_key_octets(const hauberk_identity_key *key, uint8_t out[HAUBERK_PUBLIC_KEY_BYTES]);
/// The private half, in PEM. The length, or below 0. The caller wipes `out`.
int hauberk_identity_key_pem(const hauberk_identity_key *key, char *out, size_t capacity);

bool hauberk_identity_sign(const hauberk_identity_key *key, const uint8_t *octets, size_t length,
                           uint8_t signature[HAUBERK_SIGNATURE_BYTES]);
bool hauberk_identity_verify(const hauberk_identity_key *key, const uint8_t *octets, size_t length,
                             const uint8_t signature[HAUBERK_SIGNATURE_BYTES]);

/// SHA-256.
bool hauberk_identity_digest(const uint8_t *octets, size_t length, uint8_t out[HAUBERK_DIGEST_BYTES]);
bool hauberk_identity_random(uint8_t *out, size_t length);
/// The watchword that was said so many before this one, in its place. False: it is worth nothing.
bool hauberk_identity_watchword(uint8_t word[HAUBERK_WATCHWORD_BYTES], uint32_t times);

// Files and their text

/// The octets of a regular file: how many, or HAUBERK_IDENTITY_ROOM, or below that -errno - 100.
int hauberk_identity_file(const char *path, uint8_t *out, size_t capacity);
/// What the system says about an error, for people.
const char *hauberk_identity_errno_words(int code);
/// The block so-numbered, from 0, among those of that name (CERTIFICATE, X509 CRL): its length, 0 where there are no more,
/// or below 0.
int hauberk_identity_pem_block(const char *pem, size_t length, const char *name, int number, uint8_t *out,
                               size_t capacity);
int hauberk_identity_pem_make(const char *name, const uint8_t *octets, size_t length, char *out, size_t capacity);

// Certificates

/// The bits of RFC 5280, 4.2.1.3, as OpenSSL numbers them.
enum { HAUBERK_USE_SIGNATURE = 0x80, HAUBERK_USE_CERTIFICATES = 0x04, HAUBERK_USE_REVOCATIONS = 0x02 };

typedef struct hauberk_certificate_address {
  uint8_t length;  // 4 or 16
  uint8_t octets[16];
} hauberk_certificate_address;

/// What a certificate says, read or to be made. Moments are seconds since 1970.
typedef struct hauberk_certificate {
  int64_t not_before, not_after;
  uint32_t uses;
  bool is_authority;
  uint8_t serial_length;
  uint8_t serial[HAUBERK_MOST_SERIAL_BYTES];
  uint8_t key[HAUBERK_PUBLIC_KEY_BYTES];
  char subject[HAUBERK_MOST_NAME_BYTES + 1];  // for people; empty where there is none that is plain text
  char uri[HAUBERK_MOST_NAME_BYTES + 1];      // the one `hauberk:` URI; empty where there is none, or several
  uint32_t address_count;
  hauberk_certificate_address addresses[HAUBERK_MOST_CERTIFICATE_ADDRESSES];
} hauberk_certificate;

/// By its form alone: nobody has vouched for it. 0, or below.
int hauberk_certificate_read(const uint8_t *octets, size_t length, hauberk_certificate *out);
/// Signed by `signer`, whose certificate is `issuer`; NULL: it signs itself. The length, or below 0.
int hauberk_certificate_make(const hauberk_certificate *certificate, const hauberk_identity_key *signer,
                             const uint8_t *issuer, size_t issuer_length, uint8_t *out, size_t capacity);

// Lists of certificates that count no more (RFC 5280, 5)

/// A list with all of `previous` (none where its length is 0) and one serial number more (none where its length is 0).
int hauberk_revocations_make(const hauberk_identity_key *signer, const uint8_t *issuer, size_t issuer_length,
                             const uint8_t *previous, size_t previous_length, const uint8_t *serial,
                             size_t serial_length, int64_t now, int64_t until, uint8_t *out, size_t capacity);
/// The entry so-numbered: its serial number's length and the moment, 0 where there are no more, or below.
int hauberk_revocations_read(const uint8_t *octets, size_t length, int number,
                             uint8_t serial[HAUBERK_MOST_SERIAL_BYTES], int64_t *when);

// Authorities: whose certificates count. One thread fills it; from then on any may ask.

typedef struct hauberk_authorities hauberk_authorities;

hauberk_authorities *hauberk_authorities_make(void);
void hauberk_authorities_free(hauberk_authorities *authorities);
/// One more, by its certificate, which it has signed itself. Its number, from 0, or below.
int hauberk_authorities_trust(hauberk_authorities *authorities, const uint8_t *octets, size_t length);
/// A list that one of them has signed. 0, or below.
int hauberk_authorities_revoke(hauberk_authorities *authorities, const uint8_t *octets, size_t length);
/// Which of them has made this certificate, for a unit; or below 0. Neither time nor lists are asked: they change.
int hauberk_authorities_check(const hauberk_authorities *authorities, const uint8_t *octets, size_t length,
                              hauberk_certificate *out);
bool hauberk_authorities_have_revoked(const hauberk_authorities *authorities, int number, const uint8_t *serial,
                                      size_t length);
