#include "CPcap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

enum { STREAM_BUFFER = 256 * 1024, PIECE = 16 * 1024 };

struct hauberk_capture_input {
  gzFile stream;
  FILE *file;
  pcap_t *pcap;
  uint8_t head[4];
  size_t read_bytes;
};

static ssize_t read_stream(void *cookie, char *buffer, size_t bytes) {
  hauberk_capture_input *input = cookie;
  // zlib hands a stream that is not compressed through as it is. Small pieces: what is damaged costs the piece it is in.
  int got = gzread(input->stream, buffer, bytes > PIECE ? PIECE : (unsigned)bytes);
  if (got < 0) return 0;  // what has come is used; hauberk_capture_stream_fault tells the rest
  for (size_t i = input->read_bytes; i < sizeof input->head && i - input->read_bytes < (size_t)got; i++)
    input->head[i] = (uint8_t)buffer[i - input->read_bytes];
  input->read_bytes += (size_t)got;
  return got;
}

static int close_stream(void *cookie) {
  hauberk_capture_input *input = cookie;
  gzclose_r(input->stream);
  input->stream = NULL;
  return 0;
}

hauberk_capture_input *hauberk_capture_open(int descriptor, char *error, bool *empty) {
  *empty = false;
  hauberk_capture_input *input = calloc(1, sizeof *input);
  if (input) input->stream = gzdopen(descriptor, "rb");
  if (!input || !input->stream) {
    snprintf(error, PCAP_ERRBUF_SIZE, "out of memory");
    free(input);
    close(descriptor);
    return NULL;
  }
  gzbuffer(input->stream, STREAM_BUFFER);
  cookie_io_functions_t functions = {.read = read_stream, .close = close_stream};
  input->file = fopencookie(input, "rb", functions);
  if (!input->file) {
    snprintf(error, PCAP_ERRBUF_SIZE, "out of memory");
    gzclose_r(input->stream);
    free(input);
    return NULL;
  }
  setvbuf(input->file, NULL, _IOFBF, STREAM_BUFFER);
  input->pcap = pcap_fopen_offline_with_tstamp_precision(input->file, PCAP_TSTAMP_PRECISION_NANO, error);
  if (!input->pcap) {
    const char *fault = hauberk_capture_stream_fault(input);
    if (fault) snprintf(error, PCAP_ERRBUF_SIZE, "%s", fault);
    *empty = !fault && input->read_bytes == 0;
    fclose(input->file);
    free(input);
    return NULL;
  }
  return input;
}

pcap_t *hauberk_capture_pcap(hauberk_capture_input *input) { return input->pcap; }

bool hauberk_capture_has_nanoseconds(const hauberk_capture_input *input) {
  static const uint8_t big[4] = {0xa1, 0xb2, 0x3c, 0x4d}, little[4] = {0x4d, 0x3c, 0xb2, 0xa1};
  static const uint8_t section[4] = {0x0a, 0x0d, 0x0d, 0x0a};
  return memcmp(input->head, big, 4) == 0 || memcmp(input->head, little, 4) == 0 ||
         memcmp(input->head, section, 4) == 0;
}

const char *hauberk_capture_stream_fault(hauberk_capture_input *input) {
  int code = Z_OK;
  const char *text = gzerror(input->stream, &code);
  if (code == Z_BUF_ERROR) return "the compressed file is truncated";
  if (code == Z_OK || code == Z_STREAM_END) return NULL;
  // zlib begins with the name it has for a descriptor, which says nothing to anyone.
  const char *colon = strncmp(text, "<fd:", 4) == 0 ? strchr(text + 4, ' ') : NULL;
  return colon ? colon + 1 : text;
}

void hauberk_capture_close(hauberk_capture_input *input) {
  pcap_close(input->pcap);  // closes the file, and that the stream
  free(input);
}

int hauberk_memory_file(void) { return memfd_create("capture", MFD_CLOEXEC); }
