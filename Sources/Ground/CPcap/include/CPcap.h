// libpcap, on files and devices, and the one thing it lacks: reading a capture through gzip, from any descriptor.
#pragma once
#include "CKernel.h"
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct hauberk_capture_input hauberk_capture_input;

/// Opens the capture behind `descriptor`, compressed or not, pcap or pcapng, and takes the descriptor over.
/// NULL on failure, with libpcap's words in `error` (PCAP_ERRBUF_SIZE bytes); `empty` says that nothing came at all.
hauberk_capture_input *hauberk_capture_open(int descriptor, char *error, bool *empty);
pcap_t *hauberk_capture_pcap(hauberk_capture_input *input);
/// Whether the file counts nanoseconds (or may: pcapng). Packets are always handed out in nanoseconds.
bool hauberk_capture_has_nanoseconds(const hauberk_capture_input *input);
/// At the end of the packets: NULL, or what was wrong with the compressed stream.
const char *hauberk_capture_stream_fault(hauberk_capture_input *input);
void hauberk_capture_close(hauberk_capture_input *input);

/// A file without a name, in memory. Negative on failure.
int hauberk_memory_file(void);

/// A device, live.
typedef struct hauberk_live hauberk_live;

/// NULL on failure, with the reason in `error` (PCAP_ERRBUF_SIZE bytes).
hauberk_live *hauberk_live_open(const char *device, char *error);
void hauberk_live_close(hauberk_live *live);
const char *hauberk_live_device(const hauberk_live *live);
HAUBERK_HOT int hauberk_live_descriptor(const hauberk_live *live);
enum hauberk_link hauberk_live_link(const hauberk_live *live);
HAUBERK_HOT uint32_t hauberk_live_mtu(const hauberk_live *live);
/// The next frame, if there is one. The same until it is popped.
HAUBERK_HOT bool hauberk_live_peek(hauberk_live *live, struct hauberk_arrival *arrival);
HAUBERK_HOT void hauberk_live_pop(hauberk_live *live);
/// 0, or an errno.
HAUBERK_HOT int hauberk_live_send(hauberk_live *live, const void *bytes, uint32_t length);
/// How many frames found no room since the device was opened.
HAUBERK_HOT uint32_t hauberk_live_lost(hauberk_live *live);
