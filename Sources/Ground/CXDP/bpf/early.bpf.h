// Whose a packet is, where that can be told from a few octets at fixed places: the early filter (C24).
//
// What is judged here is judged as by KeyedRules.swift, which has the reasons; everything else is a worker's to judge.
// tests compare the two, packet by packet.
#pragma once
#include "CXDPCounts.h"
#include "CXDPEarly.h"

#define INLINE static inline __attribute__((always_inline))

// Maps are known by their names: the loader makes them and puts their descriptors where these addresses are taken.
struct map {
  uint32_t unused;
};
__attribute__((section("maps"), used)) struct map sockets, counts, state, rules, verdicts, addresses, spis,
    shapes, selectors;

static void *(*const look_up)(void *map, const void *key) = (void *)1;
static uint32_t (*const this_processor)(void) = (void *)8;

enum {
  NOT_JUDGED = HAUBERK_EARLY_SETS,
  // By what a packet's work set is told: a rule of KeyedRules.swift.
  BY_NOTHING = 0,
  BY_FRAGMENT,
  BY_PAIR,
  BY_FLOW,
  BY_IDS,
  IPV4_TYPE = 0x0800,
  IPV6_TYPE = 0x86dd,
  ICMP = 1,
  TCP = 6,
  UDP = 17,
  IPV6_FRAGMENT = 44,
  ESP = 50,
  ICMPV6 = 58,
  IKE_PORT = 500,
  ENCAPSULATION_PORT = 4500,
  L2TP_PORT = 1701,
  IP = 14,
  IPV4_UPPER = IP + 20,
  IPV6_UPPER = IP + 40,
  // What has to be there of an upper layer: of UDP its whole header.
  UPPER = 8,
  IKE_HEAD = 8,
  L2TP_HEAD = 8,
  // SPI, sequence number, and what a sender id may take of an IV.
  ESP_HEAD = 12,
  // No packet is looked at further.
  MOST = IPV6_UPPER + UPPER + ESP_HEAD,
};

// The beginning of a packet: a packet's memory, which ends somewhere, or a copy of so many octets, whose IP header lies as
// memory wants it.
struct view {
  const uint8_t *base, *end;
  _Bool is_copy;
  uint32_t length;
};

INLINE _Bool has(const struct view *v, uint32_t octets) {
  return v->is_copy ? octets <= v->length : v->base + octets <= v->end;
}
INLINE uint8_t octet(const struct view *v, uint32_t at) { return v->base[at]; }
INLINE uint32_t two(const struct view *v, uint32_t at) {
  return __builtin_bswap16(*(const uint16_t *)(v->base + at));
}
INLINE uint32_t four(const struct view *v, uint32_t at) {
  return __builtin_bswap32(*(const uint32_t *)(v->base + at));
}
INLINE uint64_t eight(const struct view *v, uint32_t at) {
  return __builtin_bswap64(*(const uint64_t *)(v->base + at));
}

// A key has 32 bits. Eight octets are written all the same: a part of a place where a pointer has been may not be.
INLINE void *find(struct map *map, uint64_t key) { return look_up(map, &key); }

// One line for each processor, and no other program on it meanwhile. What cannot be counted is not done.
INLINE _Bool count(uint32_t what) {
  uint64_t *places = find(&counts, this_processor());
  if (!places) return 0;
  places[what] += 1;
  return 1;
}

// All of eight octets: as with a key below, a part of a place where a pointer has been may not be written.
struct packet {
  uint64_t source_high, source_low, high, low, is_ipv6, protocol;
  // What the destination is: the cluster's, this gateway's own, or neither.
  uint64_t kind;
  // 0 where there are none, or nothing is judged by them.
  uint64_t has_ports, from, to;
  // What ids alone have said.
  uint64_t set;
};

// What a packet is judged by.
struct basis {
  const hauberk_early_rules *rules;
  const hauberk_early_state *now;
  // The first rules or the second.
  uint32_t half;
};

INLINE uint64_t kind_of(const struct basis *b, const struct packet *p) {
  const uint32_t place =
      hauberk_early_address_place(p->high, p->low, b->rules->salt) + b->half * HAUBERK_EARLY_ADDRESS_BUCKETS;
  const hauberk_early_addresses *bucket = find(&addresses, place);
  if (!bucket) return HAUBERK_EARLY_IS_LOCAL;
#pragma unroll
  for (uint32_t i = 0; i < HAUBERK_EARLY_ADDRESSES; i++) {
    const hauberk_early_address *one = &bucket->entries[i];
    if (one->low == p->low && one->high == p->high && one->kind && (one->kind & HAUBERK_EARLY_IS_IPV6) == p->is_ipv6)
      return one->kind & (HAUBERK_EARLY_IS_CLUSTERS | HAUBERK_EARLY_IS_LOCAL);
  }
  return 0;
}

