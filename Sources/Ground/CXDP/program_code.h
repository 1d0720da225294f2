// The XDP program, compiled. Made by tools/bpf-program --write out of bpf/gateway.bpf.c; not for editing.
// Compiler: clang version 21.0.0 11673e6660b2d0a5f9f99b1c7b773f4c2f6df1b0
#pragma once
#include <stdint.h>

static const uint64_t program_code[] = {
  0x0000000000101261, 0x0000000000000118, 0x0000000000000000, 0x00000002000003b7,
  0x0000003300000085, 0x00000000000006bf, 0x00000001000001b4, 0x0000000400010655,
  0x00000000000001b4, 0x00000000fffc1a63, 0x000000000000a2bf, 0xfffffffc00000207,
  0x0000000000000118, 0x0000000000000000, 0x0000000100000085, 0x0000000000030015,
  0x0000000000000179, 0x0000000100000107, 0x000000000000107b, 0x00000000000060bc,
  0x0000000000000095,
};

// Which instructions take the address of which map (0 is sockets, 1 is counts).
static const struct {
  uint16_t instruction, map;
} program_maps[] = {{1, 0}, {12, 1}};
