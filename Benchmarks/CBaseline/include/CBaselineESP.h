// The whole ESP path in C on intel-ipsec-mb: the ceiling of sealing and opening.
//
// AES-128-GCM with a 16-byte tag, IPv4 in IPv4, Ethernet, 32-bit sequence numbers. Written from RFC 4303, 4106 and 6040
// alone, like the rest of this target. What is not here: VLAN tags and IPv6 (dropped as NOT_PLAIN), options or
// fragments on the outside of what is opened (same), extended sequence numbers, traffic-flow padding, dummy packets,
// fragmentation, UDP encapsulation.
//
// How it is measured, and how whatever stands beside it has to be: frames are worked on in place, so every pass over
// them needs the frames back as they were.
//   seal   before each pass, outside of the time: baseline_esp_restore for every frame. It writes the first 42 bytes
//          (Ethernet, IPv4, UDP) and the reference anew; what was sealed is sealed again as payload.
//   open   before each pass, outside of the time: every sealed frame is copied back from a pristine copy, and
//          when the sequence numbers begin again, all windows go back to none seen (baseline_esp_rewind).
// The time of a pass is read around all its bursts, not around each: a burst that was restored a moment ago would lie
// in the first-level cache, where no received packet lies.
//
// Without the library all is here and nothing works: baseline_esp_is_here is 0 and baseline_esp_create NULL.

#ifndef HAUBERK_CBASELINE_ESP_H
#define HAUBERK_CBASELINE_ESP_H

#include "CBaseline.h"

enum {
    BASELINE_ESP_HEADROOM = 128,  // what a frame needs in front of the packet
    BASELINE_ESP_TAILROOM = 64,   // and behind it
    BASELINE_ESP_GROWTH = 36,     // in front: an IPv4 header, SPI, sequence number, IV
    BASELINE_ESP_HEADERS = 42,    // what is restored
    BASELINE_ESP_SAS = 65535,
    BASELINE_ESP_FIRST_SPI = 0x1000,
    BASELINE_ESP_SECRET = 20      // key and salt
};

// Verdicts beyond those of the foreign path. The same rule: 0 is done, all others are reasons of a drop.
enum {
    BASELINE_ESP_DONE = BASELINE_MINE,
    BASELINE_ESP_NOT_PLAIN = BASELINE_VERDICTS,  // what this path does not know (see above), or not to our address
    BASELINE_ESP_NO_SA,
    BASELINE_ESP_EXHAUSTED,    // the last sequence number is used up
    BASELINE_ESP_TOO_LONG,     // for an outer header
    BASELINE_ESP_REPLAYED,     // seen, or left of the window
    BASELINE_ESP_BAD_TAG,
    BASELINE_ESP_BAD_TRAILER,  // padding, pad length or next header
    BASELINE_ESP_BAD_INNER,    // the inner header, or not of this SA's prefixes
    BASELINE_ESP_BAD_ECN,      // congestion experienced outside, not capable inside (RFC 6040, 4.2)
    BASELINE_ESP_VERDICTS
};

// From the first byte of the destination MAC on. Sealing and opening move `data` and change `length` of what is done;
// a frame that is dropped keeps both, whatever its bytes have become.
typedef struct {
    uint8_t *data;
    uint32_t length;
} baseline_frame;

typedef struct baseline_esp baseline_esp;

BASELINE_CALL int baseline_esp_is_here(void);

// One of the two gateways of `count` tunnels (1...BASELINE_ESP_SAS). On side 0, SA i leads from 10.(i>>8).(i&255).0/24
// to 10.(128+(i>>8)).(i&255).0/24 (i < 32768; above, from 11.x to 11.(128+x)); on side 1 the other way round: what side
// 0 seals, side 1 opens. SPI 0x1000 + i in both directions, with a key of its own in each. The first `groups` SAs are
// group SAs, whose work set is that of the flow. All work sets are ours. NULL without the library or memory.
BASELINE_CALL baseline_esp *baseline_esp_create(uint32_t count, uint32_t groups, int side);
BASELINE_CALL void baseline_esp_destroy(baseline_esp *esp);

// Up to BASELINE_BURST frames, in place; a verdict for each. Returns how many are done.
BASELINE_CALL uint32_t baseline_esp_seal(baseline_esp *esp, baseline_frame *frames, uint32_t count, uint8_t *verdicts);
BASELINE_CALL uint32_t baseline_esp_open(baseline_esp *esp, baseline_frame *frames, uint32_t count, uint8_t *verdicts);

// ESP alone: frames that are known to belong to this SA. No accept, parse, look-up or owner; all the rest.
BASELINE_CALL uint32_t baseline_esp_seal_alone(
    baseline_esp *esp, uint32_t sa, baseline_frame *frames, uint32_t count, uint8_t *verdicts);
BASELINE_CALL uint32_t baseline_esp_open_alone(
    baseline_esp *esp, uint32_t sa, baseline_frame *frames, uint32_t count, uint8_t *verdicts);

// The cipher alone, on the bytes that sealing (opening) such a frame would cipher, and nothing else done: the floor.
// Opening compares no tag. References are not changed. `sas` has an entry for each frame.
BASELINE_CALL uint32_t baseline_esp_cipher_seal(
    baseline_esp *esp, const uint32_t *sas, const baseline_frame *frames, uint32_t count);
BASELINE_CALL uint32_t baseline_esp_cipher_open(
    baseline_esp *esp, const uint32_t *sas, const baseline_frame *frames, uint32_t count);

// A UDP packet of `ip_length` bytes (28...) for SA `sa` at `start`, and the reference to it. `flow` chooses hosts and
// ports. `fill` writes all of it, `restore` the first BASELINE_ESP_HEADERS bytes.
BASELINE_CALL void baseline_esp_fill(
    const baseline_esp *esp, baseline_frame *frame, uint8_t *start, uint32_t ip_length, uint32_t sa, uint32_t flow);
BASELINE_CALL void baseline_esp_restore(
    const baseline_esp *esp, baseline_frame *frame, uint8_t *start, uint32_t ip_length, uint32_t sa, uint32_t flow);
// All windows as at the beginning: nothing seen.
BASELINE_CALL void baseline_esp_rewind(baseline_esp *esp);
// All numbers as at the beginning: for a test, which may use a nonce twice.
BASELINE_CALL void baseline_esp_restart(baseline_esp *esp, uint32_t last_sequence);

// Key and salt, so that somebody else can open (seal) what this side seals (opens): BASELINE_ESP_SECRET bytes.
BASELINE_CALL void baseline_esp_secret(const baseline_esp *esp, uint32_t sa, int of_sealing, uint8_t *secret);
// Packets and bytes (of inner packets) of an SA, in the direction asked for.
BASELINE_CALL uint64_t baseline_esp_packets(const baseline_esp *esp, uint32_t sa, int of_sealing);
BASELINE_CALL uint64_t baseline_esp_bytes(const baseline_esp *esp, uint32_t sa, int of_sealing);

// Seals and opens, and forges: 0, or the line of esp_check.c that was not satisfied.
BASELINE_CALL uint32_t baseline_esp_check(void);

#endif
