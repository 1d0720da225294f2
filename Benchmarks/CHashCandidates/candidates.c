#include "CHashCandidates.h"

#include "../HashStudy/candidates.h"

static study_key key;

__attribute__((constructor)) static void expand(void) { key = study_expand(0x0123456789abcdef, 0xfedcba9876543210); }

#define RUN(name, function)                                                                  \
  static __attribute__((noinline)) uint64_t run_##function(const uint64_t *w, size_t count) { \
    uint64_t sum = 0;                                                                        \
    for (size_t i = 0; i < count; i++) sum += study_##function(&key, w + 2 * i, 2);           \
    return sum;                                                                              \
  }
STUDY_CANDIDATES(RUN)

#define ENTRY(name, function) {name, run_##function},
static const struct {
  const char *name;
  uint64_t (*run)(const uint64_t *, size_t);
} candidates[] = {STUDY_CANDIDATES(ENTRY)};

int hash_candidate_count(void) { return (int)(sizeof candidates / sizeof candidates[0]); }
const char *hash_candidate_name(int candidate) { return candidates[candidate].name; }
uint64_t hash_candidate_run(int candidate, const uint64_t *words, size_t count) {
  return candidates[candidate].run(words, count);
}
