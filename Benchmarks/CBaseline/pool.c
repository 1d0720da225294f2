// The free list of frames, and its benchmark.

#include "CBaseline.h"

#include <stdlib.h>

enum { MOST = 256, BENCH_CAPACITY = 8192 };

baseline_pool *baseline_pool_create(uint32_t capacity) {
    baseline_pool *pool = malloc(sizeof *pool);
    if (pool == NULL) { return NULL; }
    *pool = (baseline_pool){ .count = capacity, .capacity = capacity };
    pool->items = malloc(((size_t)capacity + 1) * sizeof *pool->items);  // never of size zero
    if (pool->items == NULL) {
        free(pool);
        return NULL;
    }
    for (uint32_t i = 0; i < capacity; i++) { pool->items[i] = capacity - 1 - i; }
    return pool;
}

void baseline_pool_destroy(baseline_pool *pool) {
    if (pool == NULL) { return; }
    free(pool->items);
    free(pool);
}

uint32_t baseline_pool_take(baseline_pool *pool, uint32_t *frames, uint32_t count) {
    return baseline_pool_take_inline(pool, frames, count);
}

uint32_t baseline_pool_give(baseline_pool *pool, const uint32_t *frames, uint32_t count) {
    return baseline_pool_give_inline(pool, frames, count);
}

uint64_t baseline_pool_bench(uint64_t iterations, uint32_t burst) {
    burst = burst < 1 ? 1 : burst > MOST ? MOST : burst;
    baseline_pool *pool = baseline_pool_create(BENCH_CAPACITY);
    if (pool == NULL) { return 0; }
    uint32_t frames[MOST];
    uint64_t sum = 0;
    for (uint64_t n = 0; n < iterations; n++) {
        const uint32_t taken = baseline_pool_take_inline(pool, frames, burst);
        // The compiler may not see through the pair: as if somebody else used the frames in between.
        __asm__ volatile("" : : "r"(frames) : "memory");
        sum += (uint64_t)frames[0] + frames[taken - 1];
        baseline_pool_give_inline(pool, frames, taken);
    }
    baseline_pool_destroy(pool);
    return sum;
}
