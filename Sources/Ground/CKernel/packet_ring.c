// The half of an AF_PACKET port that every packet passes. packet_socket.c says why it is made like this.
#include "packet_socket.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

static struct tpacket2_hdr *slot_at(const hauberk_packet_socket *s, uint32_t place) {
  return (struct tpacket2_hdr *)(s->ends.ring + (size_t)place * s->slot_bytes);
}

static bool is_outgoing(const struct tpacket2_hdr *slot) {
  const struct sockaddr_ll *address =
      (const struct sockaddr_ll *)((const uint8_t *)slot + TPACKET_ALIGN(sizeof(struct tpacket2_hdr)));
  return address->sll_pkttype == PACKET_OUTGOING;
}

static struct hauberk_offload offload_of(const struct virtio_net_hdr *header) {
  return (struct hauberk_offload){header->flags,    header->gso_type,   header->hdr_len,
                                  header->gso_size, header->csum_start, header->csum_offset};
}

/// Reads the frame that was too long for its slot.
static void fetch(hauberk_packet_socket *s) {
  struct iovec parts[2] = {{&s->fetched_header, sizeof s->fetched_header}, {s->long_frame, sizeof s->long_frame}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t got = recvmsg(s->ends.receive, &message, MSG_DONTWAIT | MSG_TRUNC);
  // That the link went down is told once, before what still waits.
  if (got < 0 && errno != EAGAIN) got = recvmsg(s->ends.receive, &message, MSG_DONTWAIT | MSG_TRUNC);
  s->fetched = got - (ssize_t)sizeof s->fetched_header;
  s->is_fetched = true;
}

bool hauberk_packet_peek(hauberk_packet_socket *s, struct hauberk_arrival *arrival) {
  const struct tpacket2_hdr *slot;
  uint32_t status;
  while (true) {
    slot = slot_at(s, s->next);
    // edge packetslot.content: acquire; pairs with the kernel's, and with the release in pop one round earlier.
    status = __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER)) return false;
    if (status & TP_STATUS_LOSING) s->is_losing = true;
    if (!s->is_fetched && (status & TP_STATUS_COPY)) fetch(s);
    if (!is_outgoing(slot)) break;
    hauberk_packet_pop(s);
  }
  const uint8_t *bytes = (const uint8_t *)slot + slot->tp_mac;
  struct virtio_net_hdr header;
  arrival->bytes = bytes;
  arrival->length = slot->tp_snaplen;
  arrival->wire_length = slot->tp_len;
  // The kernel writes the header right in front of the frame, wherever that begins.
  memcpy(&header, bytes - sizeof header, sizeof header);
  if (s->is_fetched && s->fetched >= 0) {
    arrival->bytes = s->long_frame;
    arrival->length = s->fetched > LONGEST ? LONGEST : (uint32_t)s->fetched;
    arrival->wire_length = (uint32_t)s->fetched;
    header = s->fetched_header;
  }
  arrival->seconds = slot->tp_sec;
  arrival->nanoseconds = slot->tp_nsec;
  const uint32_t type = status & TP_STATUS_VLAN_TPID_VALID ? slot->tp_vlan_tpid : ETH_P_8021Q;
  arrival->tag = status & TP_STATUS_VLAN_VALID ? type << 16 | slot->tp_vlan_tci : 0;
  arrival->offload = offload_of(&header);
  return true;
}

void hauberk_packet_pop(hauberk_packet_socket *s) {
  s->is_fetched = false;
  // edge packetslot.content: release; pairs with the acquire in peek, and with the kernel's. What was read is read.
  __atomic_store_n(&slot_at(s, s->next)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  s->next = s->next + 1 == s->slots ? 0 : s->next + 1;
}

uint32_t hauberk_packet_lost(hauberk_packet_socket *s) {
  if (!s->is_losing) return 0;
  s->is_losing = false;
  struct tpacket_stats counted = {0};
  socklen_t bytes = sizeof counted;
  // Asking sets it to zero.
  return getsockopt(s->ends.receive, SOL_PACKET, PACKET_STATISTICS, &counted, &bytes) == 0 ? counted.tp_drops : 0;
}

void hauberk_packet_settle(hauberk_packet_socket *s) {
  int error;
  socklen_t bytes = sizeof error;
  getsockopt(s->ends.receive, SOL_SOCKET, SO_ERROR, &error, &bytes);
  bytes = sizeof error;
  getsockopt(s->ends.send, SOL_SOCKET, SO_ERROR, &error, &bytes);
  s->is_losing = true;
}

void hauberk_packet_stage(hauberk_packet_socket *s, uint32_t place, const void *bytes, uint32_t length) {
  s->vectors[place] = (struct iovec){(void *)bytes, length};
}

struct hauberk_sent hauberk_packet_send(hauberk_packet_socket *s, uint32_t first, uint32_t end) {
  int sent = sendmmsg(s->ends.send, s->messages + first, end - first, MSG_DONTWAIT);
  return sent > 0 ? (struct hauberk_sent){(uint32_t)sent, 0} : (struct hauberk_sent){0, errno};
}
