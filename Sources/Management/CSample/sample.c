#include "CSample.h"

// The compiler puts the file's bytes here, so that the program finds them from any folder.
static const unsigned char sample[] = {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#embed "sample.pcap"
#pragma clang diagnostic pop
};

const unsigned char *hauberk_sample_bytes(void) { return sample; }
size_t hauberk_sample_length(void) { return sizeof sample; }
