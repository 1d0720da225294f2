// Behind the taps of a device: what comes in is the gateway's alone, and the kernel gets nothing of it but what units of a
// cluster say to each other, for which the control thread has a socket.
//
// Compiled by tools/bpf-program into ingress_code.h.

enum { PASSED = 0, DROPPED = 2, CLUSTER_CONTROL = 0x88b5 };

/// The beginning of the kernel's __sk_buff.
struct frame {
  unsigned length, kind, mark, queue, protocol;
};

__attribute__((section("ingress"), used)) int take_all(struct frame *frame) {
  return frame->protocol == __builtin_bswap16(CLUSTER_CONTROL) ? PASSED : DROPPED;
}

__attribute__((section("license"), used)) const char program_license[] = "Dual BSD/GPL";
