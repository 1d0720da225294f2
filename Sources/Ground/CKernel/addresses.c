#include "Addresses.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "netlink.h"

struct found {
  unsigned device;
  hauberk_address *out;
  int most, count;
  bool is_too_much;
};

static void hear(const struct nlmsghdr *part, void *context) {
  struct found *found = context;
  const struct ifaddrmsg *said = NLMSG_DATA(part);
  const size_t bytes = part->nlmsg_len - NLMSG_HDRLEN;
  if (part->nlmsg_type != RTM_NEWADDR || said->ifa_index != found->device) return;
  if (bytes > HAUBERK_ADDRESS_BYTES || found->count == found->most) {
    found->is_too_much = true;
    return;
  }
  hauberk_address *address = &found->out[found->count++];
  *address = (hauberk_address){.family = said->ifa_family, .prefix = said->ifa_prefixlen, .bytes = (uint16_t)bytes};
  memcpy(address->message, said, bytes);
  address->is_link_local = said->ifa_family == AF_INET6 && said->ifa_scope == RT_SCOPE_LINK;
  size_t left = IFA_PAYLOAD(part);
  for (const struct rtattr *a = IFA_RTA(said); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    // The local one where both are said: the other is that of a link's far end.
    const bool is_told = a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && said->ifa_family == AF_INET6);
    if (is_told && RTA_PAYLOAD(a) <= sizeof address->address) memcpy(address->address, RTA_DATA(a), RTA_PAYLOAD(a));
  }
}

int hauberk_addresses(unsigned device, hauberk_address *out, int most) {
  // Whoever changes addresses while they are told makes the list worthless.
  for (int attempt = 0;; attempt++) {
    struct found found = {device, out, most, 0, false};
    struct netlink_message message;
    const struct ifaddrmsg all = {.ifa_family = AF_UNSPEC};
    netlink_begin(&message, RTM_GETADDR, NLM_F_DUMP, &all, sizeof all);
    const int error = netlink_ask(&message, hear, &found);
    if (error == EINTR && attempt < 20) continue;
    if (error) return -error;
    return found.is_too_much ? -E2BIG : found.count;
  }
}

static int say(int type, int flags, unsigned device, const hauberk_address *address) {
  struct netlink_message message;
  netlink_begin(&message, type, flags, address->message, address->bytes);
  ((struct ifaddrmsg *)message.body)->ifa_index = device;
  return netlink_ask(&message, NULL, NULL);
}

int hauberk_address_take(unsigned device, const hauberk_address *address) {
  return say(RTM_DELADDR, 0, device, address);
}

int hauberk_address_give(unsigned device, const hauberk_address *address) {
  return say(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, device, address);
}

int hauberk_device_claim(unsigned device) {
  // A name without a file: it is the network namespace's, as devices are.
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  const int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "hauberk/device/%u", device);
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
  if (bind(descriptor, (const struct sockaddr *)&name, bytes) == 0) return descriptor;
  const int error = errno;
  close(descriptor);
  return -error;
}

static int open_switch(const char *device, int flags) {
  char path[96];
  snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", device);
  return open(path, flags | O_CLOEXEC);
}

int hauberk_ipv6_is_off(const char *device) {
  char word = 0;
  const int descriptor = open_switch(device, O_RDONLY);
  if (descriptor < 0) return -errno;
  const int error = read(descriptor, &word, 1) == 1 ? 0 : EIO;
  close(descriptor);
  return error ? -error : word != '0';
}

int hauberk_ipv6_switch(const char *device, bool is_off) {
  const int descriptor = open_switch(device, O_WRONLY);
  if (descriptor < 0) return errno;
  const int error = write(descriptor, is_off ? "1" : "0", 1) == 1 ? 0 : errno;
  close(descriptor);
  return error;
}
