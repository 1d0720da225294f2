// The cipher alone, on the same bytes with the same prefetches: the floor under the whole path.

#if defined(HAUBERK_IPSEC_MB) && defined(__x86_64__)
#include "esp.h"

static inline uint32_t cipher_alone(
    baseline_esp *esp, const uint32_t *sas, const baseline_frame *frames, uint32_t count, int seals
) {
    if (count > BASELINE_BURST) { count = BASELINE_BURST; }
    work w;
    for (uint32_t i = 0; i < count; i++) {
        w.sas[i] = (uint16_t)sas[i];
        if (seals) {
            w.texts[i] = frames[i].data + ETHERNET_HEADER;
            w.lengths[i] = (frames[i].length - ETHERNET_HEADER + 2 + 3) & ~3u;
        } else {
            w.texts[i] = frames[i].data + ETHERNET_HEADER + IPV4_HEADER + ESP_HEADER;
            w.lengths[i] = frames[i].length - (ETHERNET_HEADER + IPV4_HEADER + ESP_HEADER + TAG);
        }
        store_nonce(w.nonces[i], sas[i], i);
    }
    cipher(esp, &w, count, seals);
    return count;
}

uint32_t baseline_esp_cipher_seal(
    baseline_esp *esp, const uint32_t *sas, const baseline_frame *frames, uint32_t count
) {
    return cipher_alone(esp, sas, frames, count, 1);
}

uint32_t baseline_esp_cipher_open(
    baseline_esp *esp, const uint32_t *sas, const baseline_frame *frames, uint32_t count
) {
    return cipher_alone(esp, sas, frames, count, 0);
}

#endif
