// The keyed work-set hash: from the canonical tuple of a packet to a work set 0...1023.
//
// One header, two users: the workers (through the Swift importer) and the XDP pre-filter (clang -target bpf).
// Both must agree on every packet, so there is one text, and tools/bpf-equality runs it on both sides.
// Why this construction, what was measured and where its limits are: docs/HASH.md.
//
// Shape, for n = 2 or 5 words w and the subkeys k:
//
//     y = k[5] + Σ lo32(w[i] + k[i]) · hi32(w[i] + k[i])          compress: one full 32×32→64 product a word
//     y = (y ^ y >> 32) · k[6]                                    mix: two keyed, odd multipliers
//     y = (y ^ y >> 29) · k[7]
//     set = y >> 54
//
// All sums and products are modulo 2^64. A product of two 32-bit halves loses nothing, so the sum has none of the
// blind spots of a low-half 64-bit multiply (a top bit that stays a top bit, a high bit that never moves down).

#ifndef HAUBERK_CWORKSET_H
#define HAUBERK_CWORKSET_H

#if defined(__bpf__)
// There is no C library for this target. A repeated identical typedef is fine in C11, should stdint.h come as well.
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
#else
#include <stdint.h>
#endif

// The functions are leaves that touch only their arguments. Swift cannot see that through the importer, so the
// attribute tells its performance diagnostics.
#if !defined(__bpf__) && defined(__clang__) && defined(__has_attribute)
#if __has_attribute(swift_attr)
#define HAUBERK_NO_LOCKS __attribute__((swift_attr("@_noLocks")))
#endif
#endif
#ifndef HAUBERK_NO_LOCKS
#define HAUBERK_NO_LOCKS
#endif
// Always inline: the subkeys then stay in registers across the loop over a burst, and BPF needs no calls.
#define HAUBERK_WORK_SET_FUNCTION HAUBERK_NO_LOCKS static inline __attribute__((always_inline))

// What a tuple is. The tag is hashed with it, so that a pair, a fragment and a flow between the same two hosts
// go separate ways. The numbers are part of the hash: never renumber.
enum {
    HAUBERK_TAG_FLOW4 = 1,
    HAUBERK_TAG_PAIR4 = 2,
    HAUBERK_TAG_FRAGMENT4 = 3,
    HAUBERK_TAG_FLOW6 = 4,
    HAUBERK_TAG_PAIR6 = 5,
    HAUBERK_TAG_FRAGMENT6 = 6,
    HAUBERK_TAG_IKE = 7,
    HAUBERK_TAG_L2TP = 8,
    HAUBERK_TAG_GROUP = 9
};

// Subkeys: k[0]...k[4] are added to the words, k[5] to their sum, k[6] and k[7] are the odd multipliers.
// 64 bytes, so that an aligned key is one cache line (and one value of a BPF array map).
typedef struct {
    uint64_t k[8];
} hauberk_work_set_key;

// --- Key expansion: control path, once per key ----------------------------------------------------------------

HAUBERK_WORK_SET_FUNCTION uint64_t hauberk_work_set_rotate(uint64_t x, unsigned bits) {
    return x << bits | x >> (64 - bits);
}

HAUBERK_WORK_SET_FUNCTION void hauberk_work_set_sip_round(uint64_t v[4]) {
    v[0] += v[1]; v[1] = hauberk_work_set_rotate(v[1], 13) ^ v[0]; v[0] = hauberk_work_set_rotate(v[0], 32);
    v[2] += v[3]; v[3] = hauberk_work_set_rotate(v[3], 16) ^ v[2];
    v[0] += v[3]; v[3] = hauberk_work_set_rotate(v[3], 21) ^ v[0];
    v[2] += v[1]; v[1] = hauberk_work_set_rotate(v[1], 17) ^ v[2]; v[2] = hauberk_work_set_rotate(v[2], 32);
}

