#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "identity.h"

X509_CRL *hauberk_x509_list(const uint8_t *octets, size_t length) {
  const unsigned char *at = octets;
  X509_CRL *list = length <= INT32_MAX ? d2i_X509_CRL(NULL, &at, (long)length) : NULL;
  ERR_clear_error();
  if (list && at == octets + length) return list;
  X509_CRL_free(list);
  return NULL;
}

static bool add(X509_CRL *list, const ASN1_INTEGER *serial, const ASN1_TIME *when) {
  X509_REVOKED *entry = X509_REVOKED_new();
  if (entry && X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)serial) == 1 &&
      X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)when) == 1 && X509_CRL_add0_revoked(list, entry) == 1)
    return true;
  X509_REVOKED_free(entry);
  return false;
}

static bool add_previous(X509_CRL *list, X509_CRL *previous) {
  const STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(previous);
  for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
    const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
    if (!add(list, X509_REVOKED_get0_serialNumber(entry), X509_REVOKED_get0_revocationDate(entry))) return false;
  }
  return true;
}

/// Lists are numbered, so that one can be told from a later one; and they say whose they are.
static bool add_extensions(X509_CRL *list, X509_CRL *previous, X509 *issuer) {
  int64_t count = 0;
  ASN1_INTEGER *number = previous ? X509_CRL_get_ext_d2i(previous, NID_crl_number, NULL, NULL) : ASN1_INTEGER_new();
  AUTHORITY_KEYID *whose = hauberk_key_identifier_of(issuer);
  bool done = number && whose && (!previous || ASN1_INTEGER_get_int64(&count, number) == 1) &&
              ASN1_INTEGER_set_int64(number, count + 1) == 1 &&
              X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, X509V3_ADD_APPEND) == 1 &&
              X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, whose, 0, X509V3_ADD_APPEND) == 1;
  ASN1_INTEGER_free(number);
  AUTHORITY_KEYID_free(whose);
  return done;
}

int hauberk_revocations_make(const hauberk_identity_key *signer, const uint8_t *issuer_octets, size_t issuer_length,
                             const uint8_t *previous_octets, size_t previous_length, const uint8_t *serial,
                             size_t serial_length, int64_t now, int64_t until, uint8_t *out, size_t capacity) {
  X509 *issuer = hauberk_x509(issuer_octets, issuer_length);
  X509_CRL *previous = previous_length > 0 ? hauberk_x509_list(previous_octets, previous_length) : NULL;
  X509_CRL *list = X509_CRL_new();
  ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)now), *to = ASN1_TIME_set(NULL, (time_t)until);
  ASN1_INTEGER *number = serial_length > 0 ? hauberk_serial_number(serial, serial_length) : NULL;
  unsigned char *octets = NULL;
  int length = -1;
  bool done = issuer && list && from && to && (previous || previous_length == 0) && (number || serial_length == 0) &&
              X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer)) == 1 &&
              X509_CRL_set1_lastUpdate(list, from) == 1 && X509_CRL_set1_nextUpdate(list, to) == 1;
  done = done && (!previous || add_previous(list, previous)) && (!number || add(list, number, from)) &&
         add_extensions(list, previous, issuer) && X509_CRL_sort(list) == 1 &&
         X509_CRL_sign(list, hauberk_pkey(signer), NULL) > 0;
  if (done) length = i2d_X509_CRL(list, &octets);
  ASN1_INTEGER_free(number);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  X509_CRL_free(list);
  X509_CRL_free(previous);
  X509_free(issuer);
  ERR_clear_error();
  return hauberk_hand_out(length, octets, out, capacity);
}

int hauberk_revocations_read(const uint8_t *octets, size_t length, int number,
                             uint8_t serial[HAUBERK_MOST_SERIAL_BYTES], int64_t *when) {
  X509_CRL *list = hauberk_x509_list(octets, length);
  int result = HAUBERK_IDENTITY_FORM;
  if (list) {
    const X509_REVOKED *entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), number);
    result = entry ? hauberk_serial(X509_REVOKED_get0_serialNumber(entry), serial) : 0;
    if (entry && (result == 0 || !hauberk_moment(X509_REVOKED_get0_revocationDate(entry), when)))
      result = HAUBERK_IDENTITY_FORM;
  }
  X509_CRL_free(list);
  return result;
}
