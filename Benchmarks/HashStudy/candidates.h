// The hashes that were considered for the keyed work set, each for two and for five 64-bit words, each 0...1023.
// `keyed` is the one that ships (CWorkSet.h). compat, crc32c and multilinear are controls that must fail.

#ifndef HAUBERK_HASH_CANDIDATES_H
#define HAUBERK_HASH_CANDIDATES_H

#include "CWorkSet.h"
#include <stdint.h>
#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

// SipHash and its kin take the raw key; the others take words derived from it.
typedef struct {
    uint64_t raw[2];
    hauberk_work_set_key keyed;
    uint64_t add[6];
    uint64_t multiply[10];  // odd
} study_key;

#define STUDY static inline __attribute__((always_inline, unused))

STUDY study_key study_expand(uint64_t high, uint64_t low) {
    study_key key = { .raw = { high, low }, .keyed = hauberk_work_set_expand(high, low) };
    for (unsigned i = 0; i < 6; i++) key.add[i] = hauberk_work_set_prf(high, low, 100 + i);
    for (unsigned i = 0; i < 10; i++) key.multiply[i] = hauberk_work_set_prf(high, low, 200 + i) | 1;
    return key;
}

// --- SipHash-c-d over whole words: arity is fixed, so the length block is left out ----------------------------

#define STUDY_SIP(name, c, d) \
    STUDY uint32_t study_##name(const study_key *key, const uint64_t *w, unsigned n) { \
        uint64_t v[4] = { \
            key->raw[0] ^ 0x736f6d6570736575, key->raw[1] ^ 0x646f72616e646f6d, \
            key->raw[0] ^ 0x6c7967656e657261, key->raw[1] ^ 0x7465646279746573 }; \
        for (unsigned i = 0; i < n; i++) { \
            v[3] ^= w[i]; \
            for (unsigned r = 0; r < c; r++) hauberk_work_set_sip_round(v); \
            v[0] ^= w[i]; \
        } \
        v[2] ^= 0xff; \
        for (unsigned r = 0; r < d; r++) hauberk_work_set_sip_round(v); \
        return (uint32_t)((v[0] ^ v[1] ^ v[2] ^ v[3]) >> 54); \
    }
STUDY_SIP(siphash24, 2, 4)
STUDY_SIP(siphash13, 1, 3)
STUDY_SIP(siphash12, 1, 2)
STUDY_SIP(siphash11, 1, 1)

// --- HalfSipHash-1-3: 32-bit lanes, a 64-bit key, two blocks a word ------------------------------------------

STUDY uint32_t study_rotate32(uint32_t x, unsigned bits) { return x << bits | x >> (32 - bits); }

STUDY void study_half_round(uint32_t v[4]) {
    v[0] += v[1]; v[1] = study_rotate32(v[1], 5) ^ v[0]; v[0] = study_rotate32(v[0], 16);
    v[2] += v[3]; v[3] = study_rotate32(v[3], 8) ^ v[2];
    v[0] += v[3]; v[3] = study_rotate32(v[3], 7) ^ v[0];
    v[2] += v[1]; v[1] = study_rotate32(v[1], 13) ^ v[2]; v[2] = study_rotate32(v[2], 16);
}

