#include "CXDP.h"
#include "program_code.h"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { INSTRUCTIONS = sizeof program_code / sizeof *program_code };
_Static_assert(sizeof(struct bpf_insn) == sizeof *program_code, "an instruction is a word");

static int bpf(int command, union bpf_attr *attributes) {
  return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static int make_map(uint32_t type, const char *name, uint32_t value_bytes, uint32_t entries) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = type;
  attributes.key_size = sizeof(uint32_t);
  attributes.value_size = value_bytes;
  attributes.max_entries = entries;
  strncpy(attributes.map_name, name, sizeof attributes.map_name - 1);
  return bpf(BPF_MAP_CREATE, &attributes);
}

static int load_program(const hauberk_xdp_program *maps, bool in_pieces, char *log, size_t log_bytes) {
  static const char license[] = "Dual BSD/GPL";
  struct bpf_insn code[INSTRUCTIONS];
  memcpy(code, program_code, sizeof code);
  for (size_t use = 0; use < sizeof program_maps / sizeof *program_maps; use++) {
    struct bpf_insn *instruction = &code[program_maps[use].instruction];
    instruction->src_reg = BPF_PSEUDO_MAP_FD;
    instruction->imm = program_maps[use].map == 0 ? maps->sockets : maps->counts;
  }
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_XDP;
  attributes.expected_attach_type = BPF_XDP;
  attributes.insns = (uint64_t)(uintptr_t)code;
  attributes.insn_cnt = INSTRUCTIONS;
  attributes.license = (uint64_t)(uintptr_t)license;
  attributes.prog_flags = in_pieces ? BPF_F_XDP_HAS_FRAGS : 0;
  strcpy(attributes.prog_name, "hauberk");
  int descriptor = bpf(BPF_PROG_LOAD, &attributes);
  if (descriptor >= 0 || !log_bytes) return descriptor;
  // Once more, for the verifier's words.
  const int error = errno;
  attributes.log_level = 1;
  attributes.log_buf = (uint64_t)(uintptr_t)log;
  attributes.log_size = (uint32_t)log_bytes;
  descriptor = bpf(BPF_PROG_LOAD, &attributes);
  errno = error;
  return descriptor;
}

int hauberk_xdp_load(uint32_t queues, bool in_pieces, hauberk_xdp_program *out, char *log, size_t log_bytes) {
  *out = (hauberk_xdp_program){-1, -1, -1, -1};
  if (log_bytes) log[0] = 0;
  out->sockets = make_map(BPF_MAP_TYPE_XSKMAP, "hauberk_sockets", sizeof(uint32_t), queues);
  if (out->sockets >= 0)
    out->counts = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, "hauberk_counts", sizeof(uint64_t), HAUBERK_XDP_COUNTS);
  if (out->counts >= 0) out->program = load_program(out, in_pieces, log, log_bytes);
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
  program->link = bpf(BPF_LINK_CREATE, &attributes);
  return program->link >= 0 ? 0 : errno;
}

int hauberk_xdp_enter(const hauberk_xdp_program *program, uint32_t queue, int descriptor) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = (uint32_t)program->sockets;
  attributes.key = (uint64_t)(uintptr_t)&queue;
  attributes.value = (uint64_t)(uintptr_t)&descriptor;
  return bpf(BPF_MAP_UPDATE_ELEM, &attributes) == 0 ? 0 : errno;
}

bool hauberk_xdp_read_counts(const hauberk_xdp_program *program, uint64_t counts[HAUBERK_XDP_COUNTS]) {
  const long processors = sysconf(_SC_NPROCESSORS_CONF);
  // The kernel writes one for each that could ever be there, which may be more than are configured.
  const size_t places = processors > 4096 ? (size_t)processors : 4096;
  uint64_t *each = calloc(places, sizeof *each);
  if (!each) return false;
  bool is_read = true;
  for (uint32_t what = 0; what < HAUBERK_XDP_COUNTS; what++) {
    memset(each, 0, places * sizeof *each);
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.map_fd = (uint32_t)program->counts;
    attributes.key = (uint64_t)(uintptr_t)&what;
    attributes.value = (uint64_t)(uintptr_t)each;
    is_read = is_read && bpf(BPF_MAP_LOOKUP_ELEM, &attributes) == 0;
    counts[what] = 0;
    for (size_t place = 0; place < places; place++) counts[what] += each[place];
  }
  free(each);
  return is_read;
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
  close_one(&program->counts);
}
