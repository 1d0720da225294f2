// What an SA is made of here, and what goes from loop to loop. Private to esp_*.c.

#ifndef HAUBERK_CBASELINE_ESP_PRIVATE_H
#define HAUBERK_CBASELINE_ESP_PRIVATE_H

#include <immintrin.h>
#include <intel-ipsec-mb.h>

#include "CBaselineESP.h"
#include "accept.h"

enum {
    LINE = 64, TAG = 16, IPV4_HEADER = 20, ESP_HEADER = 16,
    PROTOCOL_IPV4 = 4, PROTOCOL_ESP = 50,
    WINDOW = 1024,
    NO_SA = 0xffff,
    FLAG_GROUP = 1,
    OUTER_TTL = 64,
    // Payloads of as many blocks have a plan of their own; longer ones share the last.
    PLANS = 100
};

// Two lines, a pair for the prefetcher: what is read, and what is written.
typedef struct {
    uint32_t salt;         // as it lies in the nonce
    uint32_t spi;          // on the wire
    uint32_t source;       // the outer header's, on the wire
    uint32_t destination;
    uint32_t sum;          // of the outer header without TOS, length and DF: 16-bit words as they are loaded, folded
    uint16_t set;
    uint16_t flags;
    // The first four are one vector, and move on together.
    _Alignas(LINE) uint64_t sequence;  // the last one used
    uint64_t iv;                       // the next one
    uint64_t packets, bytes;
    uint64_t iv_end;                   // of the block of IVs
} outbound;

typedef struct {
    uint32_t salt;
    uint32_t spi;
    uint64_t prefixes;     // remote and local as source and destination of the inner header, on the wire
    uint16_t set;
    uint16_t flags;
    _Alignas(LINE) uint32_t highest;
    uint64_t packets, bytes;
    // The bit of a number is its remainder. A number one above the highest comes to the bit of the one that leaves:
    // in the usual case the window moves without a bit being cleared.
    _Alignas(LINE) uint64_t window[WINDOW / 64];
} inbound;

_Static_assert(sizeof(outbound) == 2 * LINE, "a record is a pair of lines");
_Static_assert(sizeof(inbound) == 4 * LINE, "a record is a pair of lines, and its window another");

// Open addressing, at most half full: 48 bits of key, 16 of index. Both fit into one word, so that a look-up
// is one line.
typedef struct {
    uint64_t *slots;
    uint32_t mask;
    uint32_t shift;
} table;

static const uint64_t empty_slot = UINT64_MAX;

static inline uint32_t slot_of(const table *t, uint64_t key) {
    return (uint32_t)(key * 0x9e3779b97f4a7c15 >> t->shift);
}

static inline uint32_t find(const table *t, uint64_t key) {
    for (uint32_t at = slot_of(t, key);; at = (at + 1) & t->mask) {
        const uint64_t slot = t->slots[at];
        if (LIKELY(slot >> 16 == key)) { return (uint32_t)(slot & 0xffff); }
        if (slot == empty_slot) { return NO_SA; }
    }
}

// The upper 24 bits of both addresses, which lie one after the other on the wire.
static inline uint64_t prefixes_key(uint64_t addresses) { return (addresses >> 40) << 24 | (addresses >> 8 & 0xffffff); }

struct baseline_esp {
    // Read for every packet.
    IMB_MGR *manager;
    outbound *out;
    inbound *in;
    uint8_t *seal_keys, *open_keys;  // key_stride apart
    size_t key_stride;
    uint32_t cluster;                // our address, on the wire
    uint32_t count;
    table prefixes, spis;
    // Which lines of a key are read for a payload of so many blocks.
    uint64_t plans[PLANS];
    struct gcm_context_data context;
    _Alignas(LINE) baseline_foreign path;  // accept, key of the flow hash, owners
    uint16_t owners[BASELINE_SETS];
    uint8_t (*secrets)[2][BASELINE_ESP_SECRET];  // of each SA: sealing, opening
    int side;
    void *memory;
};

// --- A burst -----------------------------------------------------------------------------------------------------

