#include "CBaselinePorts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char frames[BASELINE_AT_ONCE][BASELINE_LONGEST];
static struct iovec places[BASELINE_AT_ONCE];
static struct mmsghdr messages[BASELINE_AT_ONCE];

int baseline_leave_network(void) { return unshare(CLONE_NEWNET) == 0 ? 0 : errno; }

int baseline_make_cable(const char *one, const char *other) {
  char command[256];
  snprintf(command, sizeof command,
           "ip link add %s type veth peer name %s && ip link set %s addrgenmode none up && "
           "ip link set %s addrgenmode none up", one, other, one, other);
  return system(command);
}

int baseline_packet_socket(const char *device, int receives) {
  const uint16_t protocol = receives ? htons(ETH_P_ALL) : 0;
  const int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  const int buffer = 64 << 20, yes = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  setsockopt(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
  setsockopt(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = protocol, .sll_ifindex = (int)if_nametoindex(device)};
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
  const int error = errno;
  close(descriptor);
  return -error;
}

static void point(int slot, void *frame, size_t length) {
  places[slot] = (struct iovec){.iov_base = frame, .iov_len = length};
  messages[slot].msg_hdr = (struct msghdr){.msg_iov = &places[slot], .msg_iovlen = 1};
}

int baseline_packet_send(int descriptor, const void *frame, uint32_t length, int count) {
  for (int slot = 0; slot < count; slot++) point(slot, (void *)(uintptr_t)frame, length);
  const int sent = sendmmsg(descriptor, messages, (unsigned)count, MSG_DONTWAIT);
  return sent < 0 ? 0 : sent;
}

int baseline_packet_receive(int descriptor) {
  for (int slot = 0; slot < BASELINE_AT_ONCE; slot++) point(slot, frames[slot], BASELINE_LONGEST);
  const int taken = recvmmsg(descriptor, messages, BASELINE_AT_ONCE, MSG_DONTWAIT, NULL);
  return taken < 0 ? 0 : taken;
}

int baseline_packet_forward(int descriptor, int count) {
  for (int slot = 0; slot < count; slot++) point(slot, frames[slot], messages[slot].msg_len);
  const int sent = sendmmsg(descriptor, messages, (unsigned)count, MSG_DONTWAIT);
  return sent < 0 ? 0 : sent;
}

void baseline_packet_close(int descriptor) { close(descriptor); }
