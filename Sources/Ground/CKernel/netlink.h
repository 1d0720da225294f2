// One question to the kernel's network, and its answer.
#pragma once
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

enum { NETLINK_MOST = 512 };

/// A message as it grows. Attributes that do not fit are left out, and the kernel refuses what is left.
struct netlink_message {
  struct nlmsghdr header;
  uint8_t body[NETLINK_MOST];
};

/// Begins a message with the fixed part of its kind.
void netlink_begin(struct netlink_message *message, int type, int flags, const void *fixed, size_t bytes);
void netlink_add(struct netlink_message *message, int type, const void *value, size_t bytes);
/// An attribute that contains those that are added until `netlink_end`.
struct rtattr *netlink_nest(struct netlink_message *message, int type);
void netlink_end(struct netlink_message *message, struct rtattr *nest);
/// Asks, and hears each part of the answer. 0, or an errno.
int netlink_ask(struct netlink_message *message, void (*hear)(const struct nlmsghdr *part, void *context),
                void *context);