INLINE uint64_t ids(struct packet *p, uint64_t set) {
  p->set = set;
  return BY_IDS;
}

INLINE uint64_t ike(const struct basis *b, const struct view *v, struct packet *p, uint32_t at) {
  return ids(p, hauberk_ike(&b->rules->key, (uint64_t)four(v, at) << 32 | four(v, at + 4)));
}

// ESP to the cluster, by an SPI that is ours (X7): we chose a unicast one's low bits; a group's goes by its sender.
INLINE uint64_t esp(const struct basis *b, const struct view *v, struct packet *p, uint32_t at) {
  const uint32_t spi = four(v, at);
  const uint32_t place = (hauberk_early_spi_place(spi) & b->now->spi_mask) + b->half * (b->now->spi_mask + 1);
  const hauberk_early_spis *bucket = find(&spis, place);
  if (!bucket || !spi) return BY_NOTHING;
#pragma unroll
  for (uint32_t i = 0; i < HAUBERK_EARLY_SPIS; i++) {
    const uint64_t entry = bucket->entries[i];
    if ((uint32_t)entry != spi) continue;
    const uint32_t bits = (uint32_t)(entry >> 32);
    if (!bits) return ids(p, spi & (HAUBERK_EARLY_SETS - 1));
    return ids(p, hauberk_group(&b->rules->key, spi, four(v, at + 8) >> ((32 - bits) & 31)));
  }
  return BY_NOTHING;
}

// L2TP version 2; the length that may stand before its ids need not be there. Tunnel 0 is nobody's yet.
INLINE uint64_t l2tp(const struct basis *b, const struct view *v, struct packet *p, uint32_t at) {
  if ((octet(v, at + 1) & 15) != 2) return BY_FLOW;
  // Shifted, for no number may be added to a pointer but a constant.
  const uint64_t words = (uint64_t)two(v, at + 2) << 32 | two(v, at + 4) << 16 | two(v, at + 6);
  const uint32_t ids_word = (uint32_t)(octet(v, at) & 0x40 ? words : words >> 16);
  const uint32_t tunnel = ids_word >> 16, session = ids_word & 0xffff;
  return tunnel ? ids(p, hauberk_l2tp(&b->rules->key, (uint16_t)tunnel, (uint16_t)session)) : BY_FLOW;
}

// An error goes by what it quotes, which is at no fixed place; and neighbours' questions are everybody's (X20).
INLINE _Bool is_special(const struct packet *p, uint64_t type) {
  return p->is_ipv6 ? (type >= 1 && type <= 4) || type == 135 || type == 136
                    : (type >= 3 && type <= 5) || type == 11 || type == 12;
}

// An upper layer at a fixed place, of so many octets by the header's word.
INLINE uint64_t upper(const struct basis *b, const struct view *v, struct packet *p, uint32_t at, uint32_t length) {
  const uint64_t protocol = p->protocol;
  if (protocol == ESP) {
    if (!p->kind) return BY_PAIR;
    return length >= ESP_HEAD && has(v, at + ESP_HEAD) ? esp(b, v, p, at) : BY_NOTHING;
  }
  const _Bool is_icmp = protocol == (p->is_ipv6 ? ICMPV6 : ICMP);
  if (!is_icmp && protocol != TCP && protocol != UDP) return BY_PAIR;
  if (length < UPPER || !has(v, at + UPPER)) return BY_NOTHING;
  if (is_icmp) return is_special(p, octet(v, at)) ? BY_NOTHING : BY_PAIR;
  p->has_ports = 1;
  p->from = two(v, at);
  p->to = two(v, at + 2);
  if (protocol == TCP) return BY_FLOW;
  const uint32_t there = at + UPPER, octets = length - UPPER;
  if (p->kind && p->to == ENCAPSULATION_PORT) {
    if (octets < ESP_HEAD || !has(v, there + ESP_HEAD)) return BY_NOTHING;
    return four(v, there) ? esp(b, v, p, there) : ike(b, v, p, there + 4);
  }
  if (p->kind && p->to == IKE_PORT)
    return octets >= IKE_HEAD && has(v, there + IKE_HEAD) ? ike(b, v, p, there) : BY_NOTHING;
  if (p->kind && p->to == L2TP_PORT) {
    if (octets < L2TP_HEAD || !has(v, there + L2TP_HEAD)) return BY_NOTHING;
    if (l2tp(b, v, p, there) == BY_IDS) return BY_IDS;
  }
  const _Bool is_ipsec = p->from == IKE_PORT || p->from == ENCAPSULATION_PORT || p->to == IKE_PORT ||
                         p->to == ENCAPSULATION_PORT;
  return is_ipsec ? BY_PAIR : BY_FLOW;
}

