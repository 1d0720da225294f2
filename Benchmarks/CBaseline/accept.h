// What every path begins with, for the C files of this target: whether the frame is for us, whether the short path can
// take it, and whether its work set is ours.

#ifndef HAUBERK_CBASELINE_ACCEPT_H
#define HAUBERK_CBASELINE_ACCEPT_H

#include "CBaseline.h"
#include "wire.h"

// --- Accept -----------------------------------------------------------------------------------------------------

static const uint64_t mac_mask = 0xffffffffffff;

static __attribute__((noinline, unused)) int is_group(const baseline_foreign *f, uint64_t mac) {
    for (uint32_t i = 0; i < f->group_count; i++) {
        if (f->groups[i] == mac) { return 1; }
    }
    return 0;
}

// In the order of how often: nearly every frame here is to one of the two cluster MACs.
static inline int is_accepted(const baseline_foreign *f, const uint8_t *data) {
    const uint64_t mac = raw64(data) & mac_mask;  // eight of at least fourteen bytes
    return mac == f->cluster_multicast || mac == f->cluster_unicast || mac == f->unit || mac == mac_mask
        || f->accept_all || is_group(f, mac);
}

// --- The short path ---------------------------------------------------------------------------------------------

// Either port: both directions must agree, and only one of them has the well-known port as its destination.
static inline int is_ike(uint16_t source_port, uint16_t destination_port) {
    return (source_port == PORT_IKE) | (source_port == PORT_IKE_NAT)
        | (destination_port == PORT_IKE) | (destination_port == PORT_IKE_NAT);
}

// Untagged IPv4 without options, not a fragment, UDP or TCP, both ports in the packet, not IKE. One length check covers
// every load. The conditions are combined, not jumped on: which of UDP and TCP it is changes from packet to
// packet in real traffic, and a branch on it that is guessed wrong costs more than all of them computed.
static inline int is_short(const uint8_t *data, uint32_t length) {
    if (length < 38) { return 0; }
    const uint32_t type = raw32(data + 12);    // EtherType, version and IHL, TOS
    const uint32_t middle = raw32(data + 20);  // flags and offset, TTL, protocol
    const uint32_t total = be16(data + 16);
    const uint32_t protocol = middle >> 24;
    // 08 00 45, then neither MF nor an offset; DF may be as it likes.
    const int plain = (((type & 0xffffff) ^ 0x450008) | (middle & 0xff3f)) == 0;
    // 24 ≤ total ≤ length − 14 in one comparison: a total that is too small wraps round.
    const int fits = total - 24 <= length - 38;
    const int is_tcp = protocol == PROTOCOL_TCP;
    const int is_udp = protocol == PROTOCOL_UDP;
    return plain & fits & (is_tcp | (is_udp & !is_ike(be16(data + 34), be16(data + 36))));
}

// --- Ownership ---------------------------------------------------------------------------------------------------

static inline uint8_t verdict_of(uint32_t owner) {
    if (owner < BASELINE_OWNER_FIRST_STATE) { return BASELINE_MINE; }
    // The states are in the order of the verdicts; what is not known is not mine.
    const uint32_t state = owner - BASELINE_OWNER_FOREIGN + BASELINE_FOREIGN;
    return (uint8_t)(state >= BASELINE_FOREIGN && state <= BASELINE_PENDING ? state : BASELINE_FOREIGN);
}

#endif
