// Detached signatures: Ed25519 (RFC 8032) over the exact octets of a file. Keys are PEM, as `openssl genpkey` writes them.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { HAUBERK_SIGNATURE_BYTES = 64, HAUBERK_SIGNER_BYTES = 32, HAUBERK_MOST_TRUSTED = 64 };

/// How many Ed25519 public keys the text holds; each leaves the SHA-256 of its 32 octets in `signers`, as far as there is
/// room for `capacity`. Below 0 where it holds a key of another kind, none that can be read, or too many.
int hauberk_trusted_keys(const char *pem, size_t length, uint8_t *signers, size_t capacity);

/// Which of the text's keys has made the signature, from 0; below 0 where none has.
int hauberk_verify_signature(const char *pem, size_t pem_length, const uint8_t *octets, size_t length,
                             const uint8_t signature[HAUBERK_SIGNATURE_BYTES]);

/// 0, or below: the text holds no private Ed25519 key, or it takes a passphrase.
int hauberk_make_signature(const char *pem, size_t pem_length, const uint8_t *octets, size_t length,
                           uint8_t signature[HAUBERK_SIGNATURE_BYTES]);
