#include "CXDP.h"
#include "ingress_code.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Newer than the headers of a stable distribution: TCX, since Linux 6.6.
enum { TCX_INGRESS = 46, FIRST_OF_ALL = 1 << 3 };

static int bpf(int command, union bpf_attr *attributes) {
  const int result = (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
  return result >= 0 ? result : -errno;
}

int hauberk_ingress_load(void) {
  static const char license[] = "Dual BSD/GPL";
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  attributes.insns = (uint64_t)(uintptr_t)ingress_code;
  attributes.insn_cnt = sizeof ingress_code / sizeof *ingress_code;
  attributes.license = (uint64_t)(uintptr_t)license;
  strcpy(attributes.prog_name, "hauberk_ingress");
  return bpf(BPF_PROG_LOAD, &attributes);
}

int hauberk_ingress_attach(int program, unsigned device) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.link_create.prog_fd = (uint32_t)program;
  attributes.link_create.target_ifindex = device;
  attributes.link_create.attach_type = TCX_INGRESS;
  attributes.link_create.flags = FIRST_OF_ALL;
  return bpf(BPF_LINK_CREATE, &attributes);
}
