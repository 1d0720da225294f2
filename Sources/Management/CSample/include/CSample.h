// The capture that ships inside the program: docs/SAMPLE.md says what is in it.
#pragma once
#include <stddef.h>

const unsigned char *hauberk_sample_bytes(void);
size_t hauberk_sample_length(void);
