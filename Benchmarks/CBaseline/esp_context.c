// A gateway made: SAs, keys, tables; and the frames that belong to it. None of it is measured.

#if defined(HAUBERK_IPSEC_MB) && defined(__x86_64__)
#include <stdlib.h>
#include <sys/mman.h>

#include "esp.h"

static const uint8_t cluster_mac[6] = { 0x02, 0, 0, 0, 0, 2 };
static const uint8_t cluster_multicast_mac[6] = { 0x03, 0, 0, 0, 0, 2 };
static const uint8_t unit_mac[6] = { 0x02, 0xaa, 0, 0, 0, 1 };
static const uint8_t neighbour_mac[6] = { 0x02, 0xbb, 0, 0, 0, 1 };
static const uint8_t gateways[2][4] = { { 192, 0, 2, 1 }, { 198, 51, 100, 1 } };

int baseline_esp_is_here(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
}

// The /24 behind a side, on the wire.
static uint32_t prefix_of(uint32_t sa, int side) {
    return (10u + (sa >> 15)) | ((sa >> 8 & 127) + (side ? 128u : 0)) << 8 | (sa & 255) << 16;
}

static uint64_t wire_pair(uint32_t source, uint32_t destination) { return source | (uint64_t)destination << 32; }

// --- Tables -----------------------------------------------------------------------------------------------------

static size_t rounded(size_t bytes) { return (bytes + LINE - 1) / LINE * LINE; }

static uint32_t slots_for(uint32_t count) {
    uint32_t slots = 8;
    while (slots < 2 * count) { slots *= 2; }
    return slots;
}

static void table_init(table *t, uint64_t *slots, uint32_t count) {
    t->slots = slots;
    t->mask = count - 1;
    t->shift = 64 - (uint32_t)__builtin_ctz(count);
    for (uint32_t i = 0; i < count; i++) { slots[i] = empty_slot; }
}

static void table_put(table *t, uint64_t key, uint32_t index) {
    uint32_t at = slot_of(t, key);
    while (t->slots[at] != empty_slot) { at = (at + 1) & t->mask; }
    t->slots[at] = key << 16 | index;
}

// --- Keys -------------------------------------------------------------------------------------------------------

// Different for each SA and direction, and the same at both ends: SplitMix64.
static void make_secret(uint32_t sa, int direction, uint8_t *secret) {
    uint64_t state = (uint64_t)sa << 1 | (uint64_t)direction;
    for (int word = 0; word < 3; word++) {
        state += 0x9e3779b97f4a7c15;
        uint64_t z = state;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        z ^= z >> 31;
        memcpy(secret + 8 * word, &z, word < 2 ? 8 : 4);
    }
}

static void cipher_once(baseline_esp *esp, const uint8_t *key, uint32_t length, uint8_t *out) {
    static const uint8_t zeros[PLANS * 16];
    _Alignas(LINE) const uint8_t nonce[16] = { 1 }, aad[16] = { 2 };
    esp->manager->gcm128_enc((const struct gcm_key_data *)key, &esp->context, out, zeros, length,
        nonce, aad, 8, out + length, TAG);
}

// Which lines of a key does the library read for a payload of so many blocks? Found by trying, because its layout is
// its own affair and differs from release to release: a line is read if the result changes with it.
static void plan_prefetches(baseline_esp *esp) {
    uint8_t *copy = aligned_alloc(LINE, esp->key_stride);
    uint8_t before[PLANS * 16 + TAG], after[PLANS * 16 + TAG];
    const uint32_t lines = (uint32_t)(esp->key_stride / LINE);
    for (uint32_t blocks = 0; blocks < PLANS; blocks++) {
        esp->plans[blocks] = 0;
        if (copy == NULL) { continue; }
        memcpy(copy, esp->seal_keys, esp->key_stride);
        cipher_once(esp, copy, blocks * 16, before);
        for (uint32_t line = 0; line < lines && line < 64; line++) {
            for (uint32_t i = 0; i < LINE; i++) { copy[LINE * line + i] ^= 0xa5; }
            cipher_once(esp, copy, blocks * 16, after);
            for (uint32_t i = 0; i < LINE; i++) { copy[LINE * line + i] ^= 0xa5; }
            if (memcmp(before, after, blocks * 16 + TAG) != 0) { esp->plans[blocks] |= (uint64_t)1 << line; }
        }
    }
    free(copy);
}

