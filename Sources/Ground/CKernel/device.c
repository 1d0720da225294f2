// What the kernel says of a network device, asked by name: in the network namespace that this thread is in.
#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "Device.h"

static int ask(int socket, const char *name, unsigned long what, struct ifreq *answer) {
  memset(answer, 0, sizeof *answer);
  strncpy(answer->ifr_name, name, IFNAMSIZ - 1);
  return ioctl(socket, what, answer) == 0 ? 0 : errno;
}

int hauberk_link_look(const char *name, hauberk_link_facts *device) {
  int socket_number = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_number < 0) return errno;
  struct ifreq answer;
  int error = ask(socket_number, name, SIOCGIFHWADDR, &answer);
  if (!error) memcpy(device->mac, answer.ifr_hwaddr.sa_data, sizeof device->mac);
  if (!error) device->kind = answer.ifr_hwaddr.sa_family;
  if (!error) error = ask(socket_number, name, SIOCGIFMTU, &answer);
  if (!error) device->mtu = (uint32_t)answer.ifr_mtu;
  if (!error) error = ask(socket_number, name, SIOCGIFFLAGS, &answer);
  if (!error) {
    device->is_up = (answer.ifr_flags & IFF_UP) != 0;
    device->has_link = (answer.ifr_flags & IFF_RUNNING) != 0;
  }
  close(socket_number);
  return error;
}

int hauberk_link_watch(void) {
  int watch = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (watch < 0) return -errno;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
  if (bind(watch, (struct sockaddr *)&address, sizeof address) == 0) return watch;
  int error = errno;
  close(watch);
  return -error;
}

bool hauberk_link_take(int watch) {
  char message[8192];
  bool is_news = false;
  // ENOBUFS: there was more than the kernel could keep. What it was is looked at anyway.
  while (recv(watch, message, sizeof message, 0) >= 0 || errno == ENOBUFS) is_news = true;
  return is_news;
}
