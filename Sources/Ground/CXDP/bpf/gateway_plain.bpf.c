// The same without the policy, for processes that never ask it: the kernel looks through every program before it takes it,
// and that part takes longer than all the rest.
//
// Compiled by tools/bpf-program into program_plain_code.h.

#define WITHOUT_POLICY
#include "gateway.bpf.c"
