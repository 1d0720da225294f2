// The work-set hash as the kernel runs it, for tools/bpf-equality: an XDP program that takes one record from the
// packet data and writes the work set back into it. Compiled for the host, the same text gives the other side of the
// comparison. Nothing here is part of a build of the product.

#include "CWorkSet.h"

// 72 bytes, host byte order, no padding.
struct record {
    uint64_t key_high, key_low;
    uint64_t src_hi, src_lo, dst_hi, dst_lo;  // IPv4: the low 32 bits of _lo; IKE: src_lo; group: SPI and sender id
    uint32_t tag;                             // which function, by its tag
    uint16_t sport, dport;                    // L2TP: tunnel and session
    uint32_t protocol;
    uint32_t work_set;                        // the answer; all ones for an unknown tag
    uint64_t mixed;                           // and all 64 bits of a mix over the raw fields: 2 words or 5
};

static inline __attribute__((always_inline)) void answer(struct record *r) {
    const hauberk_work_set_key key = hauberk_work_set_expand(r->key_high, r->key_low);
    const uint32_t src = (uint32_t)r->src_lo, dst = (uint32_t)r->dst_lo;
    const uint8_t protocol = (uint8_t)r->protocol;
    uint32_t set = 0xffffffff;

    switch (r->tag) {
    case HAUBERK_TAG_FLOW4: set = hauberk_flow4(&key, src, dst, r->sport, r->dport, protocol); break;
    case HAUBERK_TAG_PAIR4: set = hauberk_pair4(&key, src, dst); break;
    case HAUBERK_TAG_FRAGMENT4: set = hauberk_fragment4(&key, src, dst, protocol); break;
    case HAUBERK_TAG_FLOW6:
        set = hauberk_flow6(&key, r->src_hi, r->src_lo, r->dst_hi, r->dst_lo, r->sport, r->dport, protocol);
        break;
    case HAUBERK_TAG_PAIR6: set = hauberk_pair6(&key, r->src_hi, r->src_lo, r->dst_hi, r->dst_lo); break;
    case HAUBERK_TAG_FRAGMENT6:
        set = hauberk_fragment6(&key, r->src_hi, r->src_lo, r->dst_hi, r->dst_lo, protocol);
        break;
    case HAUBERK_TAG_IKE: set = hauberk_ike(&key, r->src_lo); break;
    case HAUBERK_TAG_L2TP: set = hauberk_l2tp(&key, r->sport, r->dport); break;
    case HAUBERK_TAG_GROUP: set = hauberk_group(&key, src, dst); break;
    }
    r->work_set = set;
    r->mixed = r->tag & 1
        ? hauberk_mix2(&key, r->src_lo, r->dst_lo)
        : hauberk_mix5(&key, r->src_hi, r->src_lo, r->dst_hi, r->dst_lo, r->protocol);
}

#if defined(__bpf__)

// The kernel's struct xdp_md, as far as it is used.
struct xdp_context {
    uint32_t data, data_end;
};

enum { XDP_DROPPED = 1, XDP_PASSED = 2 };

__attribute__((section("xdp"), used)) int work_set_record(struct xdp_context *context) {
    struct record *r = (struct record *)(uint64_t)context->data;
    if ((uint64_t)(r + 1) > (uint64_t)context->data_end) {
        return XDP_DROPPED;
    }
    answer(r);
    return XDP_PASSED;
}

__attribute__((section("license"), used)) const char program_license[] = "Dual BSD/GPL";

#else

void hauberk_record_work_set(struct record *r);

void hauberk_record_work_set(struct record *r) {
    answer(r);
}

#endif