// How many packets ahead. A key is up to a kilobyte: all of a burst's would fall out of the cache again.
enum { FRAMES_AHEAD = 4, KEYS_AHEAD = 3 };

// What goes from loop to loop, for those that are still there: `live` of them, in the order of the burst.
typedef struct {
    uint64_t keys[BASELINE_BURST];     // of the look-up
    uint16_t sas[BASELINE_BURST];
    uint8_t places[BASELINE_BURST];    // in the burst
    // The cipher's.
    uint8_t *texts[BASELINE_BURST];
    uint32_t lengths[BASELINE_BURST];
    _Alignas(LINE) uint8_t nonces[BASELINE_BURST][16];
    _Alignas(LINE) uint8_t tags[BASELINE_BURST][TAG];
} work;

// Nearly every frame; the other MACs that are accepted are for the long way.
static inline int is_for_cluster(const baseline_foreign *f, const uint8_t *data) {
    const uint64_t mac = raw64(data) & mac_mask;
    return (mac == f->cluster_multicast) | (mac == f->cluster_unicast);
}

static inline void prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
static inline void prefetch_to_write(const void *address) { __builtin_prefetch(address, 1, 3); }

static inline void store16(uint8_t *to, uint64_t low, uint64_t high) {
    _mm_storeu_si128((__m128i *)to, _mm_set_epi64x((long long)high, (long long)low));
}
static inline void store64(uint8_t *to, uint64_t value) { memcpy(to, &value, sizeof value); }
static inline void store32(uint8_t *to, uint32_t value) { memcpy(to, &value, sizeof value); }
static inline void store16bit(uint8_t *to, uint16_t value) { memcpy(to, &value, sizeof value); }

// Salt, IV and four bytes that the cipher ignores in one store: it loads them as one, and two stores do not forward.
static inline void store_nonce(uint8_t *slot, uint32_t salt, uint64_t iv) {
    store16(slot, salt | iv << 32, iv >> 32);
}

static inline void move_ethernet(const uint8_t *from, uint8_t *to) {
    const uint64_t first = raw64(from), last = raw64(from + 6);
    store64(to, first);
    store64(to + 6, last);
}

// --- The cipher ---------------------------------------------------------------------------------------------------

static inline const struct gcm_key_data *key_at(const uint8_t *keys, size_t stride, uint32_t sa) {
    return (const struct gcm_key_data *)(keys + stride * sa);
}

static inline void prefetch_key(const baseline_esp *esp, const uint8_t *keys, uint32_t sa, uint32_t length) {
    const uint8_t *key = keys + esp->key_stride * sa;
    const uint32_t blocks = (length + 15) / 16;
    for (uint64_t plan = esp->plans[blocks < PLANS ? blocks : PLANS - 1]; plan; plan &= plan - 1) {
        prefetch(key + LINE * (uint32_t)__builtin_ctzll(plan));
    }
}

// `seals`, a constant where this is inlined: which of the two.
BASELINE_INLINE void cipher(baseline_esp *esp, work *w, uint32_t live, int seals) {
    const aes_gcm_enc_dec_t crypt = seals ? esp->manager->gcm128_enc : esp->manager->gcm128_dec;
    const uint8_t *keys = seals ? esp->seal_keys : esp->open_keys;
    const size_t stride = esp->key_stride;
    for (uint32_t n = 0; n < live && n < KEYS_AHEAD; n++) { prefetch_key(esp, keys, w->sas[n], w->lengths[n]); }
    for (uint32_t n = 0; n < live; n++) {
        const uint32_t ahead = n + KEYS_AHEAD;
        // A run of one SA has its key in the cache already.
        if (ahead < live && w->sas[ahead] != w->sas[ahead - 1]) {
            prefetch_key(esp, keys, w->sas[ahead], w->lengths[ahead]);
        }
        uint8_t *text = w->texts[n];
        const uint32_t length = w->lengths[n];
        crypt(key_at(keys, stride, w->sas[n]), &esp->context, text, text, length,
            w->nonces[n], text - ESP_HEADER, 8, seals ? text + length : w->tags[n], TAG);
    }
}

#endif
