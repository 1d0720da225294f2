// The parse ceiling: every check that a header parser owes its caller, and nothing done with the result but a sum.

#include "CBaseline.h"
#include "wire.h"

// `header` is what the IHL says, at least 20. Inlined twice: once with 20 as a constant.
BASELINE_INLINE uint64_t sum4(const uint8_t *ip, uint32_t available, uint32_t header) {
    if (available < 20) { return 0; }
    const uint32_t total = be16(ip + 2);
    // The chain 20 ≤ header ≤ total ≤ available makes every load below safe.
    if (total < header || total > available) { return 0; }
    if (raw32(ip + 6) & 0xff3f) { return 0; }  // MF or an offset

    const uint8_t *transport = ip + header;
    const uint32_t left = total - header;
    const uint8_t protocol = ip[9];
    if (protocol == PROTOCOL_UDP) {
        if (left < 8) { return 0; }
        const uint32_t datagram = be16(transport + 4);
        if (datagram < 8 || datagram > left) { return 0; }
    } else if (protocol == PROTOCOL_TCP) {
        if (left < 20) { return 0; }
        const uint32_t offset = (uint32_t)(transport[12] >> 4) * 4;
        if (offset < 20 || offset > left) { return 0; }
    } else {
        return 0;
    }
    return (uint64_t)be32(ip + 12) + be32(ip + 16) + be16(transport) + be16(transport + 2) + protocol;
}

// Tags and options.
static __attribute__((noinline)) uint64_t general(const uint8_t *data, uint32_t length) {
    if (length < ETHERNET_HEADER) { return 0; }
    uint32_t at = ETHERNET_HEADER;
    uint32_t ethertype = be16(data + 12);
    if (ethertype == ETHERTYPE_VLAN) {
        if (length < ETHERNET_HEADER + 4) { return 0; }
        ethertype = be16(data + 16);
        at += 4;
    }
    if (ethertype != ETHERTYPE_IPV4 || length - at < 20) { return 0; }
    const uint8_t *ip = data + at;
    if (ip[0] >> 4 != 4) { return 0; }
    const uint32_t header = (uint32_t)(ip[0] & 15) * 4;
    return header < 20 ? 0 : sum4(ip, length - at, header);
}

uint64_t baseline_parse_bench(const baseline_packet *packets, uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *data = packets[i].data;
        const uint32_t length = packets[i].length;
        // 08 00 45 in one comparison: the offsets below it are constants.
        if (LIKELY(length >= ETHERNET_HEADER + 20 && (raw32(data + 12) & 0xffffff) == 0x450008)) {
            sum += sum4(data + ETHERNET_HEADER, length - ETHERNET_HEADER, 20);
        } else {
            sum += general(data, length);
        }
    }
    return sum;
}
