// libpcap, and the one thing it lacks: reading a capture through gzip, from any descriptor.
#pragma once
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
