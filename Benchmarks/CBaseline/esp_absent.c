// Where the library is not: the functions are, so that one source builds everywhere, and there is nothing to call
// them with.

#if !(defined(HAUBERK_IPSEC_MB) && defined(__x86_64__))
#include "CBaselineESP.h"

int baseline_esp_is_here(void) { return 0; }
uint32_t baseline_esp_check(void) { return 0; }

baseline_esp *baseline_esp_create(uint32_t count, uint32_t groups, int side) {
    (void)count, (void)groups, (void)side;
    return NULL;
}
void baseline_esp_destroy(baseline_esp *esp) { (void)esp; }
void baseline_esp_rewind(baseline_esp *esp) { (void)esp; }
void baseline_esp_restart(baseline_esp *esp, uint32_t last_sequence) { (void)esp, (void)last_sequence; }

uint32_t baseline_esp_seal(baseline_esp *esp, baseline_frame *frames, uint32_t count, uint8_t *verdicts) {
    (void)esp, (void)frames, (void)count, (void)verdicts;
    return 0;
}
uint32_t baseline_esp_open(baseline_esp *esp, baseline_frame *frames, uint32_t count, uint8_t *verdicts) {
    (void)esp, (void)frames, (void)count, (void)verdicts;
    return 0;
}
uint32_t baseline_esp_seal_alone(
    baseline_esp *esp, uint32_t sa, baseline_frame *frames, uint32_t count, uint8_t *verdicts
) {
    (void)esp, (void)sa, (void)frames, (void)count, (void)verdicts;
    return 0;
}
uint32_t baseline_esp_open_alone(
    baseline_esp *esp, uint32_t sa, baseline_frame *frames, uint32_t count, uint8_t *verdicts
) {
    (void)esp, (void)sa, (void)frames, (void)count, (void)verdicts;
    return 0;
}
uint32_t baseline_esp_cipher_seal(
    baseline_esp *esp, const uint32_t *sas, const baseline_frame *frames, uint32_t count
) {
    (void)esp, (void)sas, (void)frames, (void)count;
    return 0;
}
uint32_t baseline_esp_cipher_open(
    baseline_esp *esp, const uint32_t *sas, const baseline_frame *frames, uint32_t count
) {
    (void)esp, (void)sas, (void)frames, (void)count;
    return 0;
}

void baseline_esp_fill(
    const baseline_esp *esp, baseline_frame *frame, uint8_t *start, uint32_t ip_length, uint32_t sa, uint32_t flow
) {
    (void)esp, (void)frame, (void)start, (void)ip_length, (void)sa, (void)flow;
}
void baseline_esp_restore(
    const baseline_esp *esp, baseline_frame *frame, uint8_t *start, uint32_t ip_length, uint32_t sa, uint32_t flow
) {
    (void)esp, (void)frame, (void)start, (void)ip_length, (void)sa, (void)flow;
}
void baseline_esp_secret(const baseline_esp *esp, uint32_t sa, int of_sealing, uint8_t *secret) {
    (void)esp, (void)sa, (void)of_sealing, (void)secret;
}
uint64_t baseline_esp_packets(const baseline_esp *esp, uint32_t sa, int of_sealing) {
    (void)esp, (void)sa, (void)of_sealing;
    return 0;
}
uint64_t baseline_esp_bytes(const baseline_esp *esp, uint32_t sa, int of_sealing) {
    (void)esp, (void)sa, (void)of_sealing;
    return 0;
}

#endif
