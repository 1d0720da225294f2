// The early filter where there is no XDP: in front of a packet socket (C24). It sees no packet's memory, but copies of it.
//
// Compiled by tools/bpf-program into socket_code.h.

#include "early.bpf.h"

// The kernel's struct __sk_buff, as far as it is used.
struct socket_context {
  uint32_t length, kind, mark, queue_mapping, protocol, has_tag;
};

enum { OUTGOING = 4, NOTHING = 0, ALL = -1, AHEAD = 2 };

static long (*const load)(const void *context, uint32_t offset, void *to, uint32_t octets) = (void *)26;

__attribute__((section("socket"), used)) int packet_socket(struct socket_context *context) {
  // What leaves is none of our business, and a tag that the kernel keeps apart is as good as one in the packet.
  if (context->kind == OUTGOING || context->has_tag || context->length < IPV4_UPPER) return ALL;
  uint64_t copy[(AHEAD + MOST + 7) / 8] = {0};
  uint32_t length = context->length < MOST ? context->length : MOST;
  uint8_t *base = (uint8_t *)copy + AHEAD;
  if (load(context, 0, base, length) != 0) return ALL;
  const struct view view = {base, 0, 1, length};
  return is_foreign(&view) ? NOTHING : ALL;
}

__attribute__((section("license"), used)) const char program_license[] = "Dual BSD/GPL";