INLINE uint64_t ipv4(const struct basis *b, const struct view *v, struct packet *p) {
  const uint32_t total = two(v, IP + 2);
  // Without options, and of a length that can be; 0 stands for what segmentation makes.
  if (octet(v, IP) != 0x45 || total < 20) return BY_NOTHING;
  p->source_low = four(v, IP + 12);
  p->low = four(v, IP + 16);
  p->kind = kind_of(b, p);
  if (p->kind & HAUBERK_EARLY_IS_LOCAL) return BY_NOTHING;
  p->protocol = octet(v, IP + 9);
  // X9: no fragment has ports, the first neither.
  if (two(v, IP + 6) & 0x3fff) return BY_FRAGMENT;
  return upper(b, v, p, IPV4_UPPER, total - 20);
}

// Hop-by-hop and destination options, routing, AH, mobility, HIP, shim6.
INLINE _Bool is_extension(uint64_t header) {
  return header == 0 || header == 43 || header == 51 || header == 60 || header == 135 || header == 139 || header == 140;
}

INLINE uint64_t ipv6(const struct basis *b, const struct view *v, struct packet *p) {
  if (!has(v, IPV6_UPPER) || octet(v, IP) >> 4 != 6) return BY_NOTHING;
  const uint32_t length = two(v, IP + 4);
  p->source_high = eight(v, IP + 8);
  p->source_low = eight(v, IP + 16);
  p->high = eight(v, IP + 24);
  p->low = eight(v, IP + 32);
  p->is_ipv6 = 1;
  p->kind = kind_of(b, p);
  if (p->kind & HAUBERK_EARLY_IS_LOCAL) return BY_NOTHING;
  p->protocol = octet(v, IP + 6);
  if (p->protocol == IPV6_FRAGMENT) {
    // One that has it all is none.
    if (length < 8 || !has(v, IPV6_UPPER + 8) || !(two(v, IPV6_UPPER + 2) & 0xfff9)) return BY_NOTHING;
    p->protocol = octet(v, IPV6_UPPER);
    return BY_FRAGMENT;
  }
  return is_extension(p->protocol) ? BY_NOTHING : upper(b, v, p, IPV6_UPPER, length);
}

#ifdef WITHOUT_POLICY
INLINE uint64_t policy(const struct basis *b, const struct packet *p) {
  (void)b, (void)p;
  return NOT_JUDGED;
}
#else
// With few branches: the verifier follows each of them, for every entry of every shape.
INLINE _Bool fits(const hauberk_early_selector *one, const struct packet *p) {
  if (!one->names) return 1;
  // The highest bit of a difference says that it is below 0.
  const uint64_t outside = (p->from - one->from_first) | (one->from_last - p->from) | (p->to - one->to_first) |
                           (one->to_last - p->to);
  return !((one->protocol ^ p->protocol) | ((outside >> 63 | (p->has_ports ^ 1)) & one->names >> 1));
}
INLINE _Bool is_for(const hauberk_early_selector *one, const struct packet *masked, uint64_t shape) {
  return one->shape == shape && !((one->low ^ masked->low) | (one->source_low ^ masked->source_low) |
                                  (one->high ^ masked->high) | (one->source_high ^ masked->source_high));
}

