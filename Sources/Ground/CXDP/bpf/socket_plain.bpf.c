// The same without the policy, for processes that never ask it (gateway_plain.bpf.c).
//
// Compiled by tools/bpf-program into socket_plain_code.h.

#define WITHOUT_POLICY
#include "socket.bpf.c"
