// TAP: an interface of the local kernel's, whose cable ends in this process.
#include "CKernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

// The longest that segmentation offload makes, and its link header.
enum { LONGEST = 65536 + 256 };

struct hauberk_tap {
  // `control` is a socket in the device's network namespace, for questions about it.
  int descriptor, control;
  struct hauberk_tap_options options;
  char device[IFNAMSIZ];
  bool is_held;
  uint32_t length;
  struct virtio_net_hdr header;
  uint8_t frame[LONGEST];
};

static int set_up(const struct hauberk_tap *t, int descriptor, const char **step) {
  const struct hauberk_tap_options *o = &t->options;
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  if (o->is_shared) request.ifr_flags |= IFF_MULTI_QUEUE;
  strcpy(request.ifr_name, t->device);
  *step = "cannot be made a TAP device";
  if (ioctl(descriptor, TUNSETIFF, &request) != 0) return errno;
  *step = "does not hand over frames as they are";
  // Datagrams in trains since 6.2; a kernel that does not know them divides them itself.
  const unsigned long trains = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (ioctl(descriptor, TUNSETOFFLOAD, trains | TUN_F_USO4 | TUN_F_USO6) != 0 &&
      ioctl(descriptor, TUNSETOFFLOAD, trains) != 0)
    return errno;
  if (o->has_mac) {
    *step = "does not take its address";
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, o->mac, 6);
    if (ioctl(t->control, SIOCSIFHWADDR, &request) != 0) return errno;
  }
  if (o->is_up) {
    *step = "cannot be switched on";
    if (ioctl(t->control, SIOCGIFFLAGS, &request) != 0) return errno;
    request.ifr_flags |= IFF_UP;
    if (ioctl(t->control, SIOCSIFFLAGS, &request) != 0) return errno;
  }
  return 0;
}

static int open_queue(const struct hauberk_tap *t, int *out, const char **step) {
  *step = "there are no TAP devices here";
  int descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return errno;
  int failure = set_up(t, descriptor, step);
  if (failure)
    close(descriptor);
  else
    *out = descriptor;
  return failure;
}

int hauberk_tap_open(const char *device, const struct hauberk_tap_options *options, hauberk_tap **out,
                     const char **step) {
  *step = "no name for an interface";
  if (strlen(device) == 0 || strlen(device) >= IFNAMSIZ) return EINVAL;
  hauberk_tap *t = calloc(1, sizeof *t);
  *step = "out of memory";
  if (!t) return ENOMEM;
  t->options = *options;
  strcpy(t->device, device);
  *step = "no socket";
  t->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int failure = t->control < 0 ? errno : open_queue(t, &t->descriptor, step);
  if (failure) {
    if (t->control >= 0) close(t->control);
    free(t);
    return failure;
  }
  *out = t;
  return 0;
}

void hauberk_tap_close(hauberk_tap *t) {
  close(t->descriptor);
  close(t->control);
  free(t);
}

const char *hauberk_tap_device(const hauberk_tap *t) { return t->device; }
int hauberk_tap_descriptor(const hauberk_tap *t) { return t->descriptor; }

/// What the device is called now; false when there is none behind the descriptor any more.
static bool find(const hauberk_tap *t, struct ifreq *request) {
  memset(request, 0, sizeof *request);
  return ioctl(t->descriptor, TUNGETIFF, request) == 0;
}

enum hauberk_link hauberk_tap_link(const hauberk_tap *t) {
  struct ifreq request;
  if (!find(t, &request) || ioctl(t->control, SIOCGIFFLAGS, &request) != 0) return HAUBERK_LINK_GONE;
  const int both = IFF_UP | IFF_RUNNING;
  return (request.ifr_flags & both) == both ? HAUBERK_LINK_UP : HAUBERK_LINK_DOWN;
}

uint32_t hauberk_tap_mtu(const hauberk_tap *t) {
  struct ifreq request;
  if (!find(t, &request) || ioctl(t->control, SIOCGIFMTU, &request) != 0) return 0;
  return (uint32_t)request.ifr_mtu;
}

bool hauberk_tap_peek(hauberk_tap *t, struct hauberk_arrival *arrival) {
  if (!t->is_held) {
    struct iovec parts[2] = {{&t->header, sizeof t->header}, {t->frame, sizeof t->frame}};
    ssize_t got = readv(t->descriptor, parts, 2);
    if (got < (ssize_t)sizeof t->header) return false;
    t->length = (uint32_t)((size_t)got - sizeof t->header);
    t->is_held = true;
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const struct virtio_net_hdr *h = &t->header;
  *arrival = (struct hauberk_arrival){
      .bytes = t->frame, .length = t->length, .wire_length = t->length, .seconds = (uint32_t)now.tv_sec,
      .nanoseconds = (uint32_t)now.tv_nsec,
      .offload = {h->flags, h->gso_type, h->hdr_len, h->gso_size, h->csum_start, h->csum_offset}};
  return true;
}

void hauberk_tap_pop(hauberk_tap *t) { t->is_held = false; }

int hauberk_tap_send(hauberk_tap *t, const void *bytes, uint32_t length) {
  static struct virtio_net_hdr whole;
  struct iovec parts[2] = {{&whole, sizeof whole}, {(void *)bytes, length}};
  return writev(t->descriptor, parts, 2) < 0 ? errno : 0;
}