// SipHash-2-4 of the eight bytes of `word` (little-endian), k0 = key_high, k1 = key_low.
HAUBERK_WORK_SET_FUNCTION uint64_t hauberk_work_set_prf(uint64_t key_high, uint64_t key_low, uint64_t word) {
    const uint64_t length = (uint64_t)8 << 56;  // the length byte of SipHash's last block
    uint64_t v[4] = {
        key_high ^ 0x736f6d6570736575, key_low ^ 0x646f72616e646f6d,
        key_high ^ 0x6c7967656e657261, key_low ^ 0x7465646279746573
    };
    v[3] ^= word;
    hauberk_work_set_sip_round(v); hauberk_work_set_sip_round(v);
    v[0] ^= word;
    v[3] ^= length;
    hauberk_work_set_sip_round(v); hauberk_work_set_sip_round(v);
    v[0] ^= length;
    v[2] ^= 0xff;
    hauberk_work_set_sip_round(v); hauberk_work_set_sip_round(v);
    hauberk_work_set_sip_round(v); hauberk_work_set_sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

// The 128-bit key is read as 32 hex digits, most significant first: `key_high` is the first sixteen.
//
// Each subkey is one output of a pseudorandom function, so no key is special (the all-zero key included), no two
// subkeys are related, and knowing some of them does not give the key back. An even multiplier would lose bits:
// the last two are made odd.
HAUBERK_WORK_SET_FUNCTION hauberk_work_set_key hauberk_work_set_expand(uint64_t key_high, uint64_t key_low) {
    hauberk_work_set_key key;
    for (unsigned i = 0; i < 8; i++) {
        key.k[i] = hauberk_work_set_prf(key_high, key_low, i);
    }
    key.k[6] |= 1;
    key.k[7] |= 1;
    return key;
}

// --- The hash: per packet ------------------------------------------------------------------------------------

// One word. The key is added to the word as a whole (the carry between the halves does no harm, see docs/HASH.md),
// then its halves are multiplied: data times data, both sides keyed, and nothing is cut off.
HAUBERK_WORK_SET_FUNCTION uint64_t hauberk_work_set_product(uint64_t word, uint64_t subkey) {
    const uint64_t x = word + subkey;
    return (x & 0xffffffff) * (x >> 32);
}

// The sum of products is additive in each word, which somebody who learns collisions could use. Two multiplies with
// a shift before each take that away. The shifts come first because a multiply carries only upwards: they
// bring the high half down before it. 29 and 32 differ so that no difference cancels itself in both.
HAUBERK_WORK_SET_FUNCTION uint64_t hauberk_work_set_finish(const hauberk_work_set_key *key, uint64_t y) {
    y = (y ^ y >> 32) * key->k[6];
    y = (y ^ y >> 29) * key->k[7];
    return y;
}

HAUBERK_WORK_SET_FUNCTION uint64_t hauberk_mix2(const hauberk_work_set_key *key, uint64_t w0, uint64_t w1) {
    return hauberk_work_set_finish(key, key->k[5]
        + hauberk_work_set_product(w0, key->k[0])
        + hauberk_work_set_product(w1, key->k[1]));
}

HAUBERK_WORK_SET_FUNCTION uint64_t hauberk_mix5(
    const hauberk_work_set_key *key, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t w4
) {
    return hauberk_work_set_finish(key, key->k[5]
        + hauberk_work_set_product(w0, key->k[0])
        + hauberk_work_set_product(w1, key->k[1])
        + hauberk_work_set_product(w2, key->k[2])
        + hauberk_work_set_product(w3, key->k[3])
        + hauberk_work_set_product(w4, key->k[4]));
}

// The top ten bits: every bit of a product reaches them, while the low bits of a product depend on low bits only.
HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_work_set(uint64_t mixed) {
    return (uint32_t)(mixed >> 54);
}

// --- Tuples to words -----------------------------------------------------------------------------------------
//
// Addresses and ports are numbers: the bytes on the wire read most significant first. Both directions of a flow give
// the same words, because the endpoints are put in order and not folded together (folding is what makes i ↔ i
// vanish in the `compat` hash).

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_endpoints4(
    const hauberk_work_set_key *key, uint64_t tag, uint64_t protocol, uint64_t e1, uint64_t e2
) {
    const uint64_t low = e1 < e2 ? e1 : e2;
    const uint64_t high = e1 ^ e2 ^ low;
    return hauberk_work_set(hauberk_mix2(key, low | protocol << 48 | tag << 56, high));
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_flow4(
    const hauberk_work_set_key *key, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, uint8_t protocol
) {
    return hauberk_endpoints4(
        key, HAUBERK_TAG_FLOW4, protocol, (uint64_t)src << 16 | sport, (uint64_t)dst << 16 | dport);
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_pair4(const hauberk_work_set_key *key, uint32_t src, uint32_t dst) {
    return hauberk_endpoints4(key, HAUBERK_TAG_PAIR4, 0, (uint64_t)src << 16, (uint64_t)dst << 16);
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_fragment4(
    const hauberk_work_set_key *key, uint32_t src, uint32_t dst, uint8_t protocol
) {
    return hauberk_endpoints4(key, HAUBERK_TAG_FRAGMENT4, protocol, (uint64_t)src << 16, (uint64_t)dst << 16);
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_endpoints6(
    const hauberk_work_set_key *key, uint64_t tag, uint64_t protocol,
    uint64_t src_hi, uint64_t src_lo, uint64_t sport, uint64_t dst_hi, uint64_t dst_lo, uint64_t dport
) {
    // Order by (hi, lo, port). Who is first is as good as random, so it is computed, not jumped on.
    const uint64_t in_order = (uint64_t)(src_hi < dst_hi)
        | ((uint64_t)(src_hi == dst_hi) & ((uint64_t)(src_lo < dst_lo)
        | ((uint64_t)(src_lo == dst_lo) & (uint64_t)(sport <= dport))));
    const uint64_t swap = in_order - 1;  // all ones when the destination comes first
    const uint64_t hi = (src_hi ^ dst_hi) & swap;
    const uint64_t lo = (src_lo ^ dst_lo) & swap;
    const uint64_t port = (sport ^ dport) & swap;
    return hauberk_work_set(hauberk_mix5(
        key, src_hi ^ hi, src_lo ^ lo, dst_hi ^ hi, dst_lo ^ lo,
        (sport ^ port) << 16 | (dport ^ port) | protocol << 48 | tag << 56));
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_flow6(
    const hauberk_work_set_key *key, uint64_t src_hi, uint64_t src_lo, uint64_t dst_hi, uint64_t dst_lo,
    uint16_t sport, uint16_t dport, uint8_t protocol
) {
    return hauberk_endpoints6(
        key, HAUBERK_TAG_FLOW6, protocol, src_hi, src_lo, sport, dst_hi, dst_lo, dport);
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_pair6(
    const hauberk_work_set_key *key, uint64_t src_hi, uint64_t src_lo, uint64_t dst_hi, uint64_t dst_lo
) {
    return hauberk_endpoints6(key, HAUBERK_TAG_PAIR6, 0, src_hi, src_lo, 0, dst_hi, dst_lo, 0);
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_fragment6(
    const hauberk_work_set_key *key, uint64_t src_hi, uint64_t src_lo, uint64_t dst_hi, uint64_t dst_lo,
    uint8_t protocol
) {
    return hauberk_endpoints6(key, HAUBERK_TAG_FRAGMENT6, protocol, src_hi, src_lo, 0, dst_hi, dst_lo, 0);
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_ike(const hauberk_work_set_key *key, uint64_t initiator_spi) {
    return hauberk_work_set(hauberk_mix2(key, initiator_spi, (uint64_t)HAUBERK_TAG_IKE << 56));
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_l2tp(const hauberk_work_set_key *key, uint16_t tunnel, uint16_t session) {
    return hauberk_work_set(hauberk_mix2(key, (uint64_t)tunnel << 16 | session, (uint64_t)HAUBERK_TAG_L2TP << 56));
}

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_group(const hauberk_work_set_key *key, uint32_t spi, uint32_t sender_id) {
    return hauberk_work_set(hauberk_mix2(key, (uint64_t)spi << 32 | sender_id, (uint64_t)HAUBERK_TAG_GROUP << 56));
}

#endif
