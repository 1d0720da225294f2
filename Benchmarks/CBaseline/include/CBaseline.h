// The same work in C: what the Swift dataplane is measured against.
//
// Written from the specification (clustering, X5 to X9) and from the hash's header alone, not from the
// Swift sources: two texts that agree on a packet are evidence, one text translated is not.
//
// Everything here is plain C that the Swift importer takes: no _Atomic members (the ring uses the compiler's
// __atomic operations on ordinary integers, which are C11's memory model), no unions, no macros with arguments.

#ifndef HAUBERK_CBASELINE_H
#define HAUBERK_CBASELINE_H

#include <stddef.h>
#include <stdint.h>
#include "CWorkSet.h"

// The default of this header is a real call, as a library in C would be used. Names ending in `_inline` are not calls.
#define BASELINE_CALL __attribute__((noinline))
#define BASELINE_INLINE static inline __attribute__((always_inline))

// --- Packets --------------------------------------------------------------------------------------------------

// One frame, from the first byte of the destination MAC on. The bytes are only read.
typedef struct {
    const uint8_t *data;
    uint32_t length;
} baseline_packet;

// --- The path of a foreign packet: accept, parse, hash, count, look up, drop --------------------------------------

enum {
    BASELINE_BURST = 64,      // the largest burst; more is cut off
    BASELINE_SETS = 1024,     // work sets
    BASELINE_GROUPS = 8,      // the largest list of group MACs
    BASELINE_NO_SET = 0xffff  // what `sets` holds for a packet that was dropped before it had a set
};

// Values of the ownership table. Below OWNER_FIRST_STATE: the number of one of this member's workers.
enum {
    BASELINE_OWNER_FIRST_STATE = 0xff00,
    BASELINE_OWNER_FOREIGN = 0xff01,     // another member's
    BASELINE_OWNER_UNASSIGNED = 0xff02,  // nobody's yet
    BASELINE_OWNER_PENDING = 0xff03      // assigned, not yet acknowledged
};

// Verdicts, which are also the indices of `baseline_foreign.verdicts`. All but MINE are reasons of a drop.
enum {
    BASELINE_MINE = 0,
    BASELINE_FOREIGN = 1,     // the silent drop of a set that is another member's (C23); any unknown state, too
    BASELINE_UNASSIGNED = 2,
    BASELINE_PENDING = 3,
    BASELINE_RUNT = 4,        // not even an Ethernet header
    BASELINE_NOT_FOR_US = 5,  // destination MAC
    BASELINE_NOT_IP = 6,      // ARP and the like: no work set
    BASELINE_MALFORMED = 7,   // an IP header that contradicts itself or the frame's length; more than four VLAN tags
    BASELINE_VERDICTS = 8
};

typedef struct {
    // Read for every packet. A MAC is its six bytes, the first one lowest; one that is not set is all ones in 64 bits,
    // which no 48-bit address equals.
    hauberk_work_set_key key;
    uint64_t cluster_multicast;
    uint64_t cluster_unicast;
    uint64_t unit;
    const uint16_t *owners;  // BASELINE_SETS entries; not copied, may be exchanged between bursts
    uint64_t groups[BASELINE_GROUPS];
    uint32_t group_count;
    uint32_t accept_all;
    // Written.
    uint64_t received_packets;
    uint64_t received_bytes;
    uint64_t verdicts[BASELINE_VERDICTS];
    uint64_t set_packets[BASELINE_SETS];  // every packet that has a set, whoever owns it
} baseline_foreign;

// MACs are six bytes each, or NULL for "none"; `groups` is `group_count` times six bytes (at most BASELINE_GROUPS are
// taken). `accept_all` other than 0: every destination MAC is accepted.
BASELINE_CALL void baseline_foreign_init(
    baseline_foreign *f, uint64_t key_high, uint64_t key_low,
    const uint8_t *cluster_multicast, const uint8_t *cluster_unicast, const uint8_t *unit,
    const uint8_t *groups, uint32_t group_count, int accept_all, const uint16_t *owners);

