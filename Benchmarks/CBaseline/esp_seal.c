// Seal: loops over a burst. What one finds out is prefetched for the next.
//
//   accept, parse, prefixes  >  SA  >  owner, headers, trailer, nonce  >  cipher

#if defined(HAUBERK_IPSEC_MB) && defined(__x86_64__)
#include "esp.h"

// The lines that are going to be written: what is stored into lines of the second-level cache queues up.
static inline void prefetch_frame(const baseline_frame *frame) {
    prefetch_to_write(frame->data - BASELINE_ESP_GROWTH);
    prefetch_to_write(frame->data + ETHERNET_HEADER);
    prefetch_to_write(frame->data + frame->length);
}

// What the short path does not take, but a tunnel does: options, fragments, other protocols. Minus the verdict of
// what is dropped. All rare things in one call, so that the loop keeps its registers.
static __attribute__((noinline)) int32_t parse_rarely(const baseline_esp *esp, const uint8_t *data, uint32_t length) {
    if (length < ETHERNET_HEADER) { return -BASELINE_RUNT; }
    if (!is_accepted(&esp->path, data)) { return -BASELINE_NOT_FOR_US; }
    const int32_t set = baseline_foreign_classify(&esp->path.key, data, length);
    return set >= 0 && be16(data + 12) != ETHERTYPE_IPV4 ? -BASELINE_ESP_NOT_PLAIN : set;
}

BASELINE_INLINE uint32_t parse_plain(
    baseline_esp *esp, const baseline_frame *frames, uint32_t count, work *w, uint8_t *verdicts
) {
    uint32_t live = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + FRAMES_AHEAD < count) { prefetch_frame(&frames[i + FRAMES_AHEAD]); }
        const uint8_t *data = frames[i].data;
        const uint32_t length = frames[i].length;
        bytes += length;
        if (UNLIKELY(!is_short(data, length) || !is_for_cluster(&esp->path, data))) {
            const int32_t set = parse_rarely(esp, data, length);
            if (set < 0) {
                verdicts[i] = (uint8_t)-set;
                continue;
            }
        }
        const uint64_t key = prefixes_key(be64(data + 26));
        prefetch(esp->prefixes.slots + slot_of(&esp->prefixes, key));
        w->keys[live] = key;
        w->places[live++] = (uint8_t)i;
    }
    esp->path.received_packets += count;
    esp->path.received_bytes += bytes;
    return live;
}

BASELINE_INLINE uint32_t look_up_outbound(const baseline_esp *esp, work *w, uint32_t live, uint8_t *verdicts) {
    uint32_t found = 0, previous = NO_SA;
    for (uint32_t n = 0; n < live; n++) {
        const uint32_t sa = find(&esp->prefixes, w->keys[n]);
        const uint32_t place = w->places[n];
        if (UNLIKELY(sa == NO_SA)) {
            verdicts[place] = BASELINE_ESP_NO_SA;
            continue;
        }
        if (sa != previous) {
            prefetch(&esp->out[sa].salt);
            prefetch_to_write(&esp->out[sa].sequence);
            previous = sa;
        }
        w->sas[found] = (uint16_t)sa;
        w->places[found++] = (uint8_t)place;
    }
    return found;
}

// Only a group's packets go by flow: the hash is worth its time only there.
static __attribute__((noinline)) uint32_t set_of_flow(
    const baseline_esp *esp, const uint8_t *data, uint32_t length
) {
    if (!is_short(data, length)) { return (uint32_t)baseline_foreign_classify(&esp->path.key, data, length); }
    return hauberk_flow4(&esp->path.key, be32(data + 26), be32(data + 30), be16(data + 34), be16(data + 36), data[23]);
}

static __attribute__((noinline)) void next_block_of_ivs(outbound *sa) {
    // One worker: the blocks of an SA follow each other.
    sa->iv = sa->iv_end;
    sa->iv_end += (uint64_t)1 << 20;
}

