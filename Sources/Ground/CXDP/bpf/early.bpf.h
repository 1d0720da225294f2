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
__attribute__((section("maps"), used)) struct map sockets, counts, state, rules, verdicts, addresses, spis;

static void *(*const look_up)(void *map, const void *key) = (void *)1;
static uint32_t (*const this_processor)(void) = (void *)8;

enum {
  NOT_JUDGED = HAUBERK_EARLY_SETS,
  IPV4_TYPE = 0x0800,
  IPV6_TYPE = 0x86dd,
  TCP = 6,
  UDP = 17,
  IPV6_FRAGMENT = 44,
  ESP = 50,
  IKE_PORT = 500,
  ENCAPSULATION_PORT = 4500,
  L2TP_PORT = 1701,
  IP = 14,
  IPV4_UPPER = IP + 20,
  IPV6_UPPER = IP + 40,
  PORTS = 8,
  // SPI, sequence number, and what a sender id may take of an IV.
  ESP_HEAD = 12,
  // No packet is looked at further.
  MOST = IPV6_UPPER + PORTS + ESP_HEAD,
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

struct addresses {
  uint64_t source_high, source_low, high, low;
  uint32_t is_ipv6;
};

// What a packet is judged by.
struct basis {
  const hauberk_early_rules *rules;
  // The first rules or the second.
  uint32_t half, spi_mask;
};

// What the destination is: the cluster's, this gateway's own, or neither.
INLINE uint32_t kind_of(const struct basis *b, const struct addresses *a) {
  const uint32_t place =
      hauberk_early_address_place(a->high, a->low, b->rules->salt) + b->half * HAUBERK_EARLY_ADDRESS_BUCKETS;
  const hauberk_early_addresses *bucket = find(&addresses, place);
  if (!bucket) return HAUBERK_EARLY_IS_LOCAL;
#pragma unroll
  for (uint32_t i = 0; i < HAUBERK_EARLY_ADDRESSES; i++) {
    const hauberk_early_address *one = &bucket->entries[i];
    if (one->low == a->low && one->high == a->high && one->kind && (one->kind & HAUBERK_EARLY_IS_IPV6) == a->is_ipv6)
      return (uint32_t)one->kind & (HAUBERK_EARLY_IS_CLUSTERS | HAUBERK_EARLY_IS_LOCAL);
  }
  return 0;
}

INLINE uint32_t pair(const struct basis *b, const struct addresses *a) {
  return a->is_ipv6 ? hauberk_pair6(&b->rules->key, a->source_high, a->source_low, a->high, a->low)
                    : hauberk_pair4(&b->rules->key, (uint32_t)a->source_low, (uint32_t)a->low);
}
INLINE uint32_t fragment(const struct basis *b, const struct addresses *a, uint8_t protocol) {
  return a->is_ipv6 ? hauberk_fragment6(&b->rules->key, a->source_high, a->source_low, a->high, a->low, protocol)
                    : hauberk_fragment4(&b->rules->key, (uint32_t)a->source_low, (uint32_t)a->low, protocol);
}
INLINE uint32_t flow(const struct basis *b, const struct addresses *a, uint16_t from, uint16_t to, uint8_t protocol) {
  return a->is_ipv6
             ? hauberk_flow6(&b->rules->key, a->source_high, a->source_low, a->high, a->low, from, to, protocol)
             : hauberk_flow4(&b->rules->key, (uint32_t)a->source_low, (uint32_t)a->low, from, to, protocol);
}

// ESP to the cluster, by an SPI that is ours (X7): we chose a unicast one's low bits; a group's goes by its sender.
INLINE uint32_t esp_set(const struct basis *b, const struct view *v, uint32_t at) {
  const uint32_t spi = four(v, at);
  if (!spi) return NOT_JUDGED;
  const uint32_t place = (hauberk_early_spi_place(spi) & b->spi_mask) + b->half * (b->spi_mask + 1);
  const hauberk_early_spis *bucket = find(&spis, place);
  if (!bucket) return NOT_JUDGED;
#pragma unroll
  for (uint32_t i = 0; i < HAUBERK_EARLY_SPIS; i++) {
    const uint64_t entry = bucket->entries[i];
    if ((uint32_t)entry != spi) continue;
    const uint32_t bits = (uint32_t)(entry >> 32);
    if (!bits) return spi & (HAUBERK_EARLY_SETS - 1);
    return hauberk_group(&b->rules->key, spi, four(v, at + 8) >> ((32 - bits) & 31));
  }
  return NOT_JUDGED;
}

// An upper layer at a fixed place, of so many octets by the header's word.
INLINE uint32_t upper_set(const struct basis *b, const struct view *v, const struct addresses *a, uint32_t kind,
                          uint8_t protocol, uint32_t at, uint32_t length) {
  if (!kind && !b->rules->judges_forwarded) return NOT_JUDGED;
  if (protocol == ESP) {
    if (!kind) return pair(b, a);
    return length >= ESP_HEAD && has(v, at + ESP_HEAD) ? esp_set(b, v, at) : NOT_JUDGED;
  }
  if ((protocol != TCP && protocol != UDP) || length < PORTS || !has(v, at + PORTS)) return NOT_JUDGED;
  const uint32_t from = two(v, at), to = two(v, at + 2);
  if (protocol == UDP) {
    if (kind && to == ENCAPSULATION_PORT)
      return length >= PORTS + ESP_HEAD && has(v, at + PORTS + ESP_HEAD) ? esp_set(b, v, at + PORTS) : NOT_JUDGED;
    if (kind && (to == IKE_PORT || to == L2TP_PORT)) return NOT_JUDGED;
    if (from == IKE_PORT || from == ENCAPSULATION_PORT || to == IKE_PORT || to == ENCAPSULATION_PORT) return pair(b, a);
  }
  return flow(b, a, (uint16_t)from, (uint16_t)to, protocol);
}

INLINE uint32_t ipv4_set(const struct basis *b, const struct view *v) {
  const uint32_t total = two(v, IP + 2);
  // Without options, and of a length that can be; 0 stands for what segmentation makes.
  if (octet(v, IP) != 0x45 || total < 20) return NOT_JUDGED;
  const struct addresses a = {.source_low = four(v, IP + 12), .low = four(v, IP + 16)};
  const uint32_t kind = kind_of(b, &a);
  if (kind & HAUBERK_EARLY_IS_LOCAL) return NOT_JUDGED;
  const uint8_t protocol = octet(v, IP + 9);
  // X9: no fragment has ports, the first neither.
  if (two(v, IP + 6) & 0x3fff) return fragment(b, &a, protocol);
  return upper_set(b, v, &a, kind, protocol, IPV4_UPPER, total - 20);
}

INLINE uint32_t ipv6_set(const struct basis *b, const struct view *v) {
  if (!has(v, IPV6_UPPER) || octet(v, IP) >> 4 != 6) return NOT_JUDGED;
  const uint32_t length = two(v, IP + 4);
  const struct addresses a = {.source_high = eight(v, IP + 8), .source_low = eight(v, IP + 16),
                              .high = eight(v, IP + 24), .low = eight(v, IP + 32), .is_ipv6 = 1};
  const uint32_t kind = kind_of(b, &a);
  if (kind & HAUBERK_EARLY_IS_LOCAL) return NOT_JUDGED;
  const uint8_t protocol = octet(v, IP + 6);
  if (protocol == IPV6_FRAGMENT) {
    // One that has it all is none.
    if (length < 8 || !has(v, IPV6_UPPER + 8) || !(two(v, IPV6_UPPER + 2) & 0xfff9)) return NOT_JUDGED;
    return fragment(b, &a, octet(v, IPV6_UPPER));
  }
  return upper_set(b, v, &a, kind, protocol, IPV6_UPPER, length);
}

// Whether a packet is another member's for certain. It is counted then.
INLINE _Bool is_foreign(const struct view *v) {
  const hauberk_early_state *now = find(&state, 0);
  if (!now || !has(v, IPV4_UPPER)) return 0;
  // edge early.rules: acquire, as all that is read of them is found by it; pairs with the release behind their writing.
  const uint32_t current = *(const volatile uint32_t *)&now->current;
  if (current == HAUBERK_EARLY_NEITHER) return 0;
  struct basis b = {.half = current - 1, .spi_mask = now->spi_mask};
  b.rules = find(&rules, b.half);
  if (!b.rules) return 0;
  // In two parts, each where it belongs in memory that begins two octets late.
  const uint64_t mac = (*(const uint16_t *)v->base | (uint64_t) * (const uint32_t *)(v->base + 2) << 16) & b.rules->mac_mask;
  if (mac != b.rules->macs[0] && mac != b.rules->macs[1] && mac != b.rules->macs[2]) return 0;
  const uint32_t type = two(v, 12);
  const uint32_t set = type == IPV4_TYPE ? ipv4_set(&b, v) : type == IPV6_TYPE ? ipv6_set(&b, v) : NOT_JUDGED;
  // There is none for what is not judged.
  const uint64_t *verdict = find(&verdicts, set);
  return verdict && *(const volatile uint64_t *)verdict && count(HAUBERK_XDP_FILTERED);
}