// Judges min(count, BASELINE_BURST) packets: `sets` and `verdicts` get one entry each. Returns how many are mine.
BASELINE_CALL uint32_t baseline_foreign_burst(
    baseline_foreign *f, const baseline_packet *packets, uint32_t count, uint16_t *sets, uint8_t *verdicts);

// One frame by the general path alone: its work set, or minus the verdict that it is dropped with (RUNT, NOT_IP or
// MALFORMED). The short path must never differ from it; tests compare the two.
BASELINE_CALL int32_t baseline_foreign_classify(const hauberk_work_set_key *key, const uint8_t *data, uint32_t length);

// --- SPSC ring ------------------------------------------------------------------------------------------------

typedef struct {
    uint64_t first;
    uint64_t second;
} baseline_element;

// Indices count up for ever and are masked on use, so full and empty differ without a spare slot. Each side has its own
// pair of cache lines (the prefetcher fetches lines in pairs): its index, and its copy of the other side's index, which
// it refreshes only when the ring looks full (or empty). In the steady state neither side reads the other's line.
typedef struct {
    uint64_t tail;         // written by the producer: release; read by the consumer: acquire
    uint64_t cached_head;  // the producer's own
    uint8_t producer_padding[112];
    uint64_t head;         // written by the consumer: release; read by the producer: acquire
    uint64_t cached_tail;  // the consumer's own
    uint8_t consumer_padding[112];
    baseline_element *slots;  // never written after creation
    uint64_t mask;
    uint8_t constant_padding[112];
} __attribute__((aligned(128))) baseline_ring;

// `capacity` is rounded up to a power of two. NULL without memory, or for 0 or more than 2^30.
BASELINE_CALL baseline_ring *baseline_ring_create(uint32_t capacity);
BASELINE_CALL void baseline_ring_destroy(baseline_ring *ring);

// As many as there is room for (as there are); returns that number. A burst is copied as up to two straight runs, not
// element by element behind a mask: half the instructions.
BASELINE_CALL uint32_t baseline_ring_enqueue(baseline_ring *ring, const baseline_element *elements, uint32_t count);
BASELINE_CALL uint32_t baseline_ring_dequeue(baseline_ring *ring, baseline_element *elements, uint32_t count);

BASELINE_INLINE uint32_t baseline_ring_enqueue_inline(
    baseline_ring *ring, const baseline_element *__restrict elements, uint32_t count
) {
    const uint64_t tail = ring->tail;  // only this side writes it
    const uint64_t mask = ring->mask;
    uint64_t room = mask + 1 - (tail - ring->cached_head);
    if (room < count) {
        // Acquire, with the consumer's release of `head`: the slots have been read before they are overwritten.
        ring->cached_head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
        room = mask + 1 - (tail - ring->cached_head);
        if (room < count) { count = (uint32_t)room; }
    }
    baseline_element *__restrict slots = ring->slots;
    const uint64_t at = tail & mask;
    const uint32_t first = mask + 1 - at < count ? (uint32_t)(mask + 1 - at) : count;
    for (uint32_t i = 0; i < first; i++) { slots[at + i] = elements[i]; }
    for (uint32_t i = first; i < count; i++) { slots[i - first] = elements[i]; }
    // Release, with the consumer's acquire of `tail`: the elements are there before the index says so.
    __atomic_store_n(&ring->tail, tail + count, __ATOMIC_RELEASE);
    return count;
}

BASELINE_INLINE uint32_t baseline_ring_dequeue_inline(
    baseline_ring *ring, baseline_element *__restrict elements, uint32_t count
) {
    const uint64_t head = ring->head;  // only this side writes it
    const uint64_t mask = ring->mask;
    uint64_t there = ring->cached_tail - head;
    if (there < count) {
        // Acquire, with the producer's release of `tail`: the elements can be seen once the index is.
        ring->cached_tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
        there = ring->cached_tail - head;
        if (there < count) { count = (uint32_t)there; }
    }
    const baseline_element *__restrict slots = ring->slots;
    const uint64_t at = head & mask;
    const uint32_t first = mask + 1 - at < count ? (uint32_t)(mask + 1 - at) : count;
    for (uint32_t i = 0; i < first; i++) { elements[i] = slots[at + i]; }
    for (uint32_t i = first; i < count; i++) { elements[i] = slots[i - first]; }
    // Release, with the producer's acquire of `head`: the slots have been read before they are given back.
    __atomic_store_n(&ring->head, head + count, __ATOMIC_RELEASE);
    return count;
}

