// What units of a cluster say to each other: frames of one EtherType, by a packet socket for each side.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "CKernel.h"

int hauberk_control_open(const char *device, uint16_t type, const uint8_t group[6]) {
  // A name may be taken again by another device: only its number is asked for, each time anew.
  const unsigned index = if_nametoindex(device);
  if (index == 0) return -errno;
  const int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (s < 0) return -errno;
  struct packet_mreq join = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6};
  memcpy(join.mr_address, group, 6);
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(type), .sll_ifindex = (int)index};
  // Room for what comes while this thread is away: some seconds of all units' keepalives. Without the right to more, as
  // much as the system gives.
  int bytes = 4 << 20;
  if (setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  // Before everything else that this device has to send.
  int priority = 6;
  setsockopt(s, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
  if (setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &join, sizeof join) != 0 ||
      bind(s, (struct sockaddr *)&address, sizeof address) != 0) {
    const int failure = errno;
    close(s);
    return -failure;
  }
  return s;
}

bool hauberk_control_is_on(int socket, const char *device) {
  struct sockaddr_ll address = {0};
  socklen_t bytes = sizeof address;
  const unsigned index = if_nametoindex(device);
  return index != 0 && getsockname(socket, (struct sockaddr *)&address, &bytes) == 0 &&
         address.sll_ifindex == (int)index;
}

bool hauberk_control_has_link(int socket, const char *device) {
  const int both = IFF_UP | IFF_RUNNING;
  struct ifreq request = {0};
  if (strlen(device) >= sizeof request.ifr_name) return false;
  strcpy(request.ifr_name, device);
  return ioctl(socket, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & both) == both;
}

void hauberk_control_close(int socket) {
  if (socket >= 0) close(socket);
}

int hauberk_control_send(int socket, const void *frame, uint32_t length) {
  return send(socket, frame, length, MSG_DONTWAIT) == (ssize_t)length ? 0 : errno;
}

int hauberk_control_receive(int socket, void *out, uint32_t room) {
  struct sockaddr_ll from;
  socklen_t bytes = sizeof from;
  const ssize_t length = recvfrom(socket, out, room, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &bytes);
  if (length < 0) return errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
  // What this machine has sent, and what is longer than any message: nothing to read, and not the end.
  if (from.sll_pkttype == PACKET_OUTGOING || (size_t)length > room) return 0;
  return (int)length;
}

void hauberk_control_wait(int one, int other, int event, uint64_t nanoseconds) {
  struct pollfd each[3] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}, {.fd = event, .events = POLLIN}};
  const struct timespec time = {
      .tv_sec = (time_t)(nanoseconds / 1000000000ull), .tv_nsec = (long)(nanoseconds % 1000000000ull)};
  ppoll(each, 3, &time, NULL);
}

int hauberk_prefer_thread(void) {
  // The least of the real-time priorities: before every worker, behind what the machine cannot do without.
  const struct sched_param priority = {.sched_priority = sched_get_priority_min(SCHED_FIFO) + 1};
  return pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
}
