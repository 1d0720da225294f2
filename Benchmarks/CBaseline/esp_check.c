// Is the ceiling one? A path that is fast because it does not do its work would be none.

#if defined(HAUBERK_IPSEC_MB) && defined(__x86_64__)
#include "esp.h"

#define CHECK(claim) do { if (!(claim)) { return __LINE__; } } while (0)

enum { STRIDE = 2048, SAS = 100, GROUPS = 7 };

typedef struct {
    baseline_esp *here, *there;
    uint8_t verdicts[BASELINE_BURST];
    baseline_frame frames[BASELINE_BURST];
    _Alignas(LINE) uint8_t memory[BASELINE_BURST][STRIDE];
    uint8_t before[BASELINE_BURST][STRIDE];
} pair;

static uint8_t *start_of(pair *p, uint32_t i) { return p->memory[i] + BASELINE_ESP_HEADROOM; }

// A burst of packets of all remainders and of different SAs, and a copy of it.
static void make(pair *p, uint32_t from) {
    for (uint32_t i = 0; i < BASELINE_BURST; i++) {
        const uint32_t length = 28 + (i + from) * 23 % 1440;
        baseline_esp_fill(p->here, &p->frames[i], start_of(p, i), length, (i * 5 + from) % SAS, i);
        memcpy(p->before[i], start_of(p, i), p->frames[i].length);
    }
}

static uint32_t header_sum(const uint8_t *ip) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < IPV4_HEADER; i += 2) { sum += be16(ip + i); }
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

static uint32_t check_round_trip(pair *p) {
    for (uint32_t round = 0; round < 200; round++) {
        make(p, round);
        CHECK(baseline_esp_seal(p->here, p->frames, BASELINE_BURST, p->verdicts) == BASELINE_BURST);
        for (uint32_t i = 0; i < BASELINE_BURST; i++) {
            const uint8_t *outer = p->frames[i].data + ETHERNET_HEADER;
            CHECK(p->verdicts[i] == BASELINE_ESP_DONE && p->frames[i].data == start_of(p, i) - BASELINE_ESP_GROWTH);
            CHECK(header_sum(outer) == 0xffff && be16(outer + 2) == p->frames[i].length - ETHERNET_HEADER);
        }
        CHECK(baseline_esp_open(p->there, p->frames, BASELINE_BURST, p->verdicts) == BASELINE_BURST);
        for (uint32_t i = 0; i < BASELINE_BURST; i++) {
            CHECK(p->verdicts[i] == BASELINE_ESP_DONE && p->frames[i].data == start_of(p, i));
            CHECK(memcmp(p->frames[i].data, p->before[i], p->frames[i].length) == 0);
        }
    }
    uint64_t sealed = 0, opened = 0;
    for (uint32_t i = 0; i < SAS; i++) {
        sealed += baseline_esp_packets(p->here, i, 1);
        opened += baseline_esp_packets(p->there, i, 0);
        CHECK(baseline_esp_bytes(p->here, i, 1) == baseline_esp_bytes(p->there, i, 0));
    }
    CHECK(sealed == 200 * BASELINE_BURST && opened == sealed);
    return 0;
}

// One sealed packet of 64 bytes with this TOS, and a copy of it.
static uint32_t seal_one(pair *p, uint8_t tos, uint8_t *copy) {
    baseline_esp_fill(p->here, &p->frames[0], start_of(p, 0), 64, 3, 0);
    uint8_t *ip = p->frames[0].data + ETHERNET_HEADER;
    ip[1] = tos;
    store16bit(ip + 10, 0);
    store16bit(ip + 10, (uint16_t)~__builtin_bswap16((uint16_t)header_sum(ip)));
    memcpy(p->before[0], p->frames[0].data, p->frames[0].length);
    CHECK(baseline_esp_seal(p->here, p->frames, 1, p->verdicts) == 1);
    memcpy(copy, p->frames[0].data, p->frames[0].length);
    return 0;
}

static uint8_t open_one(pair *p, const uint8_t *copy, uint32_t length) {
    p->frames[0] = (baseline_frame){ start_of(p, 0) - BASELINE_ESP_GROWTH, length };
    memcpy(p->frames[0].data, copy, length);
    baseline_esp_open(p->there, p->frames, 1, p->verdicts);
    return p->verdicts[0];
}

