// What the early filter goes by (C24), in memory that its program and we both see: they agree here.
//
// The rules are there twice. Whoever changes them writes those that are not current and then says by one store that they
// are: a program reads that word once, and finds what it reads afterwards by it. Verdicts are words on their own.
//
// Each kind is a map of its own, and in buckets: a program that may not do all that root may (CAP_BPF without
// CAP_PERFMON, as when a device comes back) may add no number to a pointer but a constant.
#pragma once
#include <CWorkSet.h>

enum {
  HAUBERK_EARLY_SETS = 1024,
  HAUBERK_EARLY_MACS = 3,
  HAUBERK_EARLY_MOST_ADDRESSES = 128,
  /// For each of the rules.
  HAUBERK_EARLY_ADDRESS_BUCKETS = 128,
  /// What is looked at for each address and each SPI.
  HAUBERK_EARLY_ADDRESSES = 4,
  HAUBERK_EARLY_SPIS = 8,
  /// Lines of the policy, what is looked at for each shape, and shapes: more of any, and no worker is spared what the
  /// policy is asked for.
  HAUBERK_EARLY_MOST_SELECTORS = 1 << 14,
  HAUBERK_EARLY_SELECTORS = 8,
  HAUBERK_EARLY_SHAPES = 16,
  /// Rules that are current, or neither.
  HAUBERK_EARLY_NEITHER = 0,
  HAUBERK_EARLY_FIRST = 1,
  HAUBERK_EARLY_SECOND = 2,
  /// What an address is; 0 is none.
  HAUBERK_EARLY_IS_IPV6 = 1,
  HAUBERK_EARLY_IS_CLUSTERS = 2,
  HAUBERK_EARLY_IS_LOCAL = 4,
  /// What becomes of a whole clear packet that is neither to the cluster nor to this gateway: it is a worker's to judge,
  /// it has its own work set, or that of the first line of the policy that fits.
  HAUBERK_EARLY_LEAVES_FORWARDED = 0,
  HAUBERK_EARLY_JUDGES_FORWARDED = 1,
  HAUBERK_EARLY_LOOKS_UP_FORWARDED = 2,
  /// What a line of the policy names besides addresses: a protocol, and then perhaps ports.
  HAUBERK_EARLY_NAMES_PROTOCOL = 1,
  HAUBERK_EARLY_NAMES_PORTS = 2,
  /// In place of a work set: the packet's own.
  HAUBERK_EARLY_OWN_SET = 0xffff,
};

typedef struct {
  uint32_t current;
  /// So many buckets of SPIs for each of the rules, less one.
  uint32_t spi_mask;
  /// So many buckets of selectors for each of the rules.
  uint32_t selector_buckets;
} hauberk_early_state;

typedef struct {
  hauberk_work_set_key key;
  /// A frame's first octet is the lowest; and which bits count, none where every frame is judged.
  uint64_t macs[HAUBERK_EARLY_MACS];
  uint64_t mac_mask;
  /// So that no bucket of addresses has too many.
  uint64_t salt;
  uint64_t forwarded;
  /// Which buckets of selectors are in use, from the first on, and so that none has too many.
  uint64_t selector_mask, selector_salt;
} hauberk_early_rules;

typedef struct {
  /// IPv4: the low 32 bits of `low`.
  uint64_t high, low, kind;
} hauberk_early_address;

typedef struct {
  hauberk_early_address entries[HAUBERK_EARLY_ADDRESSES];
} hauberk_early_addresses;

/// SPIs of ours, and above each, for a group's, the width of its sender ids. 0 is none.
typedef struct {
  uint64_t entries[HAUBERK_EARLY_SPIS];
} hauberk_early_spis;

/// The two prefix lengths of lines of the policy, as masks, and the first of those lines. Shapes lie in that order.
typedef struct {
  uint64_t source_high, source_low, high, low;
  /// UINT32_MAX: there are no more.
  uint32_t first, is_ipv6;
} hauberk_early_shape;

/// A line of the policy. Of those that fit a packet the one with the lowest `line` counts.
typedef struct {
  uint64_t source_high, source_low, high, low;
  uint32_t line;
  uint16_t set;
  /// One more than the shape's number; 0 is none.
  uint8_t shape, protocol;
  uint16_t from_first, from_last, to_first, to_last;
  uint64_t names;
} hauberk_early_selector;

typedef struct {
  hauberk_early_selector entries[HAUBERK_EARLY_SELECTORS];
} hauberk_early_selectors;

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_early_spi_place(uint32_t spi) { return spi * 0x9e3779b1 >> 15; }

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_early_address_place(uint64_t high, uint64_t low, uint64_t salt) {
  const uint64_t mixed = (high ^ low ^ salt) * 0x9e3779b97f4a7c15;
  return (uint32_t)(mixed >> 57) & (HAUBERK_EARLY_ADDRESS_BUCKETS - 1);
}

/// Of addresses that a shape's masks have been put on. The shape is added far from the bits in which two networks differ,
/// for the salt has to be able to part any two.
HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_early_selector_place(uint64_t source_high, uint64_t source_low, uint64_t high,
                                                                uint64_t low, uint32_t shape, uint64_t salt) {
  uint64_t mixed = ((source_low ^ salt) + shape * 0xd6e8feb86659fd93) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 32 ^ low) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 32 ^ source_high) * 0x94d049bb133111eb;
  mixed = (mixed ^ mixed >> 32 ^ high) * 0x9e3779b97f4a7c15;
  return (uint32_t)(mixed >> 32);
}
