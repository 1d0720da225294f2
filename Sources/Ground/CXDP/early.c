#include "CXDPFilter.h"
#include "bpf.h"
#include "socket_code.h"

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

static size_t pages(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

/// Memory of the kernel's that is ours as well. 0, or an errno.
static int share(const char *name, uint32_t value_bytes, uint32_t entries, int *map, void **memory) {
  *map = hauberk_bpf_map(BPF_MAP_TYPE_ARRAY, name, value_bytes, entries, BPF_F_MMAPABLE);
  if (*map < 0) return errno;
  *memory = mmap(NULL, pages((size_t)value_bytes * entries), PROT_READ | PROT_WRITE, MAP_SHARED, *map, 0);
  if (*memory != MAP_FAILED) return 0;
  *memory = NULL;
  return errno;
}

int hauberk_early_make(uint32_t spis, hauberk_early *out) {
  *out = (hauberk_early){.table_map = -1, .spi_map = -1, .count_map = -1};
  out->processors = possible_processors();
  out->bucket_count = FEWEST_BUCKETS;
  // Half full, so that a bucket that is too small for its SPIs is rare; those of it are left to workers.
  while (out->bucket_count < MOST_BUCKETS && out->bucket_count * (HAUBERK_EARLY_BUCKET / 2) < spis) out->bucket_count *= 2;
  void *table = NULL, *buckets = NULL, *counts = NULL;
  int error = share("hauberk_early", sizeof *out->table, 1, &out->table_map, &table);
  if (!error) error = share("hauberk_spis", sizeof *out->buckets, 2 * out->bucket_count, &out->spi_map, &buckets);
  if (!error) error = share("hauberk_counts", sizeof *out->counts, out->processors, &out->count_map, &counts);
  out->table = table;
  out->buckets = buckets;
  out->counts = counts;
  if (error)
    hauberk_early_close(out);
  else
    out->table->bucket_mask = out->bucket_count - 1;
  return error;
}

static void let_go(void *memory, size_t bytes, int *map) {
  if (memory) munmap(memory, pages(bytes));
  if (*map >= 0) close(*map);
  *map = -1;
}

void hauberk_early_close(hauberk_early *early) {
  let_go(early->table, sizeof *early->table, &early->table_map);
  let_go(early->buckets, 2 * early->bucket_count * sizeof *early->buckets, &early->spi_map);
  let_go(early->counts, early->processors * sizeof *early->counts, &early->count_map);
  early->table = NULL;
  early->buckets = NULL;
  early->counts = NULL;
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
  const int maps[4] = {-1, early->count_map, early->table_map, early->spi_map};
  const int program = hauberk_bpf_load(&attributes, socket_code, sizeof socket_code / sizeof *socket_code, socket_maps,
                                       sizeof socket_maps / sizeof *socket_maps, maps, log, log_bytes);
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
