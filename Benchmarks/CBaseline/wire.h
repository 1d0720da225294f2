// Loads from the wire, for the C files of this target. memcpy of a constant size is one unaligned load.

#ifndef HAUBERK_CBASELINE_WIRE_H
#define HAUBERK_CBASELINE_WIRE_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the loads below are written for a little-endian machine"
#endif

// In memory order: byte 0 lowest. For comparisons with constants, where no swap is needed.
static inline uint32_t raw32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t raw64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

// As numbers: most significant byte first on the wire.
static inline uint16_t be16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint32_t be32(const uint8_t *p) { return __builtin_bswap32(raw32(p)); }
static inline uint64_t be64(const uint8_t *p) { return __builtin_bswap64(raw64(p)); }

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum {
    ETHERNET_HEADER = 14,
    ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100, ETHERTYPE_SERVICE_VLAN = 0x88a8, ETHERTYPE_OLD_QINQ = 0x9100,
    PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58,
    PORT_IKE = 500, PORT_IKE_NAT = 4500
};

#endif
