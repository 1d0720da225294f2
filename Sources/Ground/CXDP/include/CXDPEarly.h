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
  /// Rules that are current, or neither.
  HAUBERK_EARLY_NEITHER = 0,
  HAUBERK_EARLY_FIRST = 1,
  HAUBERK_EARLY_SECOND = 2,
  /// What an address is; 0 is none.
  HAUBERK_EARLY_IS_IPV6 = 1,
  HAUBERK_EARLY_IS_CLUSTERS = 2,
  HAUBERK_EARLY_IS_LOCAL = 4,
};

typedef struct {
  uint32_t current;
  /// So many buckets of SPIs for each of the rules, less one.
  uint32_t spi_mask;
} hauberk_early_state;

typedef struct {
  hauberk_work_set_key key;
  /// A frame's first octet is the lowest; and which bits count, none where every frame is judged.
  uint64_t macs[HAUBERK_EARLY_MACS];
  uint64_t mac_mask;
  /// So that no bucket of addresses has too many.
  uint64_t salt;
  /// What is neither to the cluster nor to this gateway is judged, too.
  uint64_t judges_forwarded;
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

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_early_spi_place(uint32_t spi) { return spi * 0x9e3779b1 >> 15; }

HAUBERK_WORK_SET_FUNCTION uint32_t hauberk_early_address_place(uint64_t high, uint64_t low, uint64_t salt) {
  const uint64_t mixed = (high ^ low ^ salt) * 0x9e3779b97f4a7c15;
  return (uint32_t)(mixed >> 57) & (HAUBERK_EARLY_ADDRESS_BUCKETS - 1);
}
