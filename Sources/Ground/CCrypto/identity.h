// What the files about identities share. See include/CIdentity.h.
#pragma once
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "CIdentity.h"

static inline EVP_PKEY *hauberk_pkey(const hauberk_identity_key *key) { return (EVP_PKEY *)key; }

/// All of the octets, and nothing behind them. NULL for anything else.
X509 *hauberk_x509(const uint8_t *octets, size_t length);
X509_CRL *hauberk_x509_list(const uint8_t *octets, size_t length);
/// False where it is none.
bool hauberk_moment(const ASN1_TIME *time, int64_t *out);
/// The number's octets, the highest first: their count, or 0 where it is none of ours.
int hauberk_serial(const ASN1_INTEGER *serial, uint8_t out[HAUBERK_MOST_SERIAL_BYTES]);
ASN1_INTEGER *hauberk_serial_number(const uint8_t *octets, size_t length);
/// By form: 0, or below.
int hauberk_x509_read(X509 *certificate, hauberk_certificate *out);
/// Whose signature it is to carry: the issuer's key identifier, as an extension's value.
AUTHORITY_KEYID *hauberk_key_identifier_of(X509 *issuer);
/// Into `out`, with the length as the result, or below 0.
int hauberk_hand_out(int length, unsigned char *octets, uint8_t *out, size_t capacity);
