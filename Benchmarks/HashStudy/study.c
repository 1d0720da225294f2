// Measures the candidates for the keyed work-set hash. Run it with tools/hash-study; the findings are in docs/HASH.md.
//
// Every test prints one line a candidate. Numbers called z are in standard deviations of what an ideal hash would
// give; of many z the largest is naturally 3 to 4.5. Everything but the timing is repeatable: one fixed seed.
//
// long because: five measures over the same candidates, each a function that is read by itself.

#define _GNU_SOURCE
#include "candidates.h"
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

// --- Candidates as batch functions ---------------------------------------------------------------------------

typedef void (*batch_function)(const study_key *key, const uint64_t *words, uint16_t *sets, size_t count);

// `one` keeps the loop scalar, which is what a single packet path pays; `batch` lets the compiler vectorise.
#define DEFINE_BATCHES(shown, name) \
    static __attribute__((noinline)) void batch2_##name(const study_key *k, const uint64_t *w, uint16_t *s, size_t n) { \
        const study_key key = *k; \
        for (size_t i = 0; i < n; i++) s[i] = (uint16_t)study_##name(&key, w + 2 * i, 2); \
    } \
    static __attribute__((noinline)) void batch5_##name(const study_key *k, const uint64_t *w, uint16_t *s, size_t n) { \
        const study_key key = *k; \
        for (size_t i = 0; i < n; i++) s[i] = (uint16_t)study_##name(&key, w + 5 * i, 5); \
    } \
    static __attribute__((noinline)) void one2_##name(const study_key *k, const uint64_t *w, uint16_t *s, size_t n) { \
        const study_key key = *k; \
        _Pragma("clang loop vectorize(disable) interleave(disable) unroll(disable)") \
        for (size_t i = 0; i < n; i++) s[i] = (uint16_t)study_##name(&key, w + 2 * i, 2); \
    } \
    static __attribute__((noinline)) void one5_##name(const study_key *k, const uint64_t *w, uint16_t *s, size_t n) { \
        const study_key key = *k; \
        _Pragma("clang loop vectorize(disable) interleave(disable) unroll(disable)") \
        for (size_t i = 0; i < n; i++) s[i] = (uint16_t)study_##name(&key, w + 5 * i, 5); \
    }
STUDY_CANDIDATES(DEFINE_BATCHES)

typedef struct {
    const char *name;
    batch_function batch[2];  // [0] two words, [1] five words
    batch_function one[2];
} candidate;

#define LIST_CANDIDATE(shown, name) { shown, { batch2_##name, batch5_##name }, { one2_##name, one5_##name } },
static const candidate candidates[] = { STUDY_CANDIDATES(LIST_CANDIDATE) };
enum { candidate_count = sizeof candidates / sizeof candidates[0] };

// --- Randomness: a small counter-based generator, never the code under test ----------------------------------

static uint64_t random_state = 0x48617562;

