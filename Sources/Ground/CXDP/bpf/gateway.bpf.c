// The XDP program of a device: every packet goes to the socket of its receive queue; where there is none, to the kernel.
// What the members of a cluster tell each other goes to the kernel always: their control thread has a packet socket.
// What is another member's for certain is dropped here (C24).
//
// Compiled by tools/bpf-program into program_code.h, which is checked in, so that a build needs no BPF compiler.

#include "early.bpf.h"

// The kernel's struct xdp_md, as far as it is used.
struct xdp_context {
  uint32_t data, data_end, data_meta, ingress_ifindex, rx_queue_index;
};

enum { XDP_DROPPED = 1, XDP_PASSED = 2, XDP_REDIRECTED = 4 };
// EtherType.clusterControl.
enum { CONTROL_TYPE = 0x88b5 };

static long (*const redirect)(void *map, uint64_t key, uint64_t otherwise) = (void *)51;

__attribute__((section("xdp"), used)) int gateway(struct xdp_context *context) {
  const struct view view = {(const uint8_t *)(uint64_t)context->data, (const uint8_t *)(uint64_t)context->data_end, 0, 0};
  if (has(&view, IP) && two(&view, 12) == CONTROL_TYPE) {
    count(HAUBERK_XDP_CONTROL);
    return XDP_PASSED;
  }
  if (is_foreign(&view)) return XDP_DROPPED;
  long verdict = redirect(&sockets, context->rx_queue_index, XDP_PASSED);
  if (verdict == XDP_REDIRECTED)
    count(HAUBERK_XDP_REDIRECTED);
  else
    count(HAUBERK_XDP_PASSED);
  return (int)verdict;
}

__attribute__((section("license"), used)) const char program_license[] = "Dual BSD/GPL";
