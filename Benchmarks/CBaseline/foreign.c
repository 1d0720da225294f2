// The path of a packet that belongs to another member. In a cluster of n, that is (n − 1)/n of all packets, so this
// is the path whose cost decides how far the cluster scales.
//
// What a packet is keyed on, without a cluster IP of our own in it (X7, X9):
//   a fragment (MF or offset ≠ 0)     source, destination, protocol
//   UDP, TCP                          the 5-tuple; the pair of addresses if a port is 500 or 4500 (IKE, ESP in UDP)
//   an ICMP error                     whatever the packet that it quotes is keyed on
//   everything else                   the pair of addresses

#include "accept.h"

// --- General classification -------------------------------------------------------------------------------------

// The quoted packet of an ICMP error is cut off wherever the sender liked, so its lengths say nothing.
enum { WHOLE = 0, QUOTED = 1 };

// IPv6 extension headers that are followed before the packet counts as "everything else". Anything honest has three.
enum { MOST_EXTENSIONS = 8 };

enum { MOST_TAGS = 4 };

static inline int is_tag(uint32_t ethertype) {
    return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN || ethertype == ETHERTYPE_OLD_QINQ;
}

// The errors of RFC 792 (unreachable, source quench, redirect, time exceeded, parameter problem): eight bytes of
// their own, then the quoted packet.
static inline int is_error4(uint8_t type) {
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

// RFC 4443: unreachable, too big, time exceeded, parameter problem.
static inline int is_error6(uint8_t type) {
    return type >= 1 && type <= 4;
}

static int32_t classify4(const hauberk_work_set_key *key, const uint8_t *ip, uint32_t available, int quoted) {
    if (available < 20 || ip[0] >> 4 != 4) { return -BASELINE_MALFORMED; }
    const uint32_t header = (uint32_t)(ip[0] & 15) * 4;
    if (header < 20 || header > available) { return -BASELINE_MALFORMED; }
    const uint32_t total = be16(ip + 2);
    uint32_t end = available;
    if (quoted) {
        // What lies behind the quoted packet (RFC 4884 extensions) is not part of it.
        if (total >= header && total < end) { end = total; }
    } else {
        if (total < header || total > available) { return -BASELINE_MALFORMED; }
        end = total;  // what lies behind is Ethernet's padding
    }

    const uint32_t source = be32(ip + 12), destination = be32(ip + 16);
    const uint8_t protocol = ip[9];
    if (be16(ip + 6) & 0x3fff) { return (int32_t)hauberk_fragment4(key, source, destination, protocol); }

    const uint8_t *payload = ip + header;
    const uint32_t left = end - header;
    if ((protocol == PROTOCOL_UDP || protocol == PROTOCOL_TCP) && left >= 4) {
        const uint16_t source_port = be16(payload), destination_port = be16(payload + 2);
        if (protocol == PROTOCOL_TCP || !is_ike(source_port, destination_port)) {
            return (int32_t)hauberk_flow4(key, source, destination, source_port, destination_port, protocol);
        }
    } else if (protocol == PROTOCOL_ICMP && !quoted && left >= 8 && is_error4(payload[0])) {
        // One level only: no error quotes an error (RFC 1122). A quote that makes no sense: the error's own pair.
        const int32_t set = classify4(key, payload + 8, left - 8, QUOTED);
        if (set >= 0) { return set; }
    }
    return (int32_t)hauberk_pair4(key, source, destination);
}

static int32_t classify6(const hauberk_work_set_key *key, const uint8_t *ip, uint32_t available, int quoted) {
    if (available < 40 || ip[0] >> 4 != 6) { return -BASELINE_MALFORMED; }
    const uint32_t total = 40 + (uint32_t)be16(ip + 4);
    if (!quoted && total > available) { return -BASELINE_MALFORMED; }
    const uint32_t end = total < available ? total : available;

    const uint64_t source_hi = be64(ip + 8), source_lo = be64(ip + 16);
    const uint64_t destination_hi = be64(ip + 24), destination_lo = be64(ip + 32);
    uint8_t protocol = ip[6];
    uint32_t at = 40;
    for (uint32_t extensions = 0;; extensions++) {
        const uint32_t left = end - at;
        const uint8_t *here = ip + at;
        switch (protocol) {
        case PROTOCOL_UDP:
        case PROTOCOL_TCP: {
            if (left < 4) { goto pair; }
            const uint16_t from = be16(here), to = be16(here + 2);
            if (protocol == PROTOCOL_UDP && is_ike(from, to)) { goto pair; }
            return (int32_t)hauberk_flow6(
                key, source_hi, source_lo, destination_hi, destination_lo, from, to, protocol);
        }
        case PROTOCOL_ICMP6:
            if (!quoted && left >= 8 && is_error6(here[0])) {
                const int32_t set = classify6(key, here + 8, left - 8, QUOTED);
                if (set >= 0) { return set; }
            }
            goto pair;
        case 0:     // hop-by-hop options
        case 43:    // routing
        case 60: {  // destination options
            // A chain that is cut off still has an owner: the pair's, who may complain about it.
            if (extensions == MOST_EXTENSIONS || left < 8) { goto pair; }
            const uint32_t length = 8 + (uint32_t)here[1] * 8;
            if (length > left) { goto pair; }
            protocol = here[0];
            at += length;
            break;
        }
        case 44:    // fragment
            if (extensions == MOST_EXTENSIONS || left < 8) { goto pair; }
            // Offset (13 bits), two reserved bits, M. Neither offset nor M: an atomic fragment, which is whole.
            protocol = here[0];
            if (be16(here + 2) & 0xfff9) {
                return (int32_t)hauberk_fragment6(
                    key, source_hi, source_lo, destination_hi, destination_lo, protocol);
            }
            at += 8;
            break;
        default:    // ESP, AH, GRE, no next header, …
            goto pair;
        }
    }
pair:
    return (int32_t)hauberk_pair6(key, source_hi, source_lo, destination_hi, destination_lo);
}

// Not inlined, so that the loop over the burst keeps its registers for the short path.
int32_t baseline_foreign_classify(const hauberk_work_set_key *key, const uint8_t *data, uint32_t length) {
    if (length < ETHERNET_HEADER) { return -BASELINE_RUNT; }
    uint32_t at = ETHERNET_HEADER;
    uint32_t ethertype = be16(data + 12);
    for (uint32_t tags = 0; is_tag(ethertype); tags++) {
        if (tags == MOST_TAGS || length - at < 4) { return -BASELINE_MALFORMED; }
        ethertype = be16(data + at + 2);
        at += 4;
    }
    if (ethertype == ETHERTYPE_IPV4) { return classify4(key, data + at, length - at, WHOLE); }
    if (ethertype == ETHERTYPE_IPV6) { return classify6(key, data + at, length - at, WHOLE); }
    return -BASELINE_NOT_IP;
}

// --- A burst ----------------------------------------------------------------------------------------------------

static uint64_t mac_of(const uint8_t *bytes) {
    if (bytes == NULL) { return UINT64_MAX; }
    uint64_t mac = 0;
    memcpy(&mac, bytes, 6);
    return mac;
}

void baseline_foreign_init(
    baseline_foreign *f, uint64_t key_high, uint64_t key_low,
    const uint8_t *cluster_multicast, const uint8_t *cluster_unicast, const uint8_t *unit,
    const uint8_t *groups, uint32_t group_count, int accept_all, const uint16_t *owners
) {
    memset(f, 0, sizeof *f);
    f->key = hauberk_work_set_expand(key_high, key_low);
    f->cluster_multicast = mac_of(cluster_multicast);
    f->cluster_unicast = mac_of(cluster_unicast);
    f->unit = mac_of(unit);
    f->group_count = group_count < BASELINE_GROUPS ? group_count : BASELINE_GROUPS;
    for (uint32_t i = 0; i < f->group_count; i++) { f->groups[i] = mac_of(groups + 6 * i); }
    f->accept_all = accept_all != 0;
    f->owners = owners;
}

// Adds a burst's verdicts to the counters. Nearly always they are all the same, and the compiler turns the
// comparisons into vectors of bytes; one counter in memory, incremented per packet, would wait for itself.
static inline uint32_t count_verdicts(baseline_foreign *f, const uint8_t *verdicts, uint32_t count) {
    uint8_t mine = 0, foreign = 0, rare = 0;  // at most 64 each
    for (uint32_t i = 0; i < count; i++) {
        mine += verdicts[i] == BASELINE_MINE;
        foreign += verdicts[i] == BASELINE_FOREIGN;
        rare |= verdicts[i] > BASELINE_FOREIGN;
    }
    f->verdicts[BASELINE_MINE] += mine;
    f->verdicts[BASELINE_FOREIGN] += foreign;
    if (UNLIKELY(rare)) {
        for (uint32_t i = 0; i < count; i++) {
            if (verdicts[i] > BASELINE_FOREIGN) { f->verdicts[verdicts[i]]++; }
        }
    }
    return mine;
}

// Three loops: what looks at packets, what only computes, what looks at tables. The middle one has no branches and no
// calls, so the compiler hashes four packets in a vector: about four fifths of the time of one loop that does
// everything. Accepting in a loop of its own is slower: frames lie a power of two apart, fall into a few sets of the
// first-level cache, and are gone before a second loop comes back to them.
uint32_t baseline_foreign_burst(
    baseline_foreign *f, const baseline_packet *packets, uint32_t count,
    uint16_t *restrict sets, uint8_t *restrict verdicts
) {
    if (count > BASELINE_BURST) { count = BASELINE_BURST; }
    // Copies: the stores below could change the originals, as far as the compiler knows.
    const hauberk_work_set_key key = f->key;
    const uint16_t *owners = f->owners;

    uint64_t lows[BASELINE_BURST], highs[BASELINE_BURST];  // the two words of the hash, as hauberk_flow4 makes them
    uint8_t shorts[BASELINE_BURST];                        // whose they are
    uint32_t short_count = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *data = packets[i].data;
        const uint32_t length = packets[i].length;
        bytes += length;
        int32_t set;
        if (UNLIKELY(length < ETHERNET_HEADER)) {
            set = -BASELINE_RUNT;
        } else if (UNLIKELY(!is_accepted(f, data))) {
            set = -BASELINE_NOT_FOR_US;
        } else if (LIKELY(is_short(data, length))) {
            const uint64_t source = (uint64_t)be32(data + 26) << 16 | be16(data + 34);
            const uint64_t destination = (uint64_t)be32(data + 30) << 16 | be16(data + 36);
            const uint64_t low = source < destination ? source : destination;
            lows[short_count] = low | (uint64_t)data[23] << 48 | (uint64_t)HAUBERK_TAG_FLOW4 << 56;
            highs[short_count] = source ^ destination ^ low;
            shorts[short_count++] = (uint8_t)i;
            continue;
        } else {
            set = baseline_foreign_classify(&f->key, data, length);
        }
        if (set >= 0) {
            sets[i] = (uint16_t)set;
            f->set_packets[set]++;
            verdicts[i] = verdict_of(owners[set]);
        } else {
            sets[i] = BASELINE_NO_SET;
            verdicts[i] = (uint8_t)-set;
        }
    }
    f->received_packets += count;
    f->received_bytes += bytes;

    uint16_t hashed[BASELINE_BURST];
    for (uint32_t n = 0; n < short_count; n++) {
        hashed[n] = (uint16_t)hauberk_work_set(hauberk_mix2(&key, lows[n], highs[n]));
    }

    for (uint32_t n = 0; n < short_count; n++) {
        const uint32_t i = shorts[n];
        const uint32_t set = hashed[n];
        sets[i] = (uint16_t)set;
        f->set_packets[set]++;
        verdicts[i] = verdict_of(owners[set]);
    }
    return count_verdicts(f, verdicts, count);
}