STUDY uint32_t study_halfsip13(const study_key *key, const uint64_t *w, unsigned n) {
    const uint32_t k0 = (uint32_t)key->raw[0], k1 = (uint32_t)(key->raw[0] >> 32);
    uint32_t v[4] = { k0, k1, k0 ^ 0x6c796765, k1 ^ 0x74656462 };
    for (unsigned i = 0; i < 2 * n; i++) {
        const uint32_t m = (uint32_t)(w[i / 2] >> (i % 2 * 32));
        v[3] ^= m;
        study_half_round(v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    study_half_round(v); study_half_round(v); study_half_round(v);
    return (v[1] ^ v[3]) >> 22;
}

// --- Chains: whiten, shift, multiply, absorb the next word ---------------------------------------------------

// One multiply a word, nothing after the last but the choice of the top bits.
STUDY uint32_t study_chain2(const study_key *key, const uint64_t *w, unsigned n) {
    uint64_t x = 0;
    for (unsigned i = 0; i < n; i++) {
        x += w[i] + key->add[i];
        x = (x ^ x >> 32) * key->multiply[i];
    }
    return (uint32_t)(x >> 54);
}

// The same and one multiply more at the end.
STUDY uint32_t study_chain3(const study_key *key, const uint64_t *w, unsigned n) {
    uint64_t x = 0;
    for (unsigned i = 0; i < n; i++) {
        x += w[i] + key->add[i];
        x = (x ^ x >> 32) * key->multiply[i];
    }
    x = (x ^ x >> 29) * key->multiply[5];
    return (uint32_t)(x >> 54);
}

// Two multiplies a word.
STUDY uint32_t study_chain4(const study_key *key, const uint64_t *w, unsigned n) {
    uint64_t x = 0;
    for (unsigned i = 0; i < n; i++) {
        x += w[i] + key->add[i];
        x = (x ^ x >> 32) * key->multiply[2 * i];
        x = (x ^ x >> 29) * key->multiply[2 * i + 1];
    }
    return (uint32_t)(x >> 54);
}

// --- Data times data -----------------------------------------------------------------------------------------

// 64 × 64 → low 64: what a high bit of one factor does depends on the low bits of the other.
STUDY uint64_t study_low_products(const study_key *key, const uint64_t *w, unsigned n) {
    uint64_t y = key->add[5] + (w[0] + key->add[0]) * (w[1] + key->add[1]);
    if (n == 5) y += (w[2] + key->add[2]) * (w[3] + key->add[3]) + (w[4] + key->add[4]) * key->multiply[9];
    return y;
}

STUDY uint32_t study_nhlow_1(const study_key *key, const uint64_t *w, unsigned n) {
    const uint64_t y = study_low_products(key, w, n);
    return (uint32_t)((y ^ y >> 32) * key->multiply[0] >> 54);
}

STUDY uint32_t study_nhlow_2(const study_key *key, const uint64_t *w, unsigned n) {
    uint64_t y = study_low_products(key, w, n);
    y = (y ^ y >> 32) * key->multiply[0];
    return (uint32_t)((y ^ y >> 29) * key->multiply[1] >> 54);
}

// 32 × 32 → 64, and then one, two or three multiplies. Two is `keyed`.
STUDY uint64_t study_full_products(const study_key *key, const uint64_t *w, unsigned n) {
    uint64_t y = key->keyed.k[5];
    for (unsigned i = 0; i < n; i++) y += hauberk_work_set_product(w[i], key->keyed.k[i]);
    return y;
}

STUDY uint32_t study_nh32_1(const study_key *key, const uint64_t *w, unsigned n) {
    const uint64_t y = study_full_products(key, w, n);
    return (uint32_t)((y ^ y >> 32) * key->keyed.k[6] >> 54);
}

STUDY uint32_t study_keyed(const study_key *key, const uint64_t *w, unsigned n) {
    return hauberk_work_set(n == 2 ? hauberk_mix2(&key->keyed, w[0], w[1])
                                   : hauberk_mix5(&key->keyed, w[0], w[1], w[2], w[3], w[4]));
}

STUDY uint32_t study_nh32_3(const study_key *key, const uint64_t *w, unsigned n) {
    const uint64_t y = hauberk_work_set_finish(&key->keyed, study_full_products(key, w, n));
    return (uint32_t)((y ^ y >> 32) * key->multiply[0] >> 54);
}

// --- Controls ------------------------------------------------------------------------------------------------

STUDY uint32_t study_multilinear(const study_key *key, const uint64_t *w, unsigned n) {
    uint64_t y = key->add[5];
    for (unsigned i = 0; i < n; i++) y += w[i] * key->multiply[i];
    return (uint32_t)(y >> 54);
}

STUDY uint32_t study_crc_word(uint32_t crc, uint64_t word) {
#if defined(__SSE4_2__)
    return (uint32_t)_mm_crc32_u64(crc, word);
#else
    uint64_t x = word ^ crc;
    for (unsigned i = 0; i < 64; i++) x = x >> 1 ^ (x & 1 ? 0x82f63b78 : 0);
    return (uint32_t)x;
#endif
}

STUDY uint32_t study_crc32c(const study_key *key, const uint64_t *w, unsigned n) {
    uint32_t crc = (uint32_t)key->raw[0];
    for (unsigned i = 0; i < n; i++) crc = study_crc_word(crc, w[i]);
    return crc & 1023;
}

// The seed's fold over the address pair (32 bits; an IPv6 address is first folded to 32 bits).
STUDY uint32_t study_compat(const study_key *key, const uint64_t *w, unsigned n) {
    (void)key;
    uint32_t i;
    if (n == 2) {
        i = (uint32_t)(w[0] >> 16) ^ (uint32_t)(w[1] >> 16);
    } else {
        const uint64_t x = w[0] ^ w[1] ^ w[2] ^ w[3];
        i = (uint32_t)x ^ (uint32_t)(x >> 32);
    }
    return (i ^ i >> 10 ^ i >> 20 ^ i >> 30) & 1023;
}

// X(name as shown, function)
#define STUDY_CANDIDATES(X) \
    X("siphash-2-4", siphash24) \
    X("siphash-1-3", siphash13) \
    X("siphash-1-2", siphash12) \
    X("siphash-1-1", siphash11) \
    X("halfsip-1-3", halfsip13) \
    X("chain2", chain2) \
    X("chain3", chain3) \
    X("chain4", chain4) \
    X("nhlow+1", nhlow_1) \
    X("nhlow+2", nhlow_2) \
    X("nh32+1", nh32_1) \
    X("keyed (nh32+2)", keyed) \
    X("nh32+3", nh32_3) \
    X("multilinear", multilinear) \
    X("crc32c", crc32c) \
    X("compat", compat)

#endif
