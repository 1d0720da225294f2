// What the two halves of an AF_PACKET port share: the one that opens, and the one that every packet passes.
#pragma once
#include "CKernel.h"

#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
  // The longest that segmentation offload makes, and its link header.
  LONGEST = 65536 + 256,
  MOST_MEMBERSHIPS = 8,
};

struct ends {
  int receive, send, index;
  uint8_t *ring;
};

struct hauberk_packet_socket {
  struct ends ends;
  uint32_t next;
  // The frame at `next` was too long for its slot, and has been read out of the socket's queue.
  bool is_fetched, is_losing;
  ssize_t fetched;
  struct virtio_net_hdr fetched_header;
  struct hauberk_packet_options options;
  size_t ring_bytes;
  uint32_t slots, slot_bytes;
  char device[IFNAMSIZ];
  uint8_t macs[MOST_MEMBERSHIPS][6];
  uint32_t mac_count;
  // A group has one interface, and its number changes with the interface's.
  uint16_t group_base;
  struct mmsghdr messages[HAUBERK_SEND_MOST];
  struct iovec vectors[HAUBERK_SEND_MOST];
  uint8_t long_frame[LONGEST];
};