// In place of the Ethernet header and in front of it: Ethernet, outer IPv4, SPI, sequence number, IV. Behind the packet:
// padding up to a multiple of four, its length, next header. All but the tag.
BASELINE_INLINE uint32_t build(outbound *sa, baseline_frame *frame, work *w, uint32_t n) {
    static const uint64_t trailers[4] = { 0x0400, 0x040101, 0x04020201, 0x0403030201 };
    uint8_t *data = frame->data;
    const uint64_t head = raw64(data + ETHERNET_HEADER);  // version, TOS, length, identification, flags
    const uint32_t inner = (uint32_t)__builtin_bswap16((uint16_t)(head >> 16));
    const uint32_t padding = -(inner + 2) & 3;
    const uint32_t text = inner + padding + 2;
    const uint32_t total = IPV4_HEADER + ESP_HEADER + text + TAG;
    if (UNLIKELY(sa->sequence == UINT32_MAX)) { return BASELINE_ESP_EXHAUSTED; }
    if (UNLIKELY(total > UINT16_MAX)) { return BASELINE_ESP_TOO_LONG; }
    if (UNLIKELY(sa->iv == sa->iv_end)) { next_block_of_ivs(sa); }
    const uint32_t sequence = (uint32_t)sa->sequence + 1;
    const uint64_t iv = __builtin_bswap64(sa->iv);
    __m256i *state = (__m256i *)&sa->sequence;
    _mm256_store_si256(state, _mm256_add_epi64(_mm256_load_si256(state), _mm256_set_epi64x(inner, 1, 1, 1)));

    // RFC 6040, normal mode: the whole TOS. RFC 4301: DF as inside.
    const uint64_t tos = head & 0xff00, flags = head & (uint64_t)0x40 << 48;
    const uint64_t long_total = __builtin_bswap16((uint16_t)total);
    uint32_t sum = sa->sum + (uint32_t)tos + (uint32_t)long_total + (uint32_t)(flags >> 48);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    // Two bytes more than there are: the outer header's come over them.
    memcpy(data - BASELINE_ESP_GROWTH, data, 16);
    store16(data + ETHERNET_HEADER - BASELINE_ESP_GROWTH,
        0x45 | tos | long_total << 16 | flags,
        OUTER_TTL | PROTOCOL_ESP << 8 | (uint64_t)(uint16_t)~sum << 16 | (uint64_t)sa->source << 32);
    store32(data - 6, sa->destination);
    // One store: the cipher loads the first eight bytes of it as AAD.
    store16(data - 2, sa->spi | (uint64_t)__builtin_bswap32(sequence) << 32, iv);
    store_nonce(w->nonces[n], sa->salt, iv);
    store64(data + ETHERNET_HEADER + inner, trailers[padding]);  // the tag overwrites the rest

    w->texts[n] = data + ETHERNET_HEADER;
    w->lengths[n] = text;
    frame->data = data - BASELINE_ESP_GROWTH;
    frame->length = ETHERNET_HEADER + total;
    return BASELINE_ESP_DONE;
}

BASELINE_INLINE uint32_t own_and_build(
    baseline_esp *esp, baseline_frame *frames, work *w, uint32_t live, uint8_t *verdicts
) {
    uint32_t done = 0;
    for (uint32_t n = 0; n < live; n++) {
        const uint32_t place = w->places[n];
        outbound *sa = &esp->out[w->sas[n]];
        uint32_t set = sa->set;
        if (UNLIKELY(sa->flags & FLAG_GROUP)) { set = set_of_flow(esp, frames[place].data, frames[place].length); }
        esp->path.set_packets[set]++;
        uint32_t verdict = verdict_of(esp->path.owners[set]);
        if (LIKELY(verdict == BASELINE_MINE)) { verdict = build(sa, &frames[place], w, done); }
        verdicts[place] = (uint8_t)verdict;
        w->sas[done] = w->sas[n];
        done += verdict == BASELINE_ESP_DONE;
    }
    return done;
}

uint32_t baseline_esp_seal(
    baseline_esp *esp, baseline_frame *restrict frames, uint32_t count, uint8_t *restrict verdicts
) {
    if (count > BASELINE_BURST) { count = BASELINE_BURST; }
    work w;
    uint32_t live = parse_plain(esp, frames, count, &w, verdicts);
    live = look_up_outbound(esp, &w, live, verdicts);
    live = own_and_build(esp, frames, &w, live, verdicts);
    cipher(esp, &w, live, 1);
    return live;
}

uint32_t baseline_esp_seal_alone(
    baseline_esp *esp, uint32_t sa, baseline_frame *restrict frames, uint32_t count, uint8_t *restrict verdicts
) {
    if (count > BASELINE_BURST) { count = BASELINE_BURST; }
    work w;
    uint32_t done = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + FRAMES_AHEAD < count) { prefetch_frame(&frames[i + FRAMES_AHEAD]); }
        w.sas[done] = (uint16_t)sa;
        const uint32_t verdict = build(&esp->out[sa], &frames[i], &w, done);
        verdicts[i] = (uint8_t)verdict;
        done += verdict == BASELINE_ESP_DONE;
    }
    cipher(esp, &w, done, 1);
    return done;
}

#endif
