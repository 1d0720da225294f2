// The rings that an AF_XDP socket shares with the kernel.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Without it every pointer that comes from here is checked once more.
#pragma clang assume_nonnull begin

#define HAUBERK_XDP_HOT __attribute__((swift_attr("@_noLocks")))
#define HAUBERK_XDP_INLINE static inline __attribute__((always_inline)) HAUBERK_XDP_HOT

/// Where a packet, or a piece of one, lies.
typedef struct {
  uint64_t address;
  uint32_t length, options;
} hauberk_xdp_descriptor;

/// One of the four rings of a socket, of which one end is ours.
typedef struct {
  uint32_t *_Nullable producer, *_Nullable consumer, *_Nullable flags;
  void *_Nullable entries;
  uint32_t size, mask;
  /// How far we are, published or not; and how far the kernel was when we last looked.
  uint32_t own, seen;
  void *_Nullable mapping;
  size_t bytes;
} hauberk_xdp_ring;

// The kernel does the same with its own ends, so each function is one end of two edges.

HAUBERK_XDP_INLINE uint32_t hauberk_xdp_kernels(const uint32_t *index) {
  // edge xdp.entries: acquire; pairs with the release that follows the entries' writing, or their reading.
  return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

HAUBERK_XDP_INLINE void hauberk_xdp_publish(uint32_t *index, uint32_t value) {
  // edge xdp.entries: release; pairs with the acquire before the entries are read, or written again.
  __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/// Fill and transmit: how many entries may be written, at least `wanted` if there are so many.
HAUBERK_XDP_INLINE uint32_t hauberk_xdp_room(hauberk_xdp_ring *ring, uint32_t wanted) {
  uint32_t room = ring->size - (ring->own - ring->seen);
  if (room >= wanted) return room;
  ring->seen = hauberk_xdp_kernels(ring->consumer);
  return ring->size - (ring->own - ring->seen);
}

/// Receive and completion: how many entries may be read, at most `wanted`.
HAUBERK_XDP_INLINE uint32_t hauberk_xdp_ready(hauberk_xdp_ring *ring, uint32_t wanted) {
  uint32_t ready = ring->seen - ring->own;
  if (ready < wanted) {
    ring->seen = hauberk_xdp_kernels(ring->producer);
    ready = ring->seen - ring->own;
  }
  return ready < wanted ? ready : wanted;
}

HAUBERK_XDP_INLINE void hauberk_xdp_submit(hauberk_xdp_ring *ring) { hauberk_xdp_publish(ring->producer, ring->own); }
HAUBERK_XDP_INLINE void hauberk_xdp_release(hauberk_xdp_ring *ring) { hauberk_xdp_publish(ring->consumer, ring->own); }

/// Whether the kernel has not taken everything yet.
HAUBERK_XDP_INLINE bool hauberk_xdp_is_pending(const hauberk_xdp_ring *ring) {
  return hauberk_xdp_kernels(ring->consumer) != ring->own;
}

/// The kernel sleeps, and has to be told that there is something in this ring.
HAUBERK_XDP_INLINE bool hauberk_xdp_sleeps(const hauberk_xdp_ring *ring) {
  return __atomic_load_n(ring->flags, __ATOMIC_RELAXED) & 1;
}

HAUBERK_XDP_INLINE uint64_t *hauberk_xdp_address(const hauberk_xdp_ring *ring, uint32_t index) {
  return (uint64_t *)ring->entries + (index & ring->mask);
}

HAUBERK_XDP_INLINE hauberk_xdp_descriptor *hauberk_xdp_packet(const hauberk_xdp_ring *ring, uint32_t index) {
  return (hauberk_xdp_descriptor *)ring->entries + (index & ring->mask);
}

#pragma clang assume_nonnull end