// What the first line of the policy that fits says of a clear packet, as PolicyTable.swift finds it: a tunnel's work
// set (X5), or that the packet has its own. Lines for what comes from outside are written turned round.
INLINE uint64_t policy(const struct basis *b, const struct packet *p) {
  uint64_t best = 0xffffffff, set = HAUBERK_EARLY_OWN_SET;
#pragma clang loop unroll(disable)
  for (uint64_t i = 0; i < HAUBERK_EARLY_SHAPES; i++) {
    const hauberk_early_shape *shape = find(&shapes, b->half * HAUBERK_EARLY_SHAPES + i);
    if (!shape || shape->first >= best) break;
    if (shape->is_ipv6 != p->is_ipv6) continue;
    const struct packet masked = {.source_high = p->source_high & shape->source_high,
                                  .source_low = p->source_low & shape->source_low,
                                  .high = p->high & shape->high,
                                  .low = p->low & shape->low};
    const uint64_t salt = b->rules->selector_salt;
    const uint32_t mixed =
        hauberk_early_selector_place(masked.source_high, masked.source_low, masked.high, masked.low, (uint32_t)i, salt);
    const uint32_t place = (mixed & (uint32_t)b->rules->selector_mask) + b->half * b->now->selector_buckets;
    const hauberk_early_selectors *bucket = find(&selectors, place);
    if (!bucket) return NOT_JUDGED;
    // In the order of their lines.
#pragma unroll
    for (uint32_t k = 0; k < HAUBERK_EARLY_SELECTORS; k++) {
      const hauberk_early_selector *one = &bucket->entries[k];
      if (!is_for(one, &masked, i + 1) || !fits(one, p)) continue;
      if (one->line < best) {
        best = one->line;
        set = one->set;
      }
      break;
    }
  }
  return set;
}
#endif

// Else the compiler may make one load of a subkey out of two, at an offset that the verifier does not know.
INLINE uint64_t apart(uint64_t set) {
  __asm__ volatile("" : "+r"(set));
  return set;
}

INLINE uint64_t set_of(const struct basis *b, const struct packet *p, uint64_t rule) {
  const hauberk_work_set_key *key = &b->rules->key;
  const uint32_t source = (uint32_t)p->source_low, destination = (uint32_t)p->low;
  const uint8_t protocol = (uint8_t)p->protocol;
  if (rule == BY_NOTHING) return NOT_JUDGED;
  if (rule == BY_IDS) return p->set;
  // X9: fragments go by their addresses, whatever tunnel they take.
  if (rule == BY_FRAGMENT)
    return p->is_ipv6 ? apart(hauberk_fragment6(key, p->source_high, p->source_low, p->high, p->low, protocol))
                      : hauberk_fragment4(key, source, destination, protocol);
  if (!p->kind) {
    if (b->rules->forwarded == HAUBERK_EARLY_LEAVES_FORWARDED) return NOT_JUDGED;
    if (b->rules->forwarded == HAUBERK_EARLY_LOOKS_UP_FORWARDED) {
      const uint64_t set = policy(b, p);
      if (set != HAUBERK_EARLY_OWN_SET) return set;
    }
  }
  if (rule == BY_PAIR)
    return p->is_ipv6 ? apart(hauberk_pair6(key, p->source_high, p->source_low, p->high, p->low))
                      : hauberk_pair4(key, source, destination);
  return p->is_ipv6 ? apart(hauberk_flow6(key, p->source_high, p->source_low, p->high, p->low, (uint16_t)p->from,
                                          (uint16_t)p->to, protocol))
                    : hauberk_flow4(key, source, destination, (uint16_t)p->from, (uint16_t)p->to, protocol);
}

// Whether a packet is another member's for certain. It is counted then.
INLINE _Bool is_foreign(const struct view *v) {
  const hauberk_early_state *now = find(&state, 0);
  if (!now || !has(v, IPV4_UPPER)) return 0;
  // edge early.rules: acquire, as all that is read of them is found by it; pairs with the release behind their writing.
  const uint32_t current = *(const volatile uint32_t *)&now->current;
  if (current == HAUBERK_EARLY_NEITHER) return 0;
  struct basis b = {.now = now, .half = current - 1};
  b.rules = find(&rules, b.half);
  if (!b.rules) return 0;
  // In two parts, each where it belongs in memory that begins two octets late.
  const uint64_t mac = (*(const uint16_t *)v->base | (uint64_t) * (const uint32_t *)(v->base + 2) << 16) & b.rules->mac_mask;
  if (mac != b.rules->macs[0] && mac != b.rules->macs[1] && mac != b.rules->macs[2]) return 0;
  const uint32_t type = two(v, 12);
  struct packet p = {0};
  const uint64_t rule = type == IPV4_TYPE ? ipv4(&b, v, &p) : type == IPV6_TYPE ? ipv6(&b, v, &p) : BY_NOTHING;
  // There is none for what is not judged.
  const uint64_t *verdict = find(&verdicts, set_of(&b, &p, rule));
  return verdict && *(const volatile uint64_t *)verdict && count(HAUBERK_XDP_FILTERED);
}
