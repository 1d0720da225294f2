#include "CXDP.h"
#include "bpf.h"
#include "program_code.h"
#include "program_plain_code.h"

#include <linux/if_link.h>
#include <stdlib.h>

_Static_assert(sizeof(struct bpf_insn) == sizeof *program_code, "an instruction is a word");

int hauberk_bpf_load(union bpf_attr *kind, const uint64_t *code, size_t count, const hauberk_map_use *uses, size_t use_count,
                     const int maps[HAUBERK_BPF_MAPS], char *log, size_t log_bytes) {
  static const char license[] = "Dual BSD/GPL";
  struct bpf_insn *copy = malloc(count * sizeof *copy);
  if (!copy) return -1;
  memcpy(copy, code, count * sizeof *copy);
  for (size_t use = 0; use < use_count; use++) {
    copy[uses[use].instruction].src_reg = BPF_PSEUDO_MAP_FD;
    copy[uses[use].instruction].imm = maps[uses[use].map];
  }
  kind->insns = (uint64_t)(uintptr_t)copy;
  kind->insn_cnt = (uint32_t)count;
  kind->license = (uint64_t)(uintptr_t)license;
  int descriptor = hauberk_bpf(BPF_PROG_LOAD, kind);
  const int error = errno;
  if (descriptor < 0 && log_bytes) {
    // Once more, for the verifier's words.
    kind->log_level = 1;
    kind->log_buf = (uint64_t)(uintptr_t)log;
    kind->log_size = (uint32_t)log_bytes;
    descriptor = hauberk_bpf(BPF_PROG_LOAD, kind);
  }
  free(copy);
  errno = error;
  return descriptor;
}

int hauberk_xdp_load(uint32_t queues, bool in_pieces, const hauberk_early *early, hauberk_xdp_program *out, char *log,
                     size_t log_bytes) {
  *out = (hauberk_xdp_program){-1, -1, -1};
  if (log_bytes) log[0] = 0;
  out->sockets = hauberk_bpf_map(BPF_MAP_TYPE_XSKMAP, "hauberk_sockets", sizeof(uint32_t), queues, 0);
  if (out->sockets >= 0) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.expected_attach_type = BPF_XDP;
    attributes.prog_flags = in_pieces ? BPF_F_XDP_HAS_FRAGS : 0;
    strcpy(attributes.prog_name, "hauberk");
    int maps[HAUBERK_BPF_MAPS];
    hauberk_early_maps(early, out->sockets, maps);
    out->program = early->asks_policy
                       ? hauberk_bpf_load(&attributes, program_code, COUNT(program_code), program_maps,
                                          COUNT(program_maps), maps, log, log_bytes)
                       : hauberk_bpf_load(&attributes, program_plain_code, COUNT(program_plain_code), program_plain_maps,
                                          COUNT(program_plain_maps), maps, log, log_bytes);
  }
  if (out->program >= 0) return 0;
  const int error = errno;
  hauberk_xdp_unload(out);
  return error;
}

int hauberk_xdp_attach(hauberk_xdp_program *program, unsigned device, bool is_native) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.link_create.prog_fd = (uint32_t)program->program;
  attributes.link_create.target_ifindex = device;
  attributes.link_create.attach_type = BPF_XDP;
  attributes.link_create.flags = is_native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  program->link = hauberk_bpf(BPF_LINK_CREATE, &attributes);
  return program->link >= 0 ? 0 : errno;
}

int hauberk_xdp_enter(const hauberk_xdp_program *program, uint32_t queue, int descriptor) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = (uint32_t)program->sockets;
  attributes.key = (uint64_t)(uintptr_t)&queue;
  attributes.value = (uint64_t)(uintptr_t)&descriptor;
  return hauberk_bpf(BPF_MAP_UPDATE_ELEM, &attributes) == 0 ? 0 : errno;
}

static void close_one(int *descriptor) {
  if (*descriptor >= 0) close(*descriptor);
  *descriptor = -1;
}

void hauberk_xdp_unload(hauberk_xdp_program *program) {
  // The link first: the device then no longer runs what loses its maps.
  close_one(&program->link);
  close_one(&program->program);
  close_one(&program->sockets);
}
