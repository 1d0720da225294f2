// Open: loops over a burst. What one finds out is prefetched for the next.
//
//   accept, parse, SPI  >  SA  >  window, nonce  >  cipher  >  tag, window, trailer, inner header

#if defined(HAUBERK_IPSEC_MB) && defined(__x86_64__)
#include "esp.h"

static const uint64_t prefix_mask = 0x00ffffff00ffffff;  // /24 and /24, on the wire

// Ethernet, a plain IPv4 header, SPI, sequence number, IV, the least of a trailer, a tag.
enum { LEAST_TEXT = 4, LEAST_ESP = IPV4_HEADER + ESP_HEADER + LEAST_TEXT + TAG };

static inline int is_esp_for(const baseline_esp *esp, const uint8_t *data, uint32_t length) {
    if (length < ETHERNET_HEADER + LEAST_ESP) { return 0; }
    const uint32_t type = raw32(data + 12), middle = raw32(data + 20), total = be16(data + 16);
    const int plain = (((type & 0xffffff) ^ 0x450008) | (middle & 0xff3f)) == 0;
    const int fits = total - LEAST_ESP <= length - ETHERNET_HEADER - LEAST_ESP;
    return plain & fits & (middle >> 24 == PROTOCOL_ESP) & (raw32(data + 30) == esp->cluster) & ((total & 3) == 0);
}

// All rare things in one call, so that the loop keeps its registers.
static __attribute__((noinline)) uint8_t judge_rarely(const baseline_esp *esp, const uint8_t *data, uint32_t length) {
    if (length < ETHERNET_HEADER) { return BASELINE_RUNT; }
    if (!is_accepted(&esp->path, data)) { return BASELINE_NOT_FOR_US; }
    return is_esp_for(esp, data, length) ? BASELINE_ESP_DONE : BASELINE_ESP_NOT_PLAIN;
}

BASELINE_INLINE uint32_t parse_esp(
    baseline_esp *esp, const baseline_frame *frames, uint32_t count, work *w, uint8_t *verdicts
) {
    uint32_t live = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + FRAMES_AHEAD < count) { prefetch_to_write(frames[i + FRAMES_AHEAD].data + ETHERNET_HEADER); }
        const uint8_t *data = frames[i].data;
        const uint32_t length = frames[i].length;
        bytes += length;
        if (UNLIKELY(!is_esp_for(esp, data, length) || !is_for_cluster(&esp->path, data))) {
            const uint8_t verdict = judge_rarely(esp, data, length);
            verdicts[i] = verdict;
            if (verdict != BASELINE_ESP_DONE) { continue; }
        }
        const uint64_t key = be32(data + 34);
        prefetch(esp->spis.slots + slot_of(&esp->spis, key));
        w->keys[live] = key;
        w->places[live++] = (uint8_t)i;
    }
    esp->path.received_packets += count;
    esp->path.received_bytes += bytes;
    return live;
}

// Owner first: it needs nothing but the SPI, and the packets of other members are the most.
BASELINE_INLINE uint32_t look_up_inbound(
    baseline_esp *esp, const baseline_frame *frames, work *w, uint32_t live, uint8_t *verdicts
) {
    uint32_t found = 0, previous = NO_SA;
    for (uint32_t n = 0; n < live; n++) {
        const uint32_t place = w->places[n];
        const uint32_t set = w->keys[n] & (BASELINE_SETS - 1);
        esp->path.set_packets[set]++;
        uint32_t verdict = verdict_of(esp->path.owners[set]);
        const uint32_t sa = find(&esp->spis, w->keys[n]);
        if (UNLIKELY(verdict == BASELINE_MINE && sa == NO_SA)) { verdict = BASELINE_ESP_NO_SA; }
        verdicts[place] = (uint8_t)verdict;
        if (UNLIKELY(verdict != BASELINE_MINE)) { continue; }
        if (sa != previous) {
            const inbound *record = &esp->in[sa];
            prefetch(record);
            prefetch_to_write(&record->highest);
            prefetch_to_write(&record->window[be32(frames[place].data + 38) % WINDOW / 64]);
            previous = sa;
        }
        w->sas[found] = (uint16_t)sa;
        w->places[found++] = (uint8_t)place;
    }
    return found;
}

