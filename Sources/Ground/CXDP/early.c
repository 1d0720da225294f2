#include "CXDPFilter.h"
#include "bpf.h"
#include "socket_code.h"
#include "socket_plain_code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif

enum { PAGE = 4096, FEWEST_BUCKETS = 64, MOST_BUCKETS = 1 << 16, MOST_PROCESSORS = 4096 };

/// How many processors there can ever be: the highest number in a list such as 0-7,16-23, and one.
static uint32_t possible_processors(void) {
  FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
  unsigned highest = 0, number;
  if (!file) return MOST_PROCESSORS;
  while (fscanf(file, "%u%*[-,\n]", &number) == 1) highest = number > highest ? number : highest;
  fclose(file);
  return highest < MOST_PROCESSORS ? highest + 1 : MOST_PROCESSORS;
}

/// Memory of the kernel's that is ours as well, beginning with zeros. 0, or an errno.
static int share(hauberk_early_map *map, const char *name, size_t value_bytes, uint32_t entries) {
  map->map = hauberk_bpf_map(BPF_MAP_TYPE_ARRAY, name, (uint32_t)value_bytes, entries, BPF_F_MMAPABLE);
  if (map->map < 0) return errno;
  map->bytes = (value_bytes * entries + PAGE - 1) / PAGE * PAGE;
  map->memory = mmap(NULL, map->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map->map, 0);
  if (map->memory != MAP_FAILED) return 0;
  map->memory = NULL;
  return errno;
}

int hauberk_early_make(uint32_t spis, uint32_t selector_buckets, hauberk_early *out) {
  memset(out, 0, sizeof *out);
  for (int i = 0; i < HAUBERK_EARLY_MAPS; i++) out->maps[i].map = -1;
  out->processors = possible_processors();
  out->spi_buckets = FEWEST_BUCKETS;
  // Half full, so that a bucket that is too small for its SPIs is rare; those of it are left to workers.
  while (out->spi_buckets < MOST_BUCKETS && out->spi_buckets * (HAUBERK_EARLY_SPIS / 2) < spis) out->spi_buckets *= 2;
  out->asks_policy = selector_buckets > 0;
  out->selector_buckets = selector_buckets > FEWEST_BUCKETS ? selector_buckets : FEWEST_BUCKETS;
  const struct {
    const char *name;
    size_t value_bytes;
    uint32_t entries;
  } kinds[HAUBERK_EARLY_MAPS] = {
      [HAUBERK_EARLY_STATE] = {"hauberk_state", sizeof *out->state, 1},
      [HAUBERK_EARLY_RULES] = {"hauberk_rules", sizeof *out->rules, 2},
      [HAUBERK_EARLY_VERDICTS] = {"hauberk_sets", sizeof *out->verdicts, HAUBERK_EARLY_SETS},
      [HAUBERK_EARLY_ADDRESS_TABLE] = {"hauberk_addrs", sizeof *out->addresses, 2 * HAUBERK_EARLY_ADDRESS_BUCKETS},
      [HAUBERK_EARLY_SPI_TABLE] = {"hauberk_spis", sizeof *out->spis, 2 * out->spi_buckets},
      [HAUBERK_EARLY_SHAPE_TABLE] = {"hauberk_shapes", sizeof *out->shapes, 2 * HAUBERK_EARLY_SHAPES},
      [HAUBERK_EARLY_SELECTOR_TABLE] = {"hauberk_policy", sizeof *out->selectors, 2 * out->selector_buckets},
      [HAUBERK_EARLY_COUNTS] = {"hauberk_counts", sizeof *out->counts, out->processors},
  };
  int error = 0;
  for (int i = 0; i < HAUBERK_EARLY_MAPS && !error; i++)
    error = share(&out->maps[i], kinds[i].name, kinds[i].value_bytes, kinds[i].entries);
  if (error) {
    hauberk_early_close(out);
    return error;
  }
  out->state = out->maps[HAUBERK_EARLY_STATE].memory;
  out->rules = out->maps[HAUBERK_EARLY_RULES].memory;
  out->verdicts = out->maps[HAUBERK_EARLY_VERDICTS].memory;
  out->addresses = out->maps[HAUBERK_EARLY_ADDRESS_TABLE].memory;
  out->spis = out->maps[HAUBERK_EARLY_SPI_TABLE].memory;
  out->shapes = out->maps[HAUBERK_EARLY_SHAPE_TABLE].memory;
  out->selectors = out->maps[HAUBERK_EARLY_SELECTOR_TABLE].memory;
  out->counts = out->maps[HAUBERK_EARLY_COUNTS].memory;
  out->state->spi_mask = out->spi_buckets - 1;
  out->state->selector_buckets = out->selector_buckets;
  return 0;
}

void hauberk_early_close(hauberk_early *early) {
  for (int i = 0; i < HAUBERK_EARLY_MAPS; i++) {
    if (early->maps[i].memory) munmap(early->maps[i].memory, early->maps[i].bytes);
    if (early->maps[i].map >= 0) close(early->maps[i].map);
  }
  memset(early, 0, sizeof *early);
  for (int i = 0; i < HAUBERK_EARLY_MAPS; i++) early->maps[i].map = -1;
}

void hauberk_early_maps(const hauberk_early *early, int sockets, int maps[HAUBERK_BPF_MAPS]) {
  maps[HAUBERK_BPF_SOCKETS] = sockets;
  maps[HAUBERK_BPF_COUNTS] = early->maps[HAUBERK_EARLY_COUNTS].map;
  for (int i = 0; i < HAUBERK_EARLY_COUNTS; i++) maps[HAUBERK_BPF_EARLY + i] = early->maps[i].map;
}

void hauberk_early_read(const hauberk_early *early, uint64_t counts[HAUBERK_XDP_COUNTS]) {
  for (uint32_t what = 0; what < HAUBERK_XDP_COUNTS; what++) {
    counts[what] = 0;
    for (uint32_t line = 0; line < early->processors; line++)
      counts[what] += __atomic_load_n(&early->counts[line][what], __ATOMIC_RELAXED);
  }
}

int hauberk_early_load(const hauberk_early *early, char *log, size_t log_bytes) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  strcpy(attributes.prog_name, "hauberk_early");
  int maps[HAUBERK_BPF_MAPS];
  hauberk_early_maps(early, -1, maps);
  const int program = early->asks_policy
                          ? hauberk_bpf_load(&attributes, socket_code, COUNT(socket_code), socket_maps, COUNT(socket_maps),
                                             maps, log, log_bytes)
                          : hauberk_bpf_load(&attributes, socket_plain_code, COUNT(socket_plain_code), socket_plain_maps,
                                             COUNT(socket_plain_maps), maps, log, log_bytes);
  return program >= 0 ? program : -errno;
}

int hauberk_early_attach(int program, int descriptor) {
  return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program) == 0 ? 0 : errno;
}

int hauberk_xdp_try(int program, const void *packet, uint32_t length) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.test.prog_fd = (uint32_t)program;
  attributes.test.data_in = (uint64_t)(uintptr_t)packet;
  attributes.test.data_size_in = length;
  attributes.test.repeat = 1;
  return hauberk_bpf(BPF_PROG_TEST_RUN, &attributes) == 0 ? (int)attributes.test.retval : -errno;
}
