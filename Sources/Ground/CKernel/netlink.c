#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void netlink_begin(struct netlink_message *message, int type, int flags, const void *fixed, size_t bytes) {
  memset(message, 0, sizeof *message);
  message->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(bytes);
  message->header.nlmsg_type = (uint16_t)type;
  message->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
  memcpy(message->body, fixed, bytes);
}

void netlink_add(struct netlink_message *message, int type, const void *value, size_t bytes) {
  const size_t start = NLMSG_ALIGN(message->header.nlmsg_len);
  if (start + RTA_SPACE(bytes) > sizeof *message) return;
  struct rtattr *attribute = (struct rtattr *)((uint8_t *)message + start);
  attribute->rta_type = (uint16_t)type;
  attribute->rta_len = (uint16_t)RTA_LENGTH(bytes);
  if (bytes) memcpy(RTA_DATA(attribute), value, bytes);
  message->header.nlmsg_len = (uint32_t)(start + RTA_SPACE(bytes));
}

struct rtattr *netlink_nest(struct netlink_message *message, int type) {
  struct rtattr *nest = (struct rtattr *)((uint8_t *)message + NLMSG_ALIGN(message->header.nlmsg_len));
  netlink_add(message, type, NULL, 0);
  return nest;
}

void netlink_end(struct netlink_message *message, struct rtattr *nest) {
  nest->rta_len = (uint16_t)((uint8_t *)message + message->header.nlmsg_len - (uint8_t *)nest);
}

int netlink_ask(struct netlink_message *message, void (*hear)(const struct nlmsghdr *, void *), void *context) {
  static const struct timeval patience = {.tv_sec = 2};
  int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (descriptor < 0) return errno;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  message->header.nlmsg_seq = 1;
  // Two bits, each of which means something else where something is made.
  if ((message->header.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) message->header.nlmsg_flags |= NLM_F_ACK;
  int error = send(descriptor, message, message->header.nlmsg_len, 0) < 0 ? errno : 0;
  int interrupted = 0;
  _Alignas(struct nlmsghdr) uint8_t answer[32768];
  for (int is_over = 0; !error && !is_over;) {
    ssize_t got = recv(descriptor, answer, sizeof answer, 0);
    if (got < 0) error = errno;
    size_t left = got < 0 ? 0 : (size_t)got;
    for (const struct nlmsghdr *part = (const void *)answer; NLMSG_OK(part, left); part = NLMSG_NEXT(part, left)) {
      if (part->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = 1;
      if (part->nlmsg_type == NLMSG_DONE) {
        // It carries how the dump went.
        if (part->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) error = -*(const int *)NLMSG_DATA(part);
        is_over = 1;
      }
      if (part->nlmsg_type == NLMSG_ERROR) {
        error = -((const struct nlmsgerr *)NLMSG_DATA(part))->error;
        is_over = 1;
      }
      if (part->nlmsg_type >= NLMSG_MIN_TYPE && hear) hear(part, context);
    }
  }
  close(descriptor);
  return error ? error : interrupted ? EINTR : 0;
}
