// Behind the taps of a device: what comes in is the gateway's alone, and the kernel gets nothing of it.
//
// Compiled by tools/bpf-program into ingress_code.h.

enum { DROPPED = 2 };

__attribute__((section("ingress"), used)) int take_all(void *context) {
  (void)context;
  return DROPPED;
}

__attribute__((section("license"), used)) const char program_license[] = "Dual BSD/GPL";