// --- SAs --------------------------------------------------------------------------------------------------------

static uint32_t sum_of_template(uint32_t source, uint32_t destination) {
    uint32_t sum = 0x45 + (OUTER_TTL | PROTOCOL_ESP << 8);
    sum += (source & 0xffff) + (source >> 16) + (destination & 0xffff) + (destination >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

static void make_sa(baseline_esp *esp, uint32_t i, uint16_t flags) {
    const uint32_t spi = BASELINE_ESP_FIRST_SPI + i;
    const uint16_t set = (uint16_t)(spi & (BASELINE_SETS - 1));
    const uint32_t local = prefix_of(i, esp->side), remote = prefix_of(i, !esp->side);
    uint32_t peer;
    memcpy(&peer, gateways[!esp->side], 4);
    make_secret(i, esp->side, esp->secrets[i][0]);
    make_secret(i, !esp->side, esp->secrets[i][1]);

    outbound *out = &esp->out[i];
    *out = (outbound){
        .spi = __builtin_bswap32(spi), .source = esp->cluster, .destination = peer,
        .sum = sum_of_template(esp->cluster, peer), .set = set, .flags = flags
    };
    memcpy(&out->salt, esp->secrets[i][0] + 16, 4);
    inbound *in = &esp->in[i];
    *in = (inbound){ .spi = __builtin_bswap32(spi), .prefixes = wire_pair(remote, local), .set = set, .flags = flags };
    memcpy(&in->salt, esp->secrets[i][1] + 16, 4);

    struct gcm_key_data *seal = (struct gcm_key_data *)(esp->seal_keys + esp->key_stride * i);
    struct gcm_key_data *open = (struct gcm_key_data *)(esp->open_keys + esp->key_stride * i);
    IMB_AES128_GCM_PRE(esp->manager, esp->secrets[i][0], seal);
    IMB_AES128_GCM_PRE(esp->manager, esp->secrets[i][1], open);
    table_put(&esp->prefixes, prefixes_key(__builtin_bswap64(wire_pair(local, remote))), i);
    table_put(&esp->spis, spi, i);
}

// Everything in one run of memory, so that huge pages can hold it.
static uint8_t *map_memory(baseline_esp *esp) {
    enum { HUGE_PAGE = 2 << 20 };
    const uint32_t count = esp->count, slots = slots_for(count);
    const size_t out = rounded(sizeof(outbound) * count), in = rounded(sizeof(inbound) * count);
    const size_t keys = esp->key_stride * count, slot_bytes = rounded(sizeof(uint64_t) * slots);
    const size_t secrets = rounded(sizeof *esp->secrets * count);
    size_t bytes = out + in + 2 * keys + 2 * slot_bytes + secrets;
    bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uint8_t *memory = aligned_alloc(HUGE_PAGE, bytes);
    if (memory == NULL) { return NULL; }
    madvise(memory, bytes, MADV_HUGEPAGE);
    esp->memory = memory;
    esp->out = (outbound *)memory;
    esp->in = (inbound *)(memory += out);
    esp->seal_keys = memory += in;
    esp->open_keys = memory += keys;
    table_init(&esp->prefixes, (uint64_t *)(memory += keys), slots);
    table_init(&esp->spis, (uint64_t *)(memory += slot_bytes), slots);
    esp->secrets = (void *)(memory + slot_bytes);
    return memory;
}

baseline_esp *baseline_esp_create(uint32_t count, uint32_t groups, int side) {
    if (!baseline_esp_is_here() || count == 0 || count > BASELINE_ESP_SAS) { return NULL; }
    baseline_esp *esp = aligned_alloc(LINE, sizeof *esp);
    if (esp == NULL) { return NULL; }
    memset(esp, 0, sizeof *esp);
    esp->count = count;
    esp->side = side != 0;
    esp->key_stride = rounded(sizeof(struct gcm_key_data));
    memcpy(&esp->cluster, gateways[esp->side], 4);
    esp->manager = alloc_mb_mgr(0);
    if (esp->manager != NULL) { init_mb_mgr_auto(esp->manager, NULL); }
    if (esp->manager == NULL || imb_get_errno(esp->manager) != 0 || map_memory(esp) == NULL) {
        baseline_esp_destroy(esp);
        return NULL;
    }
    baseline_foreign_init(&esp->path, 0x0123456789abcdef, 0xfedcba9876543210,
        cluster_multicast_mac, cluster_mac, unit_mac, NULL, 0, 0, esp->owners);
    for (uint32_t i = 0; i < count; i++) { make_sa(esp, i, i < groups ? FLAG_GROUP : 0); }
    baseline_esp_restart(esp, 0);
    baseline_esp_rewind(esp);
    plan_prefetches(esp);
    return esp;
}

void baseline_esp_destroy(baseline_esp *esp) {
    if (esp == NULL) { return; }
    if (esp->manager != NULL) { free_mb_mgr(esp->manager); }
    free(esp->memory);
    free(esp);
}

void baseline_esp_rewind(baseline_esp *esp) {
    for (uint32_t i = 0; i < esp->count; i++) {
        // 0 and all before it count as seen: nobody sends them.
        esp->in[i].highest = 0;
        memset(esp->in[i].window, 0xff, sizeof esp->in[i].window);
    }
}

void baseline_esp_restart(baseline_esp *esp, uint32_t last_sequence) {
    for (uint32_t i = 0; i < esp->count; i++) {
        esp->out[i].sequence = last_sequence;
        esp->out[i].iv = esp->out[i].iv_end = (uint64_t)1 << 40;  // not the sequence number
    }
}

void baseline_esp_secret(const baseline_esp *esp, uint32_t sa, int of_sealing, uint8_t *secret) {
    memcpy(secret, esp->secrets[sa][!of_sealing], BASELINE_ESP_SECRET);
}

uint64_t baseline_esp_packets(const baseline_esp *esp, uint32_t sa, int of_sealing) {
    return of_sealing ? esp->out[sa].packets : esp->in[sa].packets;
}

uint64_t baseline_esp_bytes(const baseline_esp *esp, uint32_t sa, int of_sealing) {
    return of_sealing ? esp->out[sa].bytes : esp->in[sa].bytes;
}

// --- Frames -----------------------------------------------------------------------------------------------------

static void put16(uint8_t *to, uint32_t value) { store16bit(to, __builtin_bswap16((uint16_t)value)); }

void baseline_esp_restore(
    const baseline_esp *esp, baseline_frame *frame, uint8_t *start, uint32_t ip_length, uint32_t sa, uint32_t flow
) {
    uint8_t *ip = start + ETHERNET_HEADER, *udp = ip + IPV4_HEADER;
    memcpy(start, cluster_mac, 6);
    memcpy(start + 6, neighbour_mac, 6);
    put16(start + 12, ETHERTYPE_IPV4);
    const uint32_t host = (1 + flow % 250) << 24;
    store64(ip, 0x45);
    put16(ip + 2, ip_length);
    ip[6] = 0x40;  // DF
    store32(ip + 8, OUTER_TTL | PROTOCOL_UDP << 8);
    store32(ip + 12, prefix_of(sa, esp->side) | host);
    store32(ip + 16, prefix_of(sa, !esp->side) | host);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < IPV4_HEADER; i += 2) { sum += be16(ip + i); }
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
    put16(udp, 0x4000 | (flow & 0x3fff));
    put16(udp + 2, 0x8000 | (flow * 7 & 0x3fff));
    put16(udp + 4, ip_length - IPV4_HEADER);
    put16(udp + 6, 0);  // no checksum
    *frame = (baseline_frame){ start, ETHERNET_HEADER + ip_length };
}

void baseline_esp_fill(
    const baseline_esp *esp, baseline_frame *frame, uint8_t *start, uint32_t ip_length, uint32_t sa, uint32_t flow
) {
    baseline_esp_restore(esp, frame, start, ip_length, sa, flow);
    for (uint32_t i = BASELINE_ESP_HEADERS; i < frame->length; i++) { start[i] = (uint8_t)(i * 31 + flow); }
}

#endif
