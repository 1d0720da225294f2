#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "identity.h"

static const char SCHEME[] = "hauberk:";

X509 *hauberk_x509(const uint8_t *octets, size_t length) {
  const unsigned char *at = octets;
  X509 *certificate = length <= INT32_MAX ? d2i_X509(NULL, &at, (long)length) : NULL;
  ERR_clear_error();
  if (certificate && at == octets + length) return certificate;
  X509_free(certificate);
  return NULL;
}

bool hauberk_moment(const ASN1_TIME *time, int64_t *out) {
  struct tm parts;
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return false;
  *out = timegm(&parts);
  return true;
}

int hauberk_serial(const ASN1_INTEGER *serial, uint8_t out[HAUBERK_MOST_SERIAL_BYTES]) {
  BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
  int length = number && !BN_is_negative(number) ? BN_num_bytes(number) : 0;
  if (length > HAUBERK_MOST_SERIAL_BYTES) length = 0;
  if (length > 0) BN_bn2bin(number, out);
  BN_free(number);
  return length;
}

ASN1_INTEGER *hauberk_serial_number(const uint8_t *octets, size_t length) {
  BIGNUM *number = length <= HAUBERK_MOST_SERIAL_BYTES ? BN_bin2bn(octets, (int)length, NULL) : NULL;
  ASN1_INTEGER *serial = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
  BN_free(number);
  return serial;
}

int hauberk_hand_out(int length, unsigned char *octets, uint8_t *out, size_t capacity) {
  int result = length <= 0 ? HAUBERK_IDENTITY_FORM : (size_t)length > capacity ? HAUBERK_IDENTITY_ROOM : length;
  if (result > 0) memcpy(out, octets, (size_t)result);
  OPENSSL_free(octets);
  return result;
}

// Reading

/// Plain text that fits, or nothing: it may be shown to people.
static bool text(const ASN1_STRING *from, char out[HAUBERK_MOST_NAME_BYTES + 1]) {
  int length = ASN1_STRING_length(from);
  const unsigned char *octets = ASN1_STRING_get0_data(from);
  if (length < 0 || length > HAUBERK_MOST_NAME_BYTES) return false;
  for (int i = 0; i < length; i++)
    if (octets[i] < ' ' || octets[i] > '~') return false;
  memcpy(out, octets, (size_t)length);
  out[length] = 0;
  return true;
}

/// The addresses, and the one name that is ours. False where there are too many.
static bool read_names(const GENERAL_NAMES *names, hauberk_certificate *out) {
  bool is_named = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_URI) {
      char uri[HAUBERK_MOST_NAME_BYTES + 1];
      if (!text(name->d.uniformResourceIdentifier, uri)) return false;
      if (strncmp(uri, SCHEME, sizeof SCHEME - 1) != 0) continue;
      if (is_named) return false;
      is_named = true;
      memcpy(out->uri, uri, sizeof uri);
    } else if (name->type == GEN_IPADD) {
      int length = ASN1_STRING_length(name->d.iPAddress);
      if (out->address_count == HAUBERK_MOST_CERTIFICATE_ADDRESSES || (length != 4 && length != 16)) return false;
      hauberk_certificate_address *address = &out->addresses[out->address_count++];
      address->length = (uint8_t)length;
      memcpy(address->octets, ASN1_STRING_get0_data(name->d.iPAddress), (size_t)length);
    }
  }
  return true;
}

static void read_subject(X509 *certificate, hauberk_certificate *out) {
  X509_NAME *subject = X509_get_subject_name(certificate);
  int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place >= 0) text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)), out->subject);
}

int hauberk_x509_read(X509 *certificate, hauberk_certificate *out) {
  memset(out, 0, sizeof *out);
  // Makes the extensions ready, and finds those that are broken or there twice.
  if (X509_check_purpose(certificate, -1, 0) != 1) return HAUBERK_IDENTITY_FORM;
  uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_INVALID) || X509_get_version(certificate) != X509_VERSION_3) return HAUBERK_IDENTITY_FORM;
  out->is_authority = (flags & EXFLAG_CA) != 0;
  out->uses = (flags & EXFLAG_KUSAGE) ? X509_get_key_usage(certificate) : 0;
  out->serial_length = (uint8_t)hauberk_serial(X509_get0_serialNumber(certificate), out->serial);
  EVP_PKEY *key = X509_get0_pubkey(certificate);
  size_t size = sizeof out->key;
  if (out->serial_length == 0 || !hauberk_moment(X509_get0_notBefore(certificate), &out->not_before) ||
      !hauberk_moment(X509_get0_notAfter(certificate), &out->not_after) || !key ||
      EVP_PKEY_id(key) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(key, out->key, &size) != 1)
    return HAUBERK_IDENTITY_FORM;
  read_subject(certificate, out);
  int critical;
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
  bool fits = names ? read_names(names, out) : critical == -1;
  GENERAL_NAMES_free(names);
  return fits ? 0 : HAUBERK_IDENTITY_FORM;
}

int hauberk_certificate_read(const uint8_t *octets, size_t length, hauberk_certificate *out) {
  X509 *certificate = hauberk_x509(octets, length);
  int result = certificate ? hauberk_x509_read(certificate, out) : HAUBERK_IDENTITY_FORM;
  X509_free(certificate);
  ERR_clear_error();
  return result;
}

// Making

static bool add(X509 *certificate, int kind, void *value, bool is_critical) {
  return value && X509_add1_ext_i2d(certificate, kind, value, is_critical, X509V3_ADD_APPEND) == 1;
}

