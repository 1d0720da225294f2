// The SPSC ring's calls, its benchmark on one core, and the thread at the other end for two.

#include "CBaseline.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

_Static_assert(sizeof(baseline_ring) == 384, "each side has 128 bytes of its own");
_Static_assert(offsetof(baseline_ring, head) == 128, "each side has 128 bytes of its own");
_Static_assert(offsetof(baseline_ring, slots) == 256, "the constants share a line with neither side");
_Static_assert(sizeof(baseline_element) == 16, "one vector register");

enum { MOST = 256, BENCH_CAPACITY = 1024 };

baseline_ring *baseline_ring_create(uint32_t capacity) {
    if (capacity == 0 || capacity > 1u << 30) { return NULL; }
    size_t slots = 1;
    while (slots < capacity) { slots <<= 1; }
    size_t bytes = slots * sizeof(baseline_element);
    bytes = (bytes + 127) & ~(size_t)127;  // aligned_alloc wants a multiple
    baseline_ring *ring = aligned_alloc(128, sizeof *ring);
    if (ring == NULL) { return NULL; }
    *ring = (baseline_ring){ .mask = slots - 1, .slots = aligned_alloc(128, bytes) };
    if (ring->slots == NULL) {
        free(ring);
        return NULL;
    }
    // Touched once here, so that no measurement pays for page faults.
    for (size_t i = 0; i < slots; i++) { ring->slots[i] = (baseline_element){ 0, 0 }; }
    return ring;
}

void baseline_ring_destroy(baseline_ring *ring) {
    if (ring == NULL) { return; }
    free(ring->slots);
    free(ring);
}

uint32_t baseline_ring_enqueue(baseline_ring *ring, const baseline_element *elements, uint32_t count) {
    return baseline_ring_enqueue_inline(ring, elements, count);
}

uint32_t baseline_ring_dequeue(baseline_ring *ring, baseline_element *elements, uint32_t count) {
    return baseline_ring_dequeue_inline(ring, elements, count);
}

static inline uint32_t clamp(uint32_t burst) {
    return burst < 1 ? 1 : burst > MOST ? MOST : burst;
}

// One text for both benchmarks; `calls` is a constant in each.
BASELINE_INLINE uint64_t bench(uint64_t iterations, uint32_t burst, int calls) {
    burst = clamp(burst);
    baseline_ring *ring = baseline_ring_create(BENCH_CAPACITY);
    if (ring == NULL) { return 0; }
    baseline_element in[MOST], out[MOST];
    for (uint32_t i = 0; i < burst; i++) { in[i] = (baseline_element){ i, i }; }
    uint64_t sum = 0;
    for (uint64_t n = 0; n < iterations; n++) {
        // Only the first element changes: the loop measures the ring, not the filling of bursts.
        in[0].first = n;
        uint32_t there;
        if (calls) {
            baseline_ring_enqueue(ring, in, burst);
            there = baseline_ring_dequeue(ring, out, burst);
        } else {
            baseline_ring_enqueue_inline(ring, in, burst);
            there = baseline_ring_dequeue_inline(ring, out, burst);
        }
        sum += out[0].first + out[there - 1].second;
    }
    baseline_ring_destroy(ring);
    return sum;
}

uint64_t baseline_ring_bench(uint64_t iterations, uint32_t burst) { return bench(iterations, burst, 0); }
uint64_t baseline_ring_bench_calls(uint64_t iterations, uint32_t burst) { return bench(iterations, burst, 1); }

// --- Two cores --------------------------------------------------------------------------------------------------

struct baseline_ring_thread {
    baseline_ring *ring;
    uint64_t count;
    uint64_t sum;
    uint32_t burst;
    pthread_t thread;
};

// Tells the core that this is a spin: it leaves the loop without a pipeline flush and lets a sibling thread run.
static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void *drain(void *argument) {
    baseline_ring_thread *self = argument;
    baseline_ring *ring = self->ring;
    baseline_element out[MOST];
    uint64_t sum = 0;
    for (uint64_t left = self->count; left > 0;) {
        const uint32_t want = left < self->burst ? (uint32_t)left : self->burst;
        const uint32_t there = baseline_ring_dequeue_inline(ring, out, want);
        if (there == 0) { relax(); }
        for (uint32_t i = 0; i < there; i++) { sum += out[i].first + out[i].second; }
        left -= there;
    }
    self->sum = sum;
    return NULL;
}

baseline_ring_thread *baseline_ring_thread_start(
    baseline_ring *ring, int32_t cpu, uint64_t count, uint32_t burst
) {
    if (cpu >= CPU_SETSIZE) { return NULL; }
    baseline_ring_thread *self = malloc(sizeof *self);
    if (self == NULL) { return NULL; }
    *self = (baseline_ring_thread){ .ring = ring, .count = count, .burst = clamp(burst) };
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        free(self);
        return NULL;
    }
    if (cpu >= 0) {
        // Before it runs, so that not even its first burst is drained on another core.
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET((size_t)cpu, &cpus);
        error = pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
    }
    if (error == 0) { error = pthread_create(&self->thread, &attributes, drain, self); }
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        free(self);
        return NULL;
    }
    return self;
}

uint64_t baseline_ring_thread_join(baseline_ring_thread *self) {
    pthread_join(self->thread, NULL);
    const uint64_t sum = self->sum;
    free(self);
    return sum;
}

void baseline_ring_produce(baseline_ring *ring, uint64_t count, uint32_t burst) {
    burst = clamp(burst);
    baseline_element in[MOST];
    for (uint64_t sent = 0; sent < count;) {
        const uint32_t want = count - sent < burst ? (uint32_t)(count - sent) : burst;
        for (uint32_t i = 0; i < want; i++) { in[i] = (baseline_element){ sent + i, 1 }; }
        uint32_t done = 0;
        while (done < want) {
            const uint32_t taken = baseline_ring_enqueue_inline(ring, in + done, want - done);
            if (taken == 0) { relax(); }
            done += taken;
        }
        sent += want;
    }
}
