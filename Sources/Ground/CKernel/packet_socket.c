// AF_PACKET. To receive: a ring of slots in shared memory (TPACKET_V2), in which a frame can be seen as soon as it is
// there. TPACKET_V3 hands out whole blocks, when full or when a timer says so: for a tenth less of a processor, but half
// a millisecond later on the average, and four and more where the kernel's clock ticks 250 times a second. What is longer
// than a slot, a train of segments that no device has divided yet, waits in the socket's queue, and is read from there.
// To send: another socket and sendmmsg. A ring for sending was slower, by a twentieth.
#include "packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

enum {
  BLOCK_BYTES = 256 * 1024,
  // What is too long for a slot may wait: 64 of the longest.
  WAITING_BYTES = 8 << 20,
  SENDING_BYTES = 4 << 20,
  // A slot has the frame behind 92 bytes of the kernel's. Frames of a link with a small MTU fit the small one.
  SMALL_MTU = 1900,
  SMALL_SLOT = 2048,
  LARGE_SLOT = 16384,
};

// Opening

static int interface_index(int descriptor, const char *device) {
  struct ifreq request = {0};
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  return ioctl(descriptor, SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : -errno;
}

static int set(int descriptor, int option, const void *value, socklen_t bytes) {
  return setsockopt(descriptor, SOL_PACKET, option, value, bytes) == 0 ? 0 : errno;
}

static int set_int(int descriptor, int option, int value) { return set(descriptor, option, &value, sizeof value); }

static int join(int descriptor, int index, int type, const uint8_t *mac) {
  struct packet_mreq request = {.mr_ifindex = index, .mr_type = (unsigned short)type};
  if (mac) {
    request.mr_alen = 6;
    memcpy(request.mr_address, mac, 6);
  }
  return set(descriptor, PACKET_ADD_MEMBERSHIP, &request, sizeof request);
}

static int join_mac(int descriptor, int index, const uint8_t *mac) {
  return join(descriptor, index, mac[0] & 1 ? PACKET_MR_MULTICAST : PACKET_MR_UNICAST, mac);
}

/// A buffer's size; only root may go beyond the system's limit, others get as much as that allows.
static void set_buffer(int descriptor, int forced, int plain, int bytes) {
  if (setsockopt(descriptor, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
    setsockopt(descriptor, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

static int bind_to(int descriptor, int index, int protocol) {
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = index};
  return bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
}

static int share(hauberk_packet_socket *s, struct ends *e) {
  if (s->options.fanout < 0) return 0;
  const bool is_first = s->options.group < 0;
  const uint16_t wanted = is_first ? 0 : (uint16_t)(s->group_base + e->index);
  int flags = PACKET_FANOUT_FLAG_IGNORE_OUTGOING | (is_first ? PACKET_FANOUT_FLAG_UNIQUEID : 0);
  int failure = set_int(e->receive, PACKET_FANOUT, wanted | (s->options.fanout | flags) << 16);
  if (failure == EINVAL) {
    // Kernels before 6.2 do not know the first flag. There, what leaves is left out as it is read.
    flags &= ~PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
    failure = set_int(e->receive, PACKET_FANOUT, wanted | (s->options.fanout | flags) << 16);
  }
  if (failure || !is_first) return failure;
  int chosen = 0;
  socklen_t bytes = sizeof chosen;
  if (getsockopt(e->receive, SOL_PACKET, PACKET_FANOUT, &chosen, &bytes) != 0) return errno;
  s->options.group = chosen & 0xffff;
  s->group_base = (uint16_t)(chosen - e->index);
  return 0;
}

static int open_receiver(hauberk_packet_socket *s, struct ends *e, const char **step) {
  const struct hauberk_packet_options *o = &s->options;
  int failure;
  // With protocol 0 nothing arrives before the socket is bound to its interface.
  e->receive = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *step = "no packet socket";
  if (e->receive < 0) return errno;
  *step = "no such interface";
  e->index = interface_index(e->receive, s->device);
  if (e->index < 0) return -e->index;
  *step = "the kernel has no ring of this kind";
  if ((failure = set_int(e->receive, PACKET_VERSION, TPACKET_V2))) return failure;
  *step = "the kernel does not tell of offloads";
  if ((failure = set_int(e->receive, PACKET_VNET_HDR, 1))) return failure;
  if ((failure = set_int(e->receive, PACKET_COPY_THRESH, 1))) return failure;
  // An old kernel refuses; then what leaves is left out as it is read.
  set_int(e->receive, PACKET_IGNORE_OUTGOING, 1);
  set_buffer(e->receive, SO_RCVBUFFORCE, SO_RCVBUF, WAITING_BYTES);
  *step = "no memory for its ring";
  struct tpacket_req ring = {.tp_block_size = BLOCK_BYTES, .tp_block_nr = (unsigned)(s->ring_bytes / BLOCK_BYTES),
                             .tp_frame_size = s->slot_bytes, .tp_frame_nr = s->slots};
  if ((failure = set(e->receive, PACKET_RX_RING, &ring, sizeof ring))) return failure;
  void *mapped = mmap(NULL, s->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, e->receive, 0);
  if (mapped == MAP_FAILED) return errno;
  e->ring = mapped;
  *step = "cannot be bound to the interface";
  if ((failure = bind_to(e->receive, e->index, ETH_P_ALL))) return failure;
  *step = "cannot share the interface with other workers";
  if ((failure = share(s, e))) return failure;
  *step = "the interface does not become promiscuous";
  if (o->promiscuous && (failure = join(e->receive, e->index, PACKET_MR_PROMISC, NULL))) return failure;
  *step = "the interface does not take one more address";
  for (uint32_t i = 0; i < s->mac_count; i++)
    if ((failure = join_mac(e->receive, e->index, s->macs[i]))) return failure;
  return 0;
}

static int open_sender(hauberk_packet_socket *s, struct ends *e, const char **step) {
  e->send = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *step = "no packet socket to send with";
  if (e->send < 0) return errno;
  // A kernel that cannot pass its queues by sends through them.
  if (s->options.bypass_queueing) set_int(e->send, PACKET_QDISC_BYPASS, 1);
  set_buffer(e->send, SO_SNDBUFFORCE, SO_SNDBUF, SENDING_BYTES);
  *step = "cannot be bound to the interface";
  return bind_to(e->send, e->index, 0);
}

static void close_ends(const hauberk_packet_socket *s, struct ends *e) {
  if (e->ring) munmap(e->ring, s->ring_bytes);
  if (e->receive >= 0) close(e->receive);
  if (e->send >= 0) close(e->send);
}

static int open_ends(hauberk_packet_socket *s, struct ends *e, const char **step) {
  *e = (struct ends){.receive = -1, .send = -1};
  int failure = open_receiver(s, e, step);
  if (!failure) failure = open_sender(s, e, step);
  if (failure) close_ends(s, e);
  return failure;
}

/// What has to be known of the interface before there can be a ring: how long its frames are. 0, or an errno.
static int prepare(hauberk_packet_socket *s) {
  int probe = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno;
  struct ifreq request = {0};
  strcpy(request.ifr_name, s->device);
  int index = interface_index(probe, s->device);
  int failure = index < 0 ? -index : ioctl(probe, SIOCGIFMTU, &request) == 0 ? 0 : errno;
  close(probe);
  // A member joins the group by the number that the first was given.
  if (s->options.group >= 0) s->group_base = (uint16_t)(s->options.group - index);
  s->slot_bytes = request.ifr_mtu <= SMALL_MTU ? SMALL_SLOT : LARGE_SLOT;
  s->slots = (uint32_t)(s->ring_bytes / s->slot_bytes);
  return failure;
}

int hauberk_packet_open(const char *device, const struct hauberk_packet_options *options,
                        hauberk_packet_socket **out, const char **step) {
  *step = "no such interface";
  if (strlen(device) == 0 || strlen(device) >= IFNAMSIZ) return ENODEV;
  *step = "a ring of this size cannot be";
  if (options->ring_bytes == 0 || options->ring_bytes % BLOCK_BYTES != 0) return EINVAL;
  hauberk_packet_socket *s = calloc(1, sizeof *s);
  *step = "out of memory";
  if (!s) return ENOMEM;
  s->options = *options;
  s->ring_bytes = options->ring_bytes;
  strcpy(s->device, device);
  for (int i = 0; i < HAUBERK_SEND_MOST; i++) {
    s->messages[i].msg_hdr.msg_iov = &s->vectors[i];
    s->messages[i].msg_hdr.msg_iovlen = 1;
  }
  int failure = prepare(s);
  *step = failure == EPERM ? "only root can have a packet socket" : "no such interface";
  if (!failure) failure = open_ends(s, &s->ends, step);
  if (failure) {
    free(s);
    return failure;
  }
  *out = s;
  return 0;
}

void hauberk_packet_close(hauberk_packet_socket *s) {
  close_ends(s, &s->ends);
  free(s);
}

int hauberk_packet_join(hauberk_packet_socket *s, const uint8_t mac[6]) {
  if (s->mac_count == MOST_MEMBERSHIPS) return ENOBUFS;
  int failure = join_mac(s->ends.receive, s->ends.index, mac);
  if (!failure) memcpy(s->macs[s->mac_count++], mac, 6);
  return failure;
}

const char *hauberk_packet_device(const hauberk_packet_socket *s) { return s->device; }
int hauberk_packet_descriptor(const hauberk_packet_socket *s) { return s->ends.receive; }
int32_t hauberk_packet_group(const hauberk_packet_socket *s) { return s->options.group; }

/// By its number and not by its name: an interface that was renamed is the same, one of the same name another.
static bool find(const hauberk_packet_socket *s, struct ifreq *request) {
  memset(request, 0, sizeof *request);
  request->ifr_ifindex = s->ends.index;
  return ioctl(s->ends.send, SIOCGIFNAME, request) == 0;
}

enum hauberk_link hauberk_packet_link(const hauberk_packet_socket *s) {
  struct ifreq request;
  if (!find(s, &request) || ioctl(s->ends.send, SIOCGIFFLAGS, &request) != 0) return HAUBERK_LINK_GONE;
  const int both = IFF_UP | IFF_RUNNING;
  return (request.ifr_flags & both) == both ? HAUBERK_LINK_UP : HAUBERK_LINK_DOWN;
}

uint32_t hauberk_packet_mtu(const hauberk_packet_socket *s) {
  struct ifreq request;
  if (!find(s, &request) || ioctl(s->ends.send, SIOCGIFMTU, &request) != 0) return 0;
  return (uint32_t)request.ifr_mtu;
}