static bool add_constraints(X509 *certificate, const hauberk_certificate *terms) {
  BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
  ASN1_BIT_STRING *uses = ASN1_BIT_STRING_new();
  bool done = constraints && uses;
  if (done && terms->is_authority) {
    constraints->ca = 0xff;
    // It vouches for units, and for no other authority.
    constraints->pathlen = ASN1_INTEGER_new();
    done = constraints->pathlen && ASN1_INTEGER_set(constraints->pathlen, 0) == 1;
  }
  for (int bit = 0; bit < 8 && done; bit++)
    if (terms->uses & (0x80u >> bit)) done = ASN1_BIT_STRING_set_bit(uses, bit, 1) == 1;
  done = done && add(certificate, NID_basic_constraints, constraints, true) &&
         (terms->uses == 0 || add(certificate, NID_key_usage, uses, true));
  BASIC_CONSTRAINTS_free(constraints);
  ASN1_BIT_STRING_free(uses);
  return done;
}

AUTHORITY_KEYID *hauberk_key_identifier_of(X509 *issuer) {
  const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(issuer);
  AUTHORITY_KEYID *whose = identifier ? AUTHORITY_KEYID_new() : NULL;
  if (whose) whose->keyid = ASN1_OCTET_STRING_dup(identifier);
  return whose;
}

/// The leading 160 bits of the key's SHA-256 (RFC 7093, 2), and those of the key that signs.
static bool add_identifiers(X509 *certificate, const hauberk_certificate *terms, X509 *issuer) {
  uint8_t digest[HAUBERK_DIGEST_BYTES];
  ASN1_OCTET_STRING *identifier = ASN1_OCTET_STRING_new();
  bool done = identifier && hauberk_identity_digest(terms->key, sizeof terms->key, digest) &&
              ASN1_OCTET_STRING_set(identifier, digest, 20) == 1 &&
              add(certificate, NID_subject_key_identifier, identifier, false);
  ASN1_OCTET_STRING_free(identifier);
  if (!done || !issuer) return done;
  AUTHORITY_KEYID *whose = hauberk_key_identifier_of(issuer);
  done = add(certificate, NID_authority_key_identifier, whose, false);
  AUTHORITY_KEYID_free(whose);
  return done;
}

static GENERAL_NAME *name_of(int kind, ASN1_STRING *value, const void *octets, size_t length) {
  GENERAL_NAME *name = GENERAL_NAME_new();
  if (name && value && ASN1_STRING_set(value, octets, (int)length) == 1) {
    GENERAL_NAME_set0_value(name, kind, value);
    return name;
  }
  GENERAL_NAME_free(name);
  ASN1_STRING_free(value);
  return NULL;
}

static bool push(GENERAL_NAMES *names, GENERAL_NAME *name) {
  if (name && sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

static bool add_names(X509 *certificate, const hauberk_certificate *terms) {
  GENERAL_NAMES *names = GENERAL_NAMES_new();
  size_t length = strnlen(terms->uri, sizeof terms->uri);
  bool done = names && terms->address_count <= HAUBERK_MOST_CERTIFICATE_ADDRESSES;
  if (done && length > 0) done = push(names, name_of(GEN_URI, ASN1_IA5STRING_new(), terms->uri, length));
  for (uint32_t i = 0; i < terms->address_count && done; i++) {
    const hauberk_certificate_address *address = &terms->addresses[i];
    done = address->length <= sizeof address->octets &&
           push(names, name_of(GEN_IPADD, ASN1_OCTET_STRING_new(), address->octets, address->length));
  }
  if (done && sk_GENERAL_NAME_num(names) > 0) done = add(certificate, NID_subject_alt_name, names, false);
  GENERAL_NAMES_free(names);
  return done;
}

static bool fill(X509 *certificate, const hauberk_certificate *terms, X509 *issuer) {
  hauberk_identity_key *key = hauberk_identity_key_from_octets(terms->key);
  ASN1_INTEGER *serial = hauberk_serial_number(terms->serial, terms->serial_length);
  X509_NAME *subject = X509_get_subject_name(certificate);
  bool done = key && serial && X509_set_version(certificate, X509_VERSION_3) == 1 &&
              X509_set_serialNumber(certificate, serial) == 1 &&
              ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)terms->not_before) &&
              ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)terms->not_after) &&
              X509_set_pubkey(certificate, hauberk_pkey(key)) == 1 &&
              X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)terms->subject,
                                         -1, -1, 0) == 1 &&
              X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) == 1;
  ASN1_INTEGER_free(serial);
  hauberk_identity_key_free(key);
  return done && add_constraints(certificate, terms) && add_identifiers(certificate, terms, issuer) &&
         add_names(certificate, terms);
}

int hauberk_certificate_make(const hauberk_certificate *terms, const hauberk_identity_key *signer,
                             const uint8_t *issuer_octets, size_t issuer_length, uint8_t *out, size_t capacity) {
  X509 *issuer = issuer_octets ? hauberk_x509(issuer_octets, issuer_length) : NULL;
  X509 *certificate = X509_new();
  unsigned char *octets = NULL;
  int length = -1;
  if (certificate && (issuer || !issuer_octets) && fill(certificate, terms, issuer) &&
      X509_sign(certificate, hauberk_pkey(signer), NULL) > 0)
    length = i2d_X509(certificate, &octets);
  X509_free(certificate);
  X509_free(issuer);
  ERR_clear_error();
  return hauberk_hand_out(length, octets, out, capacity);
}
