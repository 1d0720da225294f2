#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "identity.h"

enum { MOST_LISTS = 2 * HAUBERK_MOST_AUTHORITIES };

struct hauberk_authorities {
  X509_STORE *store;
  X509 *certificates[HAUBERK_MOST_AUTHORITIES];
  int count;
  struct {
    X509_CRL *list;
    int authority;
  } lists[MOST_LISTS];
  int list_count;
};

hauberk_authorities *hauberk_authorities_make(void) {
  hauberk_authorities *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->store = X509_STORE_new();
  X509_VERIFY_PARAM *rules = made->store ? X509_STORE_get0_param(made->store) : NULL;
  if (!rules) {
    hauberk_authorities_free(made);
    return NULL;
  }
  // Moments are compared by who asks, as often as he asks; and nobody stands between an authority and a unit.
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_depth(rules, 0);
  return made;
}

void hauberk_authorities_free(hauberk_authorities *authorities) {
  if (!authorities) return;
  for (int i = 0; i < authorities->count; i++) X509_free(authorities->certificates[i]);
  for (int i = 0; i < authorities->list_count; i++) X509_CRL_free(authorities->lists[i].list);
  X509_STORE_free(authorities->store);
  free(authorities);
}

static bool is_authority(X509 *certificate) {
  hauberk_certificate terms;
  uint32_t wanted = HAUBERK_USE_CERTIFICATES | HAUBERK_USE_REVOCATIONS;
  return hauberk_x509_read(certificate, &terms) == 0 && terms.is_authority && (terms.uses & wanted) == wanted &&
         X509_self_signed(certificate, 1) == 1;
}

int hauberk_authorities_trust(hauberk_authorities *authorities, const uint8_t *octets, size_t length) {
  X509 *certificate = hauberk_x509(octets, length);
  int result = HAUBERK_IDENTITY_FORM;
  if (certificate && !is_authority(certificate)) {
    result = HAUBERK_IDENTITY_UNFIT;
  } else if (certificate && authorities->count == HAUBERK_MOST_AUTHORITIES) {
    result = HAUBERK_IDENTITY_ROOM;
  } else if (certificate && X509_STORE_add_cert(authorities->store, certificate) == 1) {
    result = authorities->count++;
    authorities->certificates[result] = certificate;
    certificate = NULL;
  }
  X509_free(certificate);
  ERR_clear_error();
  return result;
}

/// Something that we would have to understand, and do not: a list of changes, of reasons, of other issuers.
static bool is_plain(const X509_CRL *list) {
  for (int i = 0; i < X509_CRL_get_ext_count(list); i++)
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i))) return false;
  return true;
}

int hauberk_authorities_revoke(hauberk_authorities *authorities, const uint8_t *octets, size_t length) {
  X509_CRL *list = hauberk_x509_list(octets, length);
  int result = !list || !is_plain(list)                  ? HAUBERK_IDENTITY_FORM
               : authorities->list_count == MOST_LISTS ? HAUBERK_IDENTITY_ROOM
                                                       : HAUBERK_IDENTITY_STRANGER;
  for (int i = 0; i < authorities->count && result == HAUBERK_IDENTITY_STRANGER; i++) {
    X509 *issuer = authorities->certificates[i];
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) != 0 ||
        X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1)
      continue;
    authorities->lists[authorities->list_count].list = list;
    authorities->lists[authorities->list_count++].authority = i;
    list = NULL;
    result = 0;
  }
  X509_CRL_free(list);
  ERR_clear_error();
  return result;
}

static int why_not(int code) {
  switch (code) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return HAUBERK_IDENTITY_STRANGER;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return HAUBERK_IDENTITY_FORGED;
    default:
      return HAUBERK_IDENTITY_UNFIT;
  }
}

static int check(const hauberk_authorities *authorities, X509 *certificate, hauberk_certificate *out) {
  int result = hauberk_x509_read(certificate, out);
  if (result < 0) return result;
  X509_STORE_CTX *context = X509_STORE_CTX_new();
  result = HAUBERK_IDENTITY_UNFIT;
  if (context && X509_STORE_CTX_init(context, authorities->store, certificate, NULL) == 1) {
    if (X509_verify_cert(context) == 1) {
      STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
      X509 *top = sk_X509_value(chain, sk_X509_num(chain) - 1);
      for (int i = 0; i < authorities->count && result < 0; i++)
        if (X509_cmp(top, authorities->certificates[i]) == 0) result = i;
    } else {
      result = why_not(X509_STORE_CTX_get_error(context));
    }
  }
  X509_STORE_CTX_free(context);
  // Whoever signs as a unit makes nobody else one.
  bool is_unit = !out->is_authority && (out->uses & HAUBERK_USE_SIGNATURE) &&
                 !(out->uses & (HAUBERK_USE_CERTIFICATES | HAUBERK_USE_REVOCATIONS));
  return result >= 0 && !is_unit ? HAUBERK_IDENTITY_UNFIT : result;
}

int hauberk_authorities_check(const hauberk_authorities *authorities, const uint8_t *octets, size_t length,
                              hauberk_certificate *out) {
  X509 *certificate = hauberk_x509(octets, length);
  int result = certificate ? check(authorities, certificate, out) : HAUBERK_IDENTITY_FORM;
  X509_free(certificate);
  ERR_clear_error();
  return result;
}

bool hauberk_authorities_have_revoked(const hauberk_authorities *authorities, int number, const uint8_t *serial,
                                      size_t length) {
  ASN1_INTEGER *wanted = hauberk_serial_number(serial, length);
  bool is_found = !wanted;
  for (int i = 0; i < authorities->list_count && !is_found; i++) {
    X509_REVOKED *entry;
    is_found = authorities->lists[i].authority == number &&
               X509_CRL_get0_by_serial(authorities->lists[i].list, &entry, wanted) == 1;
  }
  ASN1_INTEGER_free(wanted);
  return is_found;
}
