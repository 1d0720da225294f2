// The XDP program of a device: every packet goes to the socket of its receive queue; where there is none, to the kernel.
// What the members of a cluster tell each other goes to the kernel always: their control thread has a packet socket.
//
// Compiled by tools/bpf-program into program_code.h, which is checked in, so that a build needs no BPF compiler.
// A packet passes `early` first: what a cluster drops before anybody has seen it, it drops there.

#include "CXDPCounts.h"

// There is no C library for this target.
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;

// The kernel's struct xdp_md, as far as it is used.
struct xdp_context {
  uint32_t data, data_end, data_meta, ingress_ifindex, rx_queue_index;
};

enum { XDP_DROPPED = 1, XDP_PASSED = 2, XDP_REDIRECTED = 4 };

struct ethernet {
  uint16_t addresses[6];
  uint16_t type;
};
// EtherType.clusterControl, as it lies in a packet.
enum { CLUSTER_CONTROL = 0xb588 };

// Maps are known by their names: the loader makes them and puts their descriptors where these addresses are taken.
struct map {
  uint32_t unused;
};
__attribute__((section("maps"), used)) struct map sockets, counts;

static void *(*const look_up)(void *map, const void *key) = (void *)1;
static long (*const redirect)(void *map, uint64_t key, uint64_t otherwise) = (void *)51;

static inline __attribute__((always_inline)) void count(uint32_t what) {
  uint64_t *value = look_up(&counts, &what);
  // One copy for each processor, and no other program on it meanwhile.
  if (value) *value += 1;
}

// Whether a packet goes on. A device that is nobody's but ours keeps everything.
static inline __attribute__((always_inline)) _Bool early(struct xdp_context *context) {
  (void)context;
  return 1;
}

static inline __attribute__((always_inline)) _Bool is_control(const struct xdp_context *context) {
  const struct ethernet *header = (const struct ethernet *)(uint64_t)context->data;
  return (uint64_t)(header + 1) <= (uint64_t)context->data_end && header->type == CLUSTER_CONTROL;
}

__attribute__((section("xdp"), used)) int gateway(struct xdp_context *context) {
  if (is_control(context)) {
    count(HAUBERK_XDP_CONTROL);
    return XDP_PASSED;
  }
  if (!early(context)) {
    count(HAUBERK_XDP_FILTERED);
    return XDP_DROPPED;
  }
  long verdict = redirect(&sockets, context->rx_queue_index, XDP_PASSED);
  count(verdict == XDP_REDIRECTED ? HAUBERK_XDP_REDIRECTED : HAUBERK_XDP_PASSED);
  return (int)verdict;
}

__attribute__((section("license"), used)) const char program_license[] = "Dual BSD/GPL";