static inline uint64_t next_random(void) {
    uint64_t x = random_state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

// The expansion is a PRF, so its outputs are drawn directly here: it would cost more than the tests.
static void draw_key(study_key *key) {
    for (unsigned i = 0; i < 2; i++) key->raw[i] = next_random();
    for (unsigned i = 0; i < 8; i++) key->keyed.k[i] = next_random();
    key->keyed.k[6] |= 1;
    key->keyed.k[7] |= 1;
    for (unsigned i = 0; i < 6; i++) key->add[i] = next_random();
    for (unsigned i = 0; i < 10; i++) key->multiply[i] = next_random() | 1;
}

static const unsigned arity_words[2] = { 2, 5 };
static const double p0 = 1.0 / 1024;

static double z_score(double hits, double trials) {
    return (hits - trials * p0) / sqrt(trials * p0 * (1 - p0));
}

// --- 1. Structured traffic: how even are the sets? -----------------------------------------------------------

static void put4(uint64_t *w, uint32_t a, uint16_t ap, uint32_t b, uint16_t bp, uint64_t protocol, uint64_t tag) {
    const uint64_t e1 = (uint64_t)a << 16 | ap, e2 = (uint64_t)b << 16 | bp;
    w[0] = (e1 < e2 ? e1 : e2) | protocol << 48 | tag << 56;
    w[1] = e1 < e2 ? e2 : e1;
}

// The callers below keep a < b, so nothing needs to be put in order.
static void put6(uint64_t *w, uint64_t ahi, uint64_t alo, uint64_t bhi, uint64_t blo, uint16_t ap, uint16_t bp) {
    w[0] = ahi; w[1] = alo; w[2] = bhi; w[3] = blo;
    w[4] = (uint64_t)ap << 16 | bp | 6ull << 48 | 4ull << 56;
}

typedef struct { const char *name; unsigned arity, count; } pattern;
static const pattern patterns[] = {
    { "v4 254 flows i-i", 0, 254 }, { "v4 254 pairs i-i", 0, 254 }, { "v4 ports +1", 0, 8192 },
    { "v4 addr +1", 0, 8192 }, { "v4 addr +2^8", 0, 8192 }, { "v4 addr +2^16", 0, 8192 },
    { "v4 1 client", 0, 8192 }, { "v4 addr&port", 0, 8192 }, { "random", 0, 8192 },
    { "v6 254 flows i-i", 1, 254 }, { "v6 lo +1", 1, 8192 }, { "v6 /64 +1", 1, 8192 }, { "v6 /48 +1", 1, 8192 },
    { "v6 ports +1", 1, 8192 }, { "v6 EUI-64", 1, 8192 }, { "random", 1, 8192 },
};
enum { pattern_count = sizeof patterns / sizeof patterns[0], most_flows = 8192 };

static void fill_pattern(unsigned which, uint64_t *words) {
    const pattern *p = &patterns[which];
    const uint64_t net = 0x20010db800000000;
    for (unsigned i = 0; i < p->count; i++) {
        uint64_t *w = words + (size_t)i * arity_words[p->arity];
        switch (which) {
        case 0: put4(w, 0x0a010001 + i, 5001, 0x0a020001 + i, 5001, 17, 1); break;
        case 1: put4(w, 0x0a010001 + i, 0, 0x0a020001 + i, 0, 0, 2); break;
        case 2: put4(w, 0x0a010001, (uint16_t)(1024 + i), 0xc0000201, 443, 6, 1); break;
        case 3: put4(w, 0x0a000000 + i, 4500, 0xc0000201, 4500, 17, 1); break;
        case 4: put4(w, 0x0a000001 + (i << 8), 443, 0xc0000201, 443, 6, 1); break;
        case 5: put4(w, 0x0a000001 + (i << 16), 443, 0xf0000201, 443, 6, 1); break;
        case 6: put4(w, 0x0a010001, (uint16_t)(1024 + i), 0xc0000201 + (i & 31), (uint16_t)(i & 1 ? 443 : 80), 6, 1); break;
        case 7: put4(w, 0x0a010000 + i, (uint16_t)(1024 + i), 0xc0000201, 443, 6, 1); break;
        case 8: w[0] = next_random() >> 8 | 1ull << 56; w[1] = next_random() >> 16; break;
        case 9: put6(w, net, 1 + i, net + 1, 1 + i, 5001, 5001); break;
        case 10: put6(w, net, 1 + i, net + 0x10000, 1, 443, 50000); break;
        case 11: put6(w, net + i, 1, net + 0x10000000, 1, 443, 50000); break;
        case 12: put6(w, net + ((uint64_t)i << 16), 1, 0x2a00000000000000, 1, 443, 50000); break;
        case 13: put6(w, net, 1, net + 1, 1, (uint16_t)(1024 + i), 443); break;
        case 14: put6(w, net, 0x021122fffe000000 + i, net + 1, 0x021122fffe334455, 443, 50000); break;
        default: for (unsigned j = 0; j < 5; j++) w[j] = next_random(); break;
        }
    }
}

// Chi-square over 1024 sets is a straight line in the number of pairs of flows that share a set; as z it also works
// for 254 flows, where the usual approximation by its distribution does not.
static double collision_z(const uint16_t *sets, unsigned count) {
    static unsigned load[1024];
    memset(load, 0, sizeof load);
    double pairs = 0;
    for (unsigned i = 0; i < count; i++) pairs += load[sets[i]]++;
    return z_score(pairs, 0.5 * count * (count - 1));
}

static void study_patterns(void) {
    enum { keys = 256 };
    static uint64_t words[most_flows * 5];
    static uint16_t sets[most_flows];
    puts("\n1. Structured traffic: excess of flows that share a set, z over 256 random keys: mean/sd/max; [zero key].");
    puts("   Ideal: mean 0 +- 0.06, sd 1 +- 0.1, max 3-4. Far below 0 is too regular.");
    static struct { double low_sd, high_sd, worst, zero; } summary[candidate_count];
    for (unsigned p = 0; p < pattern_count; p++) {
        printf("   %s, %u flows\n", patterns[p].name, patterns[p].count);
        fill_pattern(p, words);
        static study_key all[keys + 1];
        all[0] = study_expand(0, 0);
        for (unsigned k = 1; k <= keys; k++) {
            const uint64_t high = next_random(), low = next_random();
            all[k] = study_expand(high, low);
        }
        for (unsigned c = 0; c < candidate_count; c++) {
            double sum = 0, squares = 0, worst = -1e9, zero = 0;
            for (unsigned k = 0; k <= keys; k++) {
                candidates[c].batch[patterns[p].arity](&all[k], words, sets, patterns[p].count);
                const double z = collision_z(sets, patterns[p].count);
                if (k == 0) { zero = z; continue; }
                sum += z;
                squares += z * z;
                if (z > worst) worst = z;
            }
            const double mean = sum / keys, sd = sqrt(fmax(squares / keys - mean * mean, 0));
            printf("     %-15s %9.2f %8.2f %9.1f  [%7.1f]\n", candidates[c].name, mean, sd, worst, zero);
            if (p == 0 || sd < summary[c].low_sd) summary[c].low_sd = sd;
            summary[c].high_sd = fmax(summary[c].high_sd, sd);
            summary[c].worst = fmax(summary[c].worst, worst);
            summary[c].zero = fmax(summary[c].zero, fabs(zero));
        }
    }
    puts("   All patterns: least sd, greatest sd, greatest z, greatest |z| under the zero key");
    for (unsigned c = 0; c < candidate_count; c++) {
        printf("     %-15s %9.2f %8.2f %9.1f  [%7.1f]\n", candidates[c].name,
            summary[c].low_sd, summary[c].high_sd, summary[c].worst, summary[c].zero);
    }
}

// --- 2. Differences: does a fixed difference collide more often than chance, over keys and bases? ------------

typedef struct { uint64_t w[5]; bool additive; } difference;
enum { most_differences = 2400 };

static unsigned list_differences(unsigned arity, difference *list) {
    const unsigned n = arity_words[arity], bits = 64 * n;
    unsigned count = 0;
    memset(list, 0, most_differences * sizeof *list);
    for (unsigned b = 0; b < bits; b++) list[count++].w[b / 64] = 1ull << (b % 64);  // one bit
    for (unsigned i = 0; i < n; i++) {
        for (unsigned b = 0; b < 64; b++) {  // additive powers of two
            list[count].additive = true;
            list[count++].w[i] = 1ull << b;
        }
        for (unsigned s = 28; s <= 36; s++) {  // two bits that one shift could cancel, the top ones above all
            for (unsigned b = 63; b >= 56; b--) list[count++].w[i] = 1ull << b | 1ull << (b - s);
        }
    }
    for (unsigned b = 0; b < 64; b++) {  // the same change in both endpoints, by xor and by addition
        for (unsigned additive = 0; additive < 2; additive++) {
            list[count].additive = additive;
            list[count].w[0] = list[count].w[n == 2 ? 1 : 2] = 1ull << b;
            count++;
        }
    }
    for (unsigned b = 32; b < 64; b++) {  // one word's bit, the other's bit 32 lower
        list[count].w[0] = 1ull << b | 1ull << (b - 32); list[count].w[1] = 1ull << b; count++;
        list[count].w[0] = 1ull << b; list[count].w[1] = 1ull << b | 1ull << (b - 32); count++;
    }
    while (count < most_differences) {  // any two bits
        const unsigned a = next_random() % bits, b = next_random() % bits;
        if (a == b) continue;
        list[count].w[a / 64] |= 1ull << (a % 64);
        list[count++].w[b / 64] |= 1ull << (b % 64);
    }
    return count;
}

static void apply(const difference *d, const uint64_t *base, uint64_t *out, unsigned n) {
    for (unsigned j = 0; j < n; j++) out[j] = d->additive ? base[j] + d->w[j] : base[j] ^ d->w[j];
}

static void draw_base(uint64_t *w, unsigned arity) {
    for (unsigned j = 0; j < arity_words[arity]; j++) w[j] = next_random();
    if (arity == 0) { w[0] = w[0] >> 16 | 6ull << 48 | 1ull << 56; w[1] >>= 16; }
}

static void count_collisions(
    batch_function hash, unsigned arity, const difference *list, unsigned count, unsigned samples, uint32_t *hits
) {
    static uint64_t words[(most_differences + 1) * 5];
    static uint16_t sets[most_differences + 1];
    const unsigned n = arity_words[arity];
    memset(hits, 0, count * sizeof *hits);
    for (unsigned s = 0; s < samples; s++) {
        study_key key;
        draw_key(&key);
        draw_base(words, arity);
        for (unsigned d = 0; d < count; d++) apply(&list[d], words, words + (d + 1) * n, n);
        hash(&key, words, sets, count + 1);
        for (unsigned d = 0; d < count; d++) hits[d] += sets[d + 1] == sets[0];
    }
}

static void describe(const difference *d, unsigned n, char *text, size_t size) {
    size_t at = (size_t)snprintf(text, size, d->additive ? "add" : "xor");
    for (unsigned j = 0; j < n; j++) {
        for (unsigned b = 0; b < 64; b++) {
            if (d->w[j] >> b & 1 && at < size) at += (size_t)snprintf(text + at, size - at, " w%u.%u", j, b);
        }
    }
}

static void study_differences(void) {
    enum { screen = 1 << 16, suspects = 16, again = 1 << 21 };
    static difference list[most_differences];
    static uint32_t hits[most_differences];
    for (unsigned arity = 0; arity < 2; arity++) {
        const unsigned count = list_differences(arity, list), n = arity_words[arity];
        printf("\n2. Differences, %u words: %u differences x 2^16 (key, base); the worst 16 again x 2^21. Rates x 1024.\n"
               "   Ideal: 1.00; the largest of the 16 about 1 + 0.05.\n"
               "                   screen: max    over 1.5    again: max       z  difference\n", n, count);
        for (unsigned c = 0; c < candidate_count; c++) {
            count_collisions(candidates[c].batch[arity], arity, list, count, screen, hits);
            difference worst[suspects];
            unsigned above = 0;
            double first = 0;
            for (unsigned d = 0; d < count; d++) above += hits[d] > 1.5 * screen * p0;
            for (unsigned s = 0; s < suspects; s++) {
                unsigned best = 0;
                for (unsigned d = 1; d < count; d++) if (hits[d] > hits[best]) best = d;
                if (s == 0) first = hits[best] / (screen * p0);
                worst[s] = list[best];
                hits[best] = 0;
            }
            uint32_t more[suspects];
            count_collisions(candidates[c].batch[arity], arity, worst, suspects, again, more);
            unsigned best = 0;
            for (unsigned s = 1; s < suspects; s++) if (more[s] > more[best]) best = s;
            char text[80];
            describe(&worst[best], n, text, sizeof text);
            printf("   %-15s %13.2f %11u %13.2f %9.1f  %s\n", candidates[c].name, first, above,
                more[best] / (again * p0), z_score(more[best], again), text);
        }
    }
}

// --- 3. Linearity: do four related inputs tell one another's sets? -------------------------------------------

static void study_linearity(void) {
    enum { samples = 1 << 21 };
    for (unsigned arity = 0; arity < 2; arity++) {
        const unsigned n = arity_words[arity];
        printf("\n3. Linearity, %u words: fourth set told by three, rate x 1024, 2^21 random keys. Ideal: 1.00 +- 0.07.\n"
               "                    a^b^c: xor     a+b-c: add  near,xor  near,add  rectangle,xor  rectangle,add\n", n);
        for (unsigned c = 0; c < candidate_count; c++) {
            uint32_t hits[6] = { 0 };
            for (unsigned s = 0; s < samples; s++) {
                study_key key;
                uint64_t w[7 * 5], d1[5] = { 0 }, d2[5] = { 0 };
                uint16_t h[7];
                draw_key(&key);
                // Quadruples that share a base: 0 base, 1 base^d1, 2 base^d2, 3 both; and, added instead, 4, 5, 6.
                // s % 3: any differences; one bit each; one bit in the first word, one in another.
                for (unsigned j = 0; j < n; j++) w[j] = next_random();
                if (s % 3 == 0) {
                    for (unsigned j = 0; j < n; j++) { d1[j] = next_random(); d2[j] = next_random(); }
                } else if (s % 3 == 1) {
                    const unsigned a = next_random() % (64 * n);
                    const unsigned b = (a + 1 + next_random() % (64 * n - 1)) % (64 * n);  // never a
                    d1[a / 64] = 1ull << (a % 64);
                    d2[b / 64] = 1ull << (b % 64);
                } else {
                    d1[0] = 1ull << (next_random() % 64);
                    d2[n - 1] = 1ull << (next_random() % 64);
                }
                for (unsigned j = 0; j < n; j++) {
                    w[n + j] = w[j] ^ d1[j]; w[2 * n + j] = w[j] ^ d2[j]; w[3 * n + j] = w[j] ^ d1[j] ^ d2[j];
                    w[4 * n + j] = w[j] + d1[j]; w[5 * n + j] = w[j] + d2[j]; w[6 * n + j] = w[j] + d1[j] + d2[j];
                }
                candidates[c].batch[arity](&key, w, h, 7);
                hits[s % 3 * 2] += (h[0] ^ h[1] ^ h[2] ^ h[3]) == 0;
                hits[s % 3 * 2 + 1] += ((h[0] - h[4] - h[5] + h[6]) & 1023) == 0;
            }
            printf("   %-15s", candidates[c].name);
            for (unsigned i = 0; i < 6; i++) printf("%12.2f", hits[i] / (samples / 3 * p0));
            putchar('\n');
        }
    }
}

// --- 4. Learnt collisions: does what was learnt at one base hold at another? ---------------------------------

static void study_transfer(void) {
    enum { keys = 512, learnt = 4, bases = 512 };
    static const char *const kinds[] = { "any base", "other word", "near base", "other key" };
    puts("\n4. Learnt collisions: differences that collide at one base under a key, tried elsewhere. Rate x 1024; in\n"
         "   brackets how many of 2048 hold at 8 or more of 512 bases (chance: none). Ideal: 1.00 +- 0.06.\n"
         "   any base: all words drawn again; other word: only words the difference leaves alone; near base: only the\n"
         "   low 16 bits of one changed word; other key: the same base under 512 other keys.");
    for (unsigned arity = 0; arity < 2; arity++) {
        const unsigned n = arity_words[arity];
        printf("   %u words%22s%20s%20s%20s\n", n, kinds[0], kinds[1], kinds[2], kinds[3]);
        for (unsigned c = 0; c < candidate_count; c++) {
            const batch_function hash = candidates[c].batch[arity];
            double hits[4] = { 0 };
            unsigned sticky[4] = { 0 };
            for (unsigned k = 0; k < keys; k++) {
                study_key key;
                uint64_t base[5];
                draw_key(&key);
                draw_base(base, arity);
                for (unsigned found = 0, tries = 0; found < learnt && tries < 1 << 16; tries++) {
                    // Differences an attacker has at hand, all in one word: a port, an address, the high bits, one bit.
                    difference d = { .additive = next_random() & 1 };
                    const unsigned j = next_random() % n;
                    uint64_t pair[10];
                    uint16_t h[2];
                    switch (next_random() & 3) {
                    case 0: d.w[j] = next_random() & 0xffff; break;
                    case 1: d.w[j] = next_random() >> 40 << 16; break;
                    case 2: d.w[j] = next_random() >> 48 << 48; break;
                    default: d.w[j] = next_random(); break;
                    }
                    if (d.w[j] == 0) continue;
                    memcpy(pair, base, n * sizeof *base);
                    apply(&d, base, pair + n, n);
                    hash(&key, pair, h, 2);
                    if (h[0] != h[1]) continue;
                    found++;
                    for (unsigned kind = 0; kind < 4; kind++) {
                        uint64_t words[2 * 5 * bases];
                        uint16_t sets[2 * bases];
                        unsigned held = 0;
                        for (unsigned b = 0; b < bases; b++) {
                            uint64_t *w = words + 2 * n * b, fresh[5];
                            draw_base(fresh, arity);
                            memcpy(w, base, n * sizeof *w);
                            if (kind == 0) memcpy(w, fresh, n * sizeof *w);
                            if (kind == 1) for (unsigned i = 0; i < n; i++) if (i != j) w[i] = fresh[i];
                            if (kind == 2) w[j] ^= 1 + fresh[j] % 0xffff;  // another base, never the same
                            apply(&d, w, w + n, n);
                            if (kind == 3) {
                                study_key other;
                                draw_key(&other);
                                hash(&other, w, sets + 2 * b, 2);
                            }
                        }
                        if (kind != 3) hash(&key, words, sets, 2 * bases);
                        for (unsigned b = 0; b < bases; b++) held += sets[2 * b] == sets[2 * b + 1];
                        hits[kind] += held;
                        sticky[kind] += held >= 8;
                    }
                }
            }
            printf("   %-15s", candidates[c].name);
            for (unsigned kind = 0; kind < 4; kind++) {
                printf("   %8.2f [%4u]  ", hits[kind] / ((double)keys * learnt * bases * p0), sticky[kind]);
            }
            putchar('\n');
        }
    }
}

// --- 5. Cost -------------------------------------------------------------------------------------------------

static double wall(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t ticks(void) {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return (uint64_t)wall();
#endif
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void study_cost(void) {
    enum { burst = 64, bursts = 4000, rounds = 11 };
    static double ns[candidate_count][4][rounds], clocks[candidate_count][4][rounds];
    static uint64_t words[burst * 5];
    static uint16_t sets[burst];
    const study_key key = study_expand(1, 2);
    unsigned sink = 0;
    for (unsigned i = 0; i < burst * 5; i++) words[i] = next_random();
    for (unsigned r = 0; r < rounds; r++) {
        for (unsigned c = 0; c < candidate_count; c++) {
            for (unsigned f = 0; f < 4; f++) {
                const batch_function hash = f < 2 ? candidates[c].one[f] : candidates[c].batch[f - 2];
                const double start = wall();
                const uint64_t first = ticks();
                for (unsigned b = 0; b < bursts; b++) {
                    words[b % (burst * 2)] += b;
                    hash(&key, words, sets, burst);
                    sink += sets[b % burst];
                }
                clocks[c][f][r] = (double)(ticks() - first) / ((double)bursts * burst);
                ns[c][f][r] = (wall() - start) / ((double)bursts * burst);
            }
        }
    }
    printf("\n5. Cost of a hash in bursts of %u from the first-level cache, median of %u interleaved rounds (check %x).\n"
           "   scalar: one hash after the other; vector: the compiler may vectorise. TSC: ticks of the time stamp counter.\n"
           "                  2 words: scalar     TSC   vector    5 words: scalar     TSC   vector   (ns)\n",
        burst, rounds, sink & 15);
    for (unsigned c = 0; c < candidate_count; c++) {
        for (unsigned f = 0; f < 4; f++) {
            qsort(ns[c][f], rounds, sizeof(double), compare_doubles);
            qsort(clocks[c][f], rounds, sizeof(double), compare_doubles);
        }
        const unsigned m = rounds / 2;
        printf("   %-15s", candidates[c].name);
        for (unsigned f = 0; f < 2; f++) {
            printf("%15.2f %7.1f %8.2f   ", ns[c][f][m], clocks[c][f][m], ns[c][f + 2][m]);
        }
        putchar('\n');
    }
}

int main(int argc, char **argv) {
    // SipHash's published example: key bytes 00...0f, message bytes 00...07.
    if (hauberk_work_set_prf(0x0706050403020100, 0x0f0e0d0c0b0a0908, 0x0706050403020100) != 0x93f5f5799a932462) {
        puts("the key expansion's SipHash-2-4 is wrong");
        return 1;
    }
    const char *const which = argc > 1 ? argv[1] : "12345";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strchr(which, '5')) study_cost();
    if (strchr(which, '1')) study_patterns();
    if (strchr(which, '2')) study_differences();
    if (strchr(which, '3')) study_linearity();
    if (strchr(which, '4')) study_transfer();
    return 0;
}