// Whatever bit of ESP is changed: not opened; and none of it moves the window.
static uint32_t check_forgery(pair *p) {
    uint8_t copy[256];
    CHECK(seal_one(p, 0, copy) == 0);
    const uint32_t length = p->frames[0].length;
    for (uint32_t bit = (ETHERNET_HEADER + IPV4_HEADER) * 8; bit < length * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(open_one(p, copy, length) != BASELINE_ESP_DONE);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CHECK(open_one(p, copy, length) == BASELINE_ESP_DONE);
    CHECK(open_one(p, copy, length) == BASELINE_ESP_REPLAYED);
    return 0;
}

// The same packet twice in a burst; packets out of order up to the window's width; and one beyond it.
static uint32_t check_window(pair *p) {
    enum { MOST = WINDOW + 8 };
    static uint8_t copies[MOST][160];
    for (uint32_t i = 0; i < MOST; i++) { CHECK(seal_one(p, 0, copies[i]) == 0); }
    const uint32_t length = p->frames[0].length;
    for (uint32_t i = 0; i < 2; i++) {
        p->frames[i] = (baseline_frame){ start_of(p, i), length };
        memcpy(p->frames[i].data, copies[MOST - 1], length);
    }
    CHECK(baseline_esp_open(p->there, p->frames, 2, p->verdicts) == 1);
    CHECK(p->verdicts[0] == BASELINE_ESP_DONE && p->verdicts[1] == BASELINE_ESP_REPLAYED);
    for (uint32_t i = MOST - 1; i-- > 0;) {
        const uint8_t expected = i >= MOST - WINDOW ? BASELINE_ESP_DONE : BASELINE_ESP_REPLAYED;
        CHECK(open_one(p, copies[i], length) == expected);
        CHECK(open_one(p, copies[i], length) == BASELINE_ESP_REPLAYED);
    }
    return 0;
}

static uint32_t check_congestion(pair *p) {
    // Inner and outer ECN as numbers: 1 is ECT(1), 2 is ECT(0), 3 is CE. RFC 6040, figure 4.
    static const char figure[4][5] = { "000x", "1113", "2123", "3333" };
    uint8_t copy[256];
    for (uint32_t inner = 0; inner < 4; inner++) {
        for (uint32_t outer = 0; outer < 4; outer++) {
            CHECK(seal_one(p, (uint8_t)(0xb8 | inner), copy) == 0);
            const uint32_t length = p->frames[0].length;
            CHECK(copy[15] == (0xb8 | inner));
            copy[15] = (uint8_t)(0xb8 | outer);
            const uint8_t verdict = open_one(p, copy, length);
            if (figure[inner][outer] == 'x') {
                CHECK(verdict == BASELINE_ESP_BAD_ECN);
                continue;
            }
            const uint8_t *ip = p->frames[0].data + ETHERNET_HEADER;
            CHECK(verdict == BASELINE_ESP_DONE && ip[1] == (0xb8 | (figure[inner][outer] - '0')));
            CHECK(header_sum(ip) == 0xffff);
        }
    }
    return 0;
}

// A sealed packet in which one byte of the text was another before it was sealed. `at` counts from the text's end where
// it is negative.
static uint8_t open_authentic(pair *p, uint32_t padding, int32_t at, uint8_t change) {
    uint8_t copy[512];
    if (seal_one(p, 0, copy) != 0) { return BASELINE_ESP_VERDICTS; }
    uint8_t *esp = copy + ETHERNET_HEADER + IPV4_HEADER, *text = esp + ESP_HEADER;
    const uint32_t length = 64 + padding + 2;
    memcpy(text, p->before[0] + ETHERNET_HEADER, 64);
    for (uint32_t i = 0; i < padding; i++) { text[64 + i] = (uint8_t)(i + 1); }
    text[length - 2] = (uint8_t)padding;
    text[length - 1] = PROTOCOL_IPV4;
    text[at < 0 ? (int32_t)length + at : at] ^= change;
    _Alignas(LINE) uint8_t nonce[16];
    store_nonce(nonce, p->here->out[3].salt, raw64(esp + 8));
    p->here->manager->gcm128_enc(key_at(p->here->seal_keys, p->here->key_stride, 3), &p->here->context,
        text, text, length, nonce, esp, 8, text + length, TAG);
    store16bit(copy + 16, __builtin_bswap16((uint16_t)(IPV4_HEADER + ESP_HEADER + length + TAG)));
    return open_one(p, copy, ETHERNET_HEADER + IPV4_HEADER + ESP_HEADER + length + TAG);
}

// What an honest peer would not have sealed. Padding may be longer than it needs to be, and is looked at.
static uint32_t check_contents(pair *p) {
    for (uint32_t padding = 2; padding < 255; padding += 4) {
        CHECK(open_authentic(p, padding, 0, 0) == BASELINE_ESP_DONE);
        CHECK(memcmp(p->frames[0].data, p->before[0], p->frames[0].length) == 0 && p->frames[0].length == 78);
        CHECK(open_authentic(p, padding, 64, 1) == BASELINE_ESP_BAD_TRAILER);
        CHECK(open_authentic(p, padding, -3, 0x80) == BASELINE_ESP_BAD_TRAILER);
        CHECK(open_authentic(p, padding, -1, 1) == BASELINE_ESP_BAD_TRAILER);
    }
    CHECK(open_authentic(p, 2, -2, 1) == BASELINE_ESP_BAD_TRAILER);
    CHECK(open_authentic(p, 2, -2, 0xff) == BASELINE_ESP_BAD_TRAILER);
    static const uint8_t bad[] = { 0, 2, 3, 12, 13, 14, 16, 17, 18 };
    for (uint32_t i = 0; i < sizeof bad; i++) { CHECK(open_authentic(p, 2, bad[i], 0x20) == BASELINE_ESP_BAD_INNER); }
    CHECK(open_authentic(p, 2, 0, 0x01) == BASELINE_ESP_BAD_INNER);
    CHECK(open_authentic(p, 2, 15, 0x20) == BASELINE_ESP_DONE && open_authentic(p, 2, 19, 0x20) == BASELINE_ESP_DONE);
    return 0;
}

static uint32_t check_limits(pair *p) {
    baseline_esp_restart(p->here, UINT32_MAX - 1);
    make(p, 0);
    baseline_esp_fill(p->here, &p->frames[1], start_of(p, 1), 64, 0, 0);
    CHECK(baseline_esp_seal(p->here, p->frames, 2, p->verdicts) == 1);
    CHECK(p->verdicts[0] == BASELINE_ESP_DONE && p->verdicts[1] == BASELINE_ESP_EXHAUSTED);
    // Nobody's prefix; a work set that is another member's; a MAC that is another machine's.
    make(p, 0);
    p->frames[0].data[ETHERNET_HEADER + 16] ^= 0xff;
    p->frames[1].data[5] ^= 0xff;
    p->here->owners[(BASELINE_ESP_FIRST_SPI + 10) & (BASELINE_SETS - 1)] = BASELINE_OWNER_FOREIGN;
    CHECK(baseline_esp_seal(p->here, p->frames, 3, p->verdicts) == 0);
    CHECK(p->verdicts[0] == BASELINE_ESP_NO_SA && p->verdicts[1] == BASELINE_NOT_FOR_US);
    CHECK(p->verdicts[2] == BASELINE_FOREIGN);
    // A group's packets go by flow.
    const uint8_t *data = p->frames[1].data;
    const uint32_t set = hauberk_flow4(
        &p->here->path.key, be32(data + 26), be32(data + 30), be16(data + 34), be16(data + 36), data[23]);
    p->frames[1].data[5] ^= 0xff;
    p->here->owners[set] = BASELINE_OWNER_PENDING;
    CHECK(baseline_esp_seal(p->here, p->frames + 1, 1, p->verdicts) == 0 && p->verdicts[0] == BASELINE_PENDING);
    return 0;
}

static uint32_t check_alone(pair *p) {
    for (uint32_t i = 0; i < BASELINE_BURST; i++) {
        baseline_esp_fill(p->here, &p->frames[i], start_of(p, i), 64 + i, 9, i);
        memcpy(p->before[i], start_of(p, i), p->frames[i].length);
    }
    CHECK(baseline_esp_seal_alone(p->here, 9, p->frames, BASELINE_BURST, p->verdicts) == BASELINE_BURST);
    CHECK(baseline_esp_open_alone(p->there, 9, p->frames, BASELINE_BURST, p->verdicts) == BASELINE_BURST);
    for (uint32_t i = 0; i < BASELINE_BURST; i++) {
        CHECK(memcmp(p->frames[i].data, p->before[i], p->frames[i].length) == 0);
    }
    return 0;
}

uint32_t baseline_esp_check(void) {
    static uint32_t (*const checks[])(pair *) = {
        check_round_trip, check_alone, check_forgery, check_window, check_congestion, check_contents, check_limits
    };
    static pair p;
    p.here = baseline_esp_create(SAS, GROUPS, 0);
    p.there = baseline_esp_create(SAS, 0, 1);
    uint32_t line = p.here == NULL || p.there == NULL ? __LINE__ : 0;
    for (uint32_t i = 0; line == 0 && i < sizeof checks / sizeof *checks; i++) { line = checks[i](&p); }
    baseline_esp_destroy(p.here);
    baseline_esp_destroy(p.there);
    return line;
}

#endif
