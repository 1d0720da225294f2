// What a driver does for XDP: one question to the kernel's generic netlink family "netdev".
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "CMachine.h"

// Linux 6.3 and later; a header of Debian 12 does not have them.
enum { GET_DEVICE = 1, DEVICE_NUMBER = 1, DEVICE_XDP_FEATURES = 3 };

typedef struct {
  struct nlmsghdr head;
  struct genlmsghdr command;
  struct nlattr attribute;
  char value[16];
} question;

/// Asks and receives the one answer; its length, or 0.
static size_t exchange(int kernel, question *q, char *answer, size_t room) {
  q->attribute.nla_len = (uint16_t)(NLA_HDRLEN + q->attribute.nla_len);
  q->head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(GENL_HDRLEN) + NLA_ALIGN(q->attribute.nla_len));
  q->head.nlmsg_flags = NLM_F_REQUEST;
  if (send(kernel, q, q->head.nlmsg_len, 0) < 0) return 0;
  ssize_t length = recv(kernel, answer, room, 0);
  const struct nlmsghdr *head = (const struct nlmsghdr *)(const void *)answer;
  if (length < (ssize_t)NLMSG_LENGTH(GENL_HDRLEN) || head->nlmsg_type == NLMSG_ERROR || head->nlmsg_len > (size_t)length)
    return 0;
  return head->nlmsg_len;
}

/// The value of the first attribute of this kind that is at least so long.
static const void *find(const char *answer, size_t length, uint16_t kind, size_t least) {
  size_t at = NLMSG_LENGTH(GENL_HDRLEN);
  while (at + NLA_HDRLEN <= length) {
    struct nlattr head;
    memcpy(&head, answer + at, sizeof head);
    if (head.nla_len < NLA_HDRLEN || at + head.nla_len > length) return NULL;
    if ((head.nla_type & NLA_TYPE_MASK) == kind && head.nla_len >= NLA_HDRLEN + least) return answer + at + NLA_HDRLEN;
    at += NLA_ALIGN(head.nla_len);
  }
  return NULL;
}

static bool ask(int kernel, uint32_t number, uint64_t *out) {
  _Alignas(8) char answer[8192];
  question family = {.head = {.nlmsg_type = GENL_ID_CTRL},
                     .command = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
                     .attribute = {.nla_type = CTRL_ATTR_FAMILY_NAME, .nla_len = sizeof "netdev"},
                     .value = "netdev"};
  size_t length = exchange(kernel, &family, answer, sizeof answer);
  const void *id = find(answer, length, CTRL_ATTR_FAMILY_ID, sizeof(uint16_t));
  if (!id) return false;
  uint16_t type;
  memcpy(&type, id, sizeof type);
  question device = {.head = {.nlmsg_type = type},
                     .command = {.cmd = GET_DEVICE, .version = 1},
                     .attribute = {.nla_type = DEVICE_NUMBER, .nla_len = sizeof number}};
  memcpy(device.value, &number, sizeof number);
  length = exchange(kernel, &device, answer, sizeof answer);
  const void *bits = find(answer, length, DEVICE_XDP_FEATURES, sizeof *out);
  if (bits) memcpy(out, bits, sizeof *out);
  return bits != NULL;
}

bool hauberk_driver_xdp(const char *device, uint64_t *out) {
  uint32_t number = if_nametoindex(device);
  if (number == 0) return false;
  int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
  if (kernel < 0) return false;
  const struct timeval limit = {1, 0};
  setsockopt(kernel, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  bool is_known = ask(kernel, number, out);
  close(kernel);
  return is_known;
}