static inline int is_fresh(const inbound *sa, uint32_t sequence) {
    const uint32_t highest = sa->highest;
    if (LIKELY(sequence > highest)) { return 1; }
    return highest - sequence < WINDOW && !(sa->window[sequence % WINDOW / 64] >> (sequence & 63) & 1);
}

// The numbers between come in unseen, at the bits of those that leave.
static __attribute__((noinline)) void clear_between(inbound *sa, uint32_t first, uint32_t last) {
    if (last - first >= WINDOW - 1) {
        memset(sa->window, 0, sizeof sa->window);
        return;
    }
    for (uint32_t s = first; s != last; s++) { sa->window[s % WINDOW / 64] &= ~((uint64_t)1 << (s & 63)); }
}

static inline void commit(inbound *sa, uint32_t sequence) {
    if (LIKELY(sequence > sa->highest)) {
        if (UNLIKELY(sequence - sa->highest > 1)) { clear_between(sa, sa->highest + 1, sequence); }
        sa->highest = sequence;
    }
    sa->window[sequence % WINDOW / 64] |= (uint64_t)1 << (sequence & 63);
}

// Window and nonce of packet `n`, whose place among those that are left is `to`. `to` ≤ `n`.
BASELINE_INLINE uint32_t prepare(const inbound *sa, const baseline_frame *frame, work *w, uint32_t to) {
    uint8_t *data = frame->data;
    if (UNLIKELY(!is_fresh(sa, be32(data + 38)))) { return BASELINE_ESP_REPLAYED; }
    store_nonce(w->nonces[to], sa->salt, raw64(data + 42));
    w->texts[to] = data + ETHERNET_HEADER + IPV4_HEADER + ESP_HEADER;
    w->lengths[to] = be16(data + 16) - (IPV4_HEADER + ESP_HEADER + TAG);
    return BASELINE_ESP_DONE;
}

static inline int is_same_tag(const uint8_t *a, const uint8_t *b) {
    const uint64_t difference = (raw64(a) ^ raw64(b)) | (raw64(a + 8) ^ raw64(b + 8));
    return difference == 0;
}

// Padding of more than three bytes, or of a packet too short for a load of eight.
static __attribute__((noinline)) uint32_t padding_of(const uint8_t *text, uint32_t length) {
    const uint32_t padding = text[length - 2];
    if (text[length - 1] != PROTOCOL_IPV4 || padding + 2 > length) { return UINT32_MAX; }
    for (uint32_t i = 1; i <= padding; i++) {
        if (text[length - 2 - padding + i - 1] != i) { return UINT32_MAX; }
    }
    return padding;
}

// RFC 6040, figure 4: what becomes of the inner ECN (row), given the outer one (column). 4: to be dropped.
static const uint8_t ecn_after[4][4] = { { 0, 0, 0, 4 }, { 1, 1, 1, 3 }, { 2, 1, 2, 3 }, { 3, 3, 3, 3 } };

static __attribute__((noinline)) int change_ecn(uint8_t *inner, uint32_t outer_ecn) {
    const uint8_t ecn = ecn_after[inner[1] & 3][outer_ecn];
    if (ecn == 4) { return 0; }
    // RFC 1624, equation 3; the words as they are loaded, in which TOS is the upper half.
    const uint8_t before = inner[1];
    inner[1] = (uint8_t)((before & 0xfc) | ecn);
    uint16_t sum;
    memcpy(&sum, inner + 10, sizeof sum);
    uint32_t next = (uint16_t)~sum + (uint16_t)~(uint32_t)(before << 8) + ((uint32_t)inner[1] << 8);
    next = (next & 0xffff) + (next >> 16);
    next = (next & 0xffff) + (next >> 16);
    store16bit(inner + 10, (uint16_t)~next);
    return 1;
}

