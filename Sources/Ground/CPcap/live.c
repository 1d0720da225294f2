// libpcap on a device. Every system has one, and none is faster than what the system has besides.
#include "CPcap.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SNAPSHOT = 65536 + 256, BUFFER = 8 << 20 };

struct hauberk_live {
  pcap_t *pcap;
  int control, index;
  char device[IFNAMSIZ];
  struct pcap_pkthdr *header;
  const u_char *bytes;
  bool is_held;
};

static int interface_index(const hauberk_live *l) {
  struct ifreq request = {0};
  strcpy(request.ifr_name, l->device);
  return ioctl(l->control, SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
}

/// NULL, with libpcap's words in `error`.
static pcap_t *activate(const hauberk_live *l, char *error) {
  pcap_t *pcap = pcap_create(l->device, error);
  if (!pcap) return NULL;
  pcap_set_snaplen(pcap, SNAPSHOT);
  pcap_set_promisc(pcap, 1);
  pcap_set_immediate_mode(pcap, 1);
  pcap_set_buffer_size(pcap, BUFFER);
  pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
  const int result = pcap_activate(pcap);
  const char *fault = NULL;
  if (result < 0) {
    fault = result == PCAP_ERROR ? pcap_geterr(pcap) : pcap_statustostr(result);
  } else if (pcap_datalink(pcap) != DLT_EN10MB) {
    fault = "is no Ethernet";
  } else if (pcap_setdirection(pcap, PCAP_D_IN) != 0) {
    // Or what is sent would come back.
    fault = pcap_geterr(pcap);
  }
  if (fault) {
    snprintf(error, PCAP_ERRBUF_SIZE, "%s", fault);
    pcap_close(pcap);
    return NULL;
  }
  if (pcap_setnonblock(pcap, 1, error) != 0) {
    pcap_close(pcap);
    return NULL;
  }
  return pcap;
}

hauberk_live *hauberk_live_open(const char *device, char *error) {
  hauberk_live *l = calloc(1, sizeof *l);
  if (!l || strlen(device) >= IFNAMSIZ) {
    snprintf(error, PCAP_ERRBUF_SIZE, l ? "no such interface" : "out of memory");
    free(l);
    return NULL;
  }
  strcpy(l->device, device);
  l->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (l->control < 0) {
    snprintf(error, PCAP_ERRBUF_SIZE, "no socket");
  } else {
    l->pcap = activate(l, error);
  }
  if (!l->pcap) {
    if (l->control >= 0) close(l->control);
    free(l);
    return NULL;
  }
  l->index = interface_index(l);
  return l;
}

void hauberk_live_close(hauberk_live *l) {
  pcap_close(l->pcap);
  close(l->control);
  free(l);
}

const char *hauberk_live_device(const hauberk_live *l) { return l->device; }
int hauberk_live_descriptor(const hauberk_live *l) { return pcap_get_selectable_fd(l->pcap); }

enum hauberk_link hauberk_live_link(const hauberk_live *l) {
  struct ifreq request = {.ifr_ifindex = l->index};
  if (ioctl(l->control, SIOCGIFNAME, &request) != 0 || ioctl(l->control, SIOCGIFFLAGS, &request) != 0)
    return HAUBERK_LINK_GONE;
  const int both = IFF_UP | IFF_RUNNING;
  return (request.ifr_flags & both) == both ? HAUBERK_LINK_UP : HAUBERK_LINK_DOWN;
}

uint32_t hauberk_live_mtu(const hauberk_live *l) {
  struct ifreq request = {.ifr_ifindex = l->index};
  if (ioctl(l->control, SIOCGIFNAME, &request) != 0 || ioctl(l->control, SIOCGIFMTU, &request) != 0) return 0;
  return (uint32_t)request.ifr_mtu;
}

bool hauberk_live_peek(hauberk_live *l, struct hauberk_arrival *arrival) {
  // A device that is down or gone is an error to libpcap, each time; here it has nothing, and the link says why.
  if (!l->is_held && pcap_next_ex(l->pcap, &l->header, &l->bytes) != 1) return false;
  l->is_held = true;
  *arrival = (struct hauberk_arrival){
      .bytes = l->bytes, .length = l->header->caplen, .wire_length = l->header->len,
      .seconds = (uint32_t)l->header->ts.tv_sec, .nanoseconds = (uint32_t)l->header->ts.tv_usec};
  return true;
}

void hauberk_live_pop(hauberk_live *l) { l->is_held = false; }

int hauberk_live_send(hauberk_live *l, const void *bytes, uint32_t length) {
  errno = 0;
  return pcap_inject(l->pcap, bytes, length) >= 0 ? 0 : errno ? errno : EIO;
}

uint32_t hauberk_live_lost(hauberk_live *l) {
  struct pcap_stat counted;
  return pcap_stats(l->pcap, &counted) == 0 ? counted.ps_drop : 0;
}