// One core: `iterations` times a burst in and a burst out of a ring of 1024, with the inline or the called functions.
// `burst` is 1...256 (more is cut off). Element i of iteration n is (n + i, i); only `first` of element 0 and
// `second` of the last one are read: checksum = Σ over n of (n + burst − 1).
BASELINE_CALL uint64_t baseline_ring_bench(uint64_t iterations, uint32_t burst);
BASELINE_CALL uint64_t baseline_ring_bench_calls(uint64_t iterations, uint32_t burst);

// A thread, pinned to `cpu`, that dequeues `count` elements in bursts of up to `burst` (1...256) and adds up
// first + second. It spins while the ring is empty. NULL: no such CPU, or no thread. Not pinned if `cpu` is negative.
typedef struct baseline_ring_thread baseline_ring_thread;
BASELINE_CALL baseline_ring_thread *baseline_ring_thread_start(
    baseline_ring *ring, int32_t cpu, uint64_t count, uint32_t burst);
// Waits for the end and returns the checksum; the handle is gone.
BASELINE_CALL uint64_t baseline_ring_thread_join(baseline_ring_thread *thread);

// The producer in C, on the calling thread (the caller pins it): `count` elements (n, 1) in bursts, n from 0 on.
// It spins while the ring is full.
BASELINE_CALL void baseline_ring_produce(baseline_ring *ring, uint64_t count, uint32_t burst);

// --- Pool: a LIFO free list of frame numbers ------------------------------------------------------------------

// The last frame given is the first one taken: its lines are the likeliest to be in the cache still.
typedef struct {
    uint32_t *items;  // items[0..<count] are free
    uint32_t count;
    uint32_t capacity;
} baseline_pool;

// All numbers 0..<capacity are free; 0 is the first to be taken. NULL without memory.
BASELINE_CALL baseline_pool *baseline_pool_create(uint32_t capacity);
BASELINE_CALL void baseline_pool_destroy(baseline_pool *pool);
// As many as are free (as there is room for); returns that number.
BASELINE_CALL uint32_t baseline_pool_take(baseline_pool *pool, uint32_t *frames, uint32_t count);
BASELINE_CALL uint32_t baseline_pool_give(baseline_pool *pool, const uint32_t *frames, uint32_t count);

BASELINE_INLINE uint32_t baseline_pool_take_inline(
    baseline_pool *pool, uint32_t *__restrict frames, uint32_t count
) {
    if (count > pool->count) { count = pool->count; }
    const uint32_t left = pool->count - count;
    const uint32_t *__restrict items = pool->items + left;
    for (uint32_t i = 0; i < count; i++) { frames[i] = items[i]; }
    pool->count = left;
    return count;
}

BASELINE_INLINE uint32_t baseline_pool_give_inline(
    baseline_pool *pool, const uint32_t *__restrict frames, uint32_t count
) {
    const uint32_t room = pool->capacity - pool->count;
    if (count > room) { count = room; }
    uint32_t *__restrict items = pool->items + pool->count;
    for (uint32_t i = 0; i < count; i++) { items[i] = frames[i]; }
    pool->count += count;
    return count;
}

// `iterations` times: take a burst (1...256) from a pool of 8192, give it back. Checksum: the sum of the first and the
// last frame number of each burst = iterations × (burst − 1).
BASELINE_CALL uint64_t baseline_pool_bench(uint64_t iterations, uint32_t burst);

// --- Parse ceiling --------------------------------------------------------------------------------------------

// Σ (source + destination + source port + destination port + protocol) over the frames that are whole: Ethernet, at
// most one VLAN tag, IPv4 (any header length, not a fragment) with a whole UDP or TCP header, all lengths agreeing.
// Checksums are not verified. Any other frame adds nothing.
BASELINE_CALL uint64_t baseline_parse_bench(const baseline_packet *packets, uint32_t count);

#include "CBaselineESP.h"
#include "CBaselinePorts.h"

#endif
