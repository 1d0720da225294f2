// The early filter (C24): memory that programs in the kernel decide by, and the programs' counts.
#pragma once
#include <CXDPCounts.h>
#include <CXDPEarly.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Maps, in the order in which programs number them.
enum {
  HAUBERK_EARLY_STATE,
  HAUBERK_EARLY_RULES,
  HAUBERK_EARLY_VERDICTS,
  HAUBERK_EARLY_ADDRESS_TABLE,
  HAUBERK_EARLY_SPI_TABLE,
  HAUBERK_EARLY_SHAPE_TABLE,
  HAUBERK_EARLY_SELECTOR_TABLE,
  HAUBERK_EARLY_COUNTS,
  HAUBERK_EARLY_MAPS,
};

typedef struct {
  int map;
  void *_Nullable memory;
  size_t bytes;
} hauberk_early_map;

/// One interface's. The memory is the kernel's and ours, so that whoever has it needs no right and no call to change it.
/// Of what is there twice the first rules' comes first.
typedef struct {
  hauberk_early_map maps[HAUBERK_EARLY_MAPS];
  hauberk_early_state *_Nullable state;
  hauberk_early_rules *_Nullable rules;
  uint64_t *_Nullable verdicts;
  hauberk_early_addresses *_Nullable addresses;
  hauberk_early_spis *_Nullable spis;
  hauberk_early_shape *_Nullable shapes;
  hauberk_early_selectors *_Nullable selectors;
  /// A line for each processor.
  uint64_t (*_Nullable counts)[HAUBERK_XDP_PLACES];
  uint32_t spi_buckets, selector_buckets, processors;
  /// What is loaded never does otherwise.
  bool asks_policy;
} hauberk_early;

/// Room for so many SPIs and buckets of selectors, at the least; without any of these the policy is never asked. 0, or an errno. It lets everything through until it is
/// told otherwise.
int hauberk_early_make(uint32_t spis, uint32_t selector_buckets, hauberk_early *_Nonnull out);
void hauberk_early_close(hauberk_early *_Nonnull early);

/// Sums of what programs have counted on all processors.
void hauberk_early_read(const hauberk_early *_Nonnull early, uint64_t counts[_Nonnull HAUBERK_XDP_COUNTS]);

/// From here on the rules that are written there count: HAUBERK_EARLY_FIRST, HAUBERK_EARLY_SECOND, or neither.
static inline void hauberk_early_switch(hauberk_early_state *_Nonnull state, uint32_t current) {
  // edge early.rules: release; pairs with the acquire of whoever judges by them.
  __atomic_store_n(&state->current, current, __ATOMIC_RELEASE);
}
static inline void hauberk_early_judge(uint64_t *_Nonnull verdict, bool is_foreign) {
  // It stands for itself.
  __atomic_store_n(verdict, is_foreign, __ATOMIC_RELAXED);
}

/// The filter of a packet socket. A descriptor, or -errno; `log` gets the verifier's words, if it had any.
int hauberk_early_load(const hauberk_early *_Nonnull early, char *_Nullable log, size_t log_bytes);
/// Puts it in front of a socket. 0, or an errno.
int hauberk_early_attach(int program, int descriptor);

/// One packet through an XDP program, for tests. What it returns (1: drop), or -errno.
int hauberk_xdp_try(int program, const void *_Nonnull packet, uint32_t length);
