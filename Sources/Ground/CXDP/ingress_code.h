// The program behind the taps, compiled. Made by tools/bpf-program --write out of bpf/ingress.bpf.c; not for editing.
// Compiler: clang version 21.0.0 11673e6660b2d0a5f9f99b1c7b773f4c2f6df1b0
#pragma once
#include <stdint.h>

static const uint64_t ingress_code[] = {
  0x0000000000101161, 0x00000000000000b4, 0x0000b58800010116, 0x00000002000000b4, 0x0000000000000095,
};
