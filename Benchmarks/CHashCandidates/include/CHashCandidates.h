// Every candidate of the hash study behind one function each, for the benchmark.
#pragma once
#include <stddef.h>
#include <stdint.h>

int hash_candidate_count(void);
const char *hash_candidate_name(int candidate);
/// Hashes `count` inputs of two words and returns the sum of the work sets.
uint64_t hash_candidate_run(int candidate, const uint64_t *words, size_t count);
