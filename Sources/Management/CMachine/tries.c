#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CMachine.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

static int outcome(int descriptor) {
  if (descriptor < 0) return errno;
  close(descriptor);
  return 0;
}

int hauberk_try_xdp_socket(void) { return outcome(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)); }

// Protocol 0 receives nothing.
int hauberk_try_packet_socket(void) { return outcome(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); }

int hauberk_try_tun(void) { return outcome(open("/dev/net/tun", O_RDWR | O_CLOEXEC)); }

int hauberk_try_xdp_program(void) {
  // Passes every packet: r0 = XDP_PASS; exit. It is attached to nothing.
  const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
                                  {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_XDP,
                               .insn_cnt = 2,
                               .insns = (uint64_t)(uintptr_t)code,
                               .license = (uint64_t)(uintptr_t) ""};
  return outcome((int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

uint64_t hauberk_most_locked_memory(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
  return limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
}
