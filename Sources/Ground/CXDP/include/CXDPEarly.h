// What the early filter goes by (C24), in memory that its program and we both see: they agree here.
//
// The rules are there twice. Whoever changes them writes those that are not current and then says by one store that they
// are: a program reads that word once, and what it reads afterwards it reads through it. Verdicts are octets on their own.
#pragma once
#include <CWorkSet.h>

enum {
  HAUBERK_EARLY_SETS = 1024,
  HAUBERK_EARLY_ADDRESSES = 128,
  HAUBERK_EARLY_MACS = 3,
  /// SPIs that are looked for at once: a line of the cache.
  HAUBERK_EARLY_BUCKET = 8,
  /// Rules that are current, or neither.
  HAUBERK_EARLY_NEITHER = 0,
  HAUBERK_EARLY_FIRST = 1,
  HAUBERK_EARLY_SECOND = 2,
  /// What an address is.
  HAUBERK_EARLY_IS_IPV6 = 1,
  HAUBERK_EARLY_IS_CLUSTERS = 2,
  HAUBERK_EARLY_IS_LOCAL = 4,
};

typedef struct {
  /// IPv4: the low 32 bits of `low`.
  uint64_t high, low, kind;
} hauberk_early_address;

typedef struct {
  hauberk_work_set_key key;
  /// A frame's first octet is the lowest; and which bits count, none where every frame is judged.
  uint64_t macs[HAUBERK_EARLY_MACS];
  uint64_t mac_mask;
  /// A bit for each address's place.
  uint64_t filter;
  /// What is neither to the cluster nor to this gateway is judged, too.
  uint32_t judges_forwarded;
  uint32_t address_count;
  hauberk_early_address addresses[HAUBERK_EARLY_ADDRESSES];
} hauberk_early_rules;

typedef struct {
  uint32_t current;
  /// So many buckets for each of the rules, less one.
  uint32_t bucket_mask;
  /// Not 0: another member's.
  uint8_t foreign[HAUBERK_EARLY_SETS];
  hauberk_early_rules rules[2];
} hauberk_early_table;

/// An SPI of ours, and above it, for a group's, the width of its sender ids. 0 is none.
typedef struct {
  uint64_t entries[HAUBERK_EARLY_BUCKET];
} hauberk_early_bucket;

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_early_bucket_of(uint32_t spi) { return spi * 0x9e3779b1 >> 15; }

HAUBERK_WORK_SET_FUNCTION uint64_t hauberk_early_bit_of(uint64_t high, uint64_t low) {
  const uint64_t mixed = (high ^ low) * 0x9e3779b97f4a7c15;
  return (uint64_t)1 << (mixed >> 58);
}