BASELINE_INLINE uint32_t unwrap(inbound *sa, baseline_frame *frame, const uint8_t *tag, uint8_t *text, uint32_t length) {
    uint8_t *data = frame->data;
    if (UNLIKELY(!is_same_tag(tag, text + length))) { return BASELINE_ESP_BAD_TAG; }
    // Again: an earlier packet of this burst may have been the same one.
    const uint32_t sequence = be32(data + 38);
    if (UNLIKELY(!is_fresh(sa, sequence))) { return BASELINE_ESP_REPLAYED; }
    commit(sa, sequence);

    // The last eight bytes: next header, pad length and up to three bytes of padding in one comparison.
    static const uint64_t masks[4] = { 0xffffull << 48, 0xffffffull << 40, 0xffffffffull << 32, 0xffffffffffull << 24 };
    static const uint64_t ends[4] = { 0x0400ull << 48, 0x040101ull << 40, 0x04020201ull << 32, 0x0403030201ull << 24 };
    if (UNLIKELY(length < IPV4_HEADER + LEAST_TEXT)) { return BASELINE_ESP_BAD_TRAILER; }
    const uint64_t last = raw64(text + length - 8);
    uint32_t padding = last >> 48 & 0xff;
    if (UNLIKELY(padding > 3)) {
        padding = padding_of(text, length);
        if (padding == UINT32_MAX) { return BASELINE_ESP_BAD_TRAILER; }
    } else if (UNLIKELY((last & masks[padding]) != ends[padding])) {
        return BASELINE_ESP_BAD_TRAILER;
    }
    const uint32_t left = length - padding - 2;
    const uint32_t total = be16(text + 2), header = (uint32_t)(text[0] & 15) * 4;
    const int is_sound = (text[0] >> 4 == 4) & (header >= IPV4_HEADER) & (total >= header) & (total <= left);
    const int is_selected = ((raw64(text + 12) ^ sa->prefixes) & prefix_mask) == 0;
    if (UNLIKELY(!(is_sound & is_selected))) { return BASELINE_ESP_BAD_INNER; }

    const uint32_t outer_ecn = data[15] & 3, inner_ecn = text[1] & 3;
    if (UNLIKELY(outer_ecn != inner_ecn && ecn_after[inner_ecn][outer_ecn] != inner_ecn)) {
        if (!change_ecn(text, outer_ecn)) { return BASELINE_ESP_BAD_ECN; }
    }
    sa->packets++;
    sa->bytes += total;
    move_ethernet(data, data + BASELINE_ESP_GROWTH);
    frame->data = data + BASELINE_ESP_GROWTH;
    frame->length = ETHERNET_HEADER + total;
    return BASELINE_ESP_DONE;
}

// From the SA on: the second half of both ways to open.
BASELINE_INLINE uint32_t decrypt(
    baseline_esp *esp, baseline_frame *frames, work *w, uint32_t live, uint8_t *verdicts
) {
    uint32_t ready = 0;
    for (uint32_t n = 0; n < live; n++) {
        const uint32_t place = w->places[n], sa = w->sas[n];
        const uint32_t verdict = prepare(&esp->in[sa], &frames[place], w, ready);
        verdicts[place] = (uint8_t)verdict;
        w->sas[ready] = (uint16_t)sa;
        w->places[ready] = (uint8_t)place;
        ready += verdict == BASELINE_ESP_DONE;
    }
    cipher(esp, w, ready, 0);
    uint32_t done = 0;
    for (uint32_t n = 0; n < ready; n++) {
        const uint32_t place = w->places[n];
        const uint32_t verdict = unwrap(
            &esp->in[w->sas[n]], &frames[place], w->tags[n], w->texts[n], w->lengths[n]);
        verdicts[place] = (uint8_t)verdict;
        done += verdict == BASELINE_ESP_DONE;
    }
    return done;
}

uint32_t baseline_esp_open(
    baseline_esp *esp, baseline_frame *restrict frames, uint32_t count, uint8_t *restrict verdicts
) {
    if (count > BASELINE_BURST) { count = BASELINE_BURST; }
    work w;
    const uint32_t live = parse_esp(esp, frames, count, &w, verdicts);
    return decrypt(esp, frames, &w, look_up_inbound(esp, frames, &w, live, verdicts), verdicts);
}

uint32_t baseline_esp_open_alone(
    baseline_esp *esp, uint32_t sa, baseline_frame *restrict frames, uint32_t count, uint8_t *restrict verdicts
) {
    if (count > BASELINE_BURST) { count = BASELINE_BURST; }
    work w;
    for (uint32_t i = 0; i < count; i++) {
        w.sas[i] = (uint16_t)sa;
        w.places[i] = (uint8_t)i;
    }
    return decrypt(esp, frames, &w, count, verdicts);
}

#endif
