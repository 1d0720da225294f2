#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>
#include <sys/socket.h>

#include "Addresses.h"
#include "netlink.h"

// By which it is known again.
static const char name[] = "hauberk-ingress";
enum { PRIORITY = 1, HANDLE = 0x4842 };

static struct tcmsg place(unsigned device) {
  return (struct tcmsg){.tcm_family = AF_UNSPEC,
                        .tcm_ifindex = (int)device,
                        .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
                        .tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL))};
}

static int discipline(int type, int flags, unsigned device) {
  struct netlink_message message;
  const struct tcmsg root = {.tcm_family = AF_UNSPEC,
                             .tcm_ifindex = (int)device,
                             .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
                             .tcm_parent = TC_H_CLSACT};
  netlink_begin(&message, type, flags, &root, sizeof root);
  netlink_add(&message, TCA_KIND, "clsact", sizeof "clsact");
  return netlink_ask(&message, NULL, NULL);
}

int hauberk_clsact_attach(int program, unsigned device, bool *made) {
  int error = discipline(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, device);
  *made = error == 0;
  if (error && error != EEXIST) return error;
  struct tcmsg filter = place(device);
  filter.tcm_handle = HANDLE;
  struct netlink_message message;
  netlink_begin(&message, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, &filter, sizeof filter);
  netlink_add(&message, TCA_KIND, "bpf", sizeof "bpf");
  struct rtattr *options = netlink_nest(&message, TCA_OPTIONS);
  const uint32_t descriptor = (uint32_t)program, flags = TCA_BPF_FLAG_ACT_DIRECT;
  netlink_add(&message, TCA_BPF_FD, &descriptor, sizeof descriptor);
  netlink_add(&message, TCA_BPF_NAME, name, sizeof name);
  netlink_add(&message, TCA_BPF_FLAGS, &flags, sizeof flags);
  netlink_end(&message, options);
  error = netlink_ask(&message, NULL, NULL);
  if (error && *made) discipline(RTM_DELQDISC, 0, device);
  return error;
}

static void hear_any(const struct nlmsghdr *part, void *context) {
  const struct tcmsg *said = NLMSG_DATA(part);
  // A class of filters is told as well, with no handle.
  if (part->nlmsg_type == RTM_NEWTFILTER && said->tcm_handle) *(bool *)context = true;
}

/// Whether anybody has a filter at the discipline. Where the kernel does not tell, somebody may.
static bool has_any(unsigned device) {
  static const unsigned sides[] = {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS};
  for (int side = 0; side < 2; side++) {
    bool has = false;
    struct tcmsg filters = place(device);
    filters.tcm_info = 0;
    filters.tcm_parent = TC_H_MAKE(TC_H_CLSACT, sides[side]);
    struct netlink_message message;
    netlink_begin(&message, RTM_GETTFILTER, NLM_F_DUMP, &filters, sizeof filters);
    if (netlink_ask(&message, hear_any, &has) || has) return true;
  }
  return false;
}

int hauberk_clsact_detach(unsigned device, bool all) {
  struct tcmsg filter = place(device);
  filter.tcm_handle = HANDLE;
  struct netlink_message message;
  netlink_begin(&message, RTM_DELTFILTER, 0, &filter, sizeof filter);
  netlink_add(&message, TCA_KIND, "bpf", sizeof "bpf");
  const int error = netlink_ask(&message, NULL, NULL);
  return !error && all && !has_any(device) ? discipline(RTM_DELQDISC, 0, device) : error;
}

static void hear(const struct nlmsghdr *part, void *context) {
  const struct tcmsg *said = NLMSG_DATA(part);
  size_t left = part->nlmsg_len - NLMSG_LENGTH(sizeof *said);
  if (part->nlmsg_type != RTM_NEWTFILTER || said->tcm_handle != HANDLE) return;
  for (const struct rtattr *a = TCA_RTA(said); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    if (a->rta_type != TCA_OPTIONS) continue;
    size_t inner = RTA_PAYLOAD(a);
    for (const struct rtattr *b = RTA_DATA(a); RTA_OK(b, inner); b = RTA_NEXT(b, inner))
      if (b->rta_type == TCA_BPF_NAME && RTA_PAYLOAD(b) >= sizeof name && memcmp(RTA_DATA(b), name, sizeof name) == 0)
        *(bool *)context = true;
  }
}

bool hauberk_clsact_has(unsigned device) {
  bool has = false;
  struct tcmsg filters = place(device);
  filters.tcm_info = 0;
  struct netlink_message message;
  netlink_begin(&message, RTM_GETTFILTER, NLM_F_DUMP, &filters, sizeof filters);
  return netlink_ask(&message, hear, &has) == 0 && has;
}
