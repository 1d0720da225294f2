#include "CKernel.h"

uint32_t hauberk_crc32c(const void *bytes, size_t count) {
  const uint8_t *byte = bytes;
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < count; i++) {
#if defined(__SSE4_2__)
    crc = __builtin_ia32_crc32qi(crc, byte[i]);
#else
    crc ^= byte[i];
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
#endif
  }
  return ~crc;
}
