#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CLab.h"

struct errand {
  int network;
  void (*work)(void *);
  void *context;
  int code;
};

static void *enter(void *argument) {
  struct errand *errand = argument;
  errand->code = setns(errand->network, CLONE_NEWNET) == 0 ? 0 : errno;
  if (errand->code == 0) errand->work(errand->context);
  return NULL;
}

int hauberk_lab_within(const char *network, void (*work)(void *context), void *context) {
  struct errand errand = {.network = open(network, O_RDONLY | O_CLOEXEC), .work = work, .context = context};
  if (errand.network < 0) return errno;
  pthread_t thread;
  int code = pthread_create(&thread, NULL, enter, &errand);
  if (code == 0) pthread_join(thread, NULL);
  close(errand.network);
  return code != 0 ? code : errand.code;
}

int hauberk_lab_plain(const char *device) {
  static const uint32_t switches[] = {ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO};
  int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) return errno;
  int code = 0;
  for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
    struct ethtool_value value = {.cmd = switches[i], .data = 0};
    struct ifreq request = {.ifr_data = (void *)&value};
    strncpy(request.ifr_name, device, sizeof request.ifr_name - 1);
    // What a kernel cannot switch it does not do.
    if (ioctl(any, SIOCETHTOOL, &request) != 0 && errno != EOPNOTSUPP && code == 0) code = errno;
  }
  close(any);
  return code;
}

static bool read_address(const char *text, uint16_t port, struct sockaddr_in *out) {
  *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  return inet_pton(AF_INET, text, &out->sin_addr) == 1;
}

int hauberk_lab_probe_socket(const char *address, uint16_t port, const char *peer, uint16_t peer_port) {
  // Room for seconds of probes, for whoever reads may be kept from the processor.
  const int room = 8 << 20;
  const struct timeval moment = {.tv_usec = 100000};
  struct sockaddr_in own, other;
  if (!read_address(address, port, &own) || (peer && !read_address(peer, peer_port, &other))) return -EINVAL;
  int probes = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probes < 0) return -errno;
  setsockopt(probes, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(probes, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
  bool isGood = bind(probes, (struct sockaddr *)&own, sizeof own) == 0;
  if (isGood && peer) isGood = connect(probes, (struct sockaddr *)&other, sizeof other) == 0;
  if (isGood) return probes;
  int code = errno;
  close(probes);
  return -code;
}

struct probe {
  uint64_t run, number;
};

int hauberk_lab_probe_send(int socket, uint64_t run, uint64_t number) {
  const struct probe probe = {.run = run, .number = number};
  return send(socket, &probe, sizeof probe, MSG_DONTWAIT) == (ssize_t)sizeof probe ? 0 : errno;
}

int hauberk_lab_probe_receive(int socket, uint64_t run, uint64_t *number) {
  struct probe probe;
  ssize_t length = recv(socket, &probe, sizeof probe, MSG_TRUNC);
  if (length < 0) return 0;
  if (length != (ssize_t)sizeof probe || probe.run != run) return -1;
  *number = probe.number;
  return 1;
}
