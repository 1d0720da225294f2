// Live devices: what needs the kernel's own structures. AF_PACKET sockets and TAP devices.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What the kernel says of a frame whose checksum or whose division into segments was left to a device.
struct hauberk_offload {
  uint8_t flags;
  uint8_t kind;
  uint16_t header_length;
  uint16_t segment_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
};

/// A frame in the kernel's memory; it stays there until it is popped.
struct hauberk_arrival {
  const uint8_t *bytes;
  uint32_t length;
  /// More than `length` when the kernel has cut it.
  uint32_t wire_length;
  uint32_t seconds, nanoseconds;
  /// The VLAN tag that the kernel took out, as it was on the wire; 0 is none.
  uint32_t tag;
  struct hauberk_offload offload;
};

/// What became of a burst: how far it got, and the errno of the frame at which it stopped, 0 if of none.
struct hauberk_sent {
  uint32_t count;
  int error;
};

enum { HAUBERK_SEND_MOST = 64 };

/// How a device stands. The same order as PortState.
enum hauberk_link { HAUBERK_LINK_UP, HAUBERK_LINK_DOWN, HAUBERK_LINK_GONE };

/// How an AF_PACKET socket is to be made.
struct hauberk_packet_options {
  /// Of the ring: a multiple of 256 KiB.
  uint32_t ring_bytes;
  bool promiscuous;
  bool bypass_queueing;
  /// PACKET_FANOUT_…, or negative for a socket that shares with nobody.
  int fanout;
  /// The number of those that share; negative lets the kernel choose one. It may choose 0.
  int32_t group;
};

/// Two sockets on one interface, a ring to receive from, and what a burst to send needs.
typedef struct hauberk_packet_socket hauberk_packet_socket;

/// 0, or an errno; then `*step` says in words what failed, and nothing stays open.
int hauberk_packet_open(const char *device, const struct hauberk_packet_options *options,
                        hauberk_packet_socket **out, const char **step);
void hauberk_packet_close(hauberk_packet_socket *socket);
/// Frames to one more address are received: the device's filter lets them in.
int hauberk_packet_join(hauberk_packet_socket *socket, const uint8_t mac[6]);
const char *hauberk_packet_device(const hauberk_packet_socket *socket);
HAUBERK_HOT int hauberk_packet_descriptor(const hauberk_packet_socket *socket);
int32_t hauberk_packet_group(const hauberk_packet_socket *socket);
enum hauberk_link hauberk_packet_link(const hauberk_packet_socket *socket);
/// The longest IP packet that the device takes; 0 when it is gone.
HAUBERK_HOT uint32_t hauberk_packet_mtu(const hauberk_packet_socket *socket);

/// The oldest frame, if there is one. The same until it is popped.
HAUBERK_HOT bool hauberk_packet_peek(hauberk_packet_socket *socket, struct hauberk_arrival *arrival);
HAUBERK_HOT void hauberk_packet_pop(hauberk_packet_socket *socket);
/// Frames that found no room in the ring since this was last asked; asks the kernel only if it may be that there are.
HAUBERK_HOT uint32_t hauberk_packet_lost(hauberk_packet_socket *socket);
/// For a port with nothing to do: errors that wait in the sockets are taken, or nobody could sleep for them.
HAUBERK_HOT void hauberk_packet_settle(hauberk_packet_socket *socket);
/// Puts a frame into the burst to send, at most HAUBERK_SEND_MOST.
HAUBERK_HOT void hauberk_packet_stage(hauberk_packet_socket *socket, uint32_t place, const void *bytes, uint32_t length);
/// Sends the staged frames from `first` to before `end`.
HAUBERK_HOT struct hauberk_sent hauberk_packet_send(hauberk_packet_socket *socket, uint32_t first, uint32_t end);

/// The checksum of SCTP (RFC 9260 appendix A), which stands in a packet with its lowest octet first.
HAUBERK_HOT uint32_t hauberk_crc32c(const void *bytes, size_t count);

/// How one queue of a TAP device is to be made.
struct hauberk_tap_options {
  /// One of several queues of the device.
  bool is_shared;
  bool is_up, has_mac;
  uint8_t mac[6];
};

/// One queue of a TAP device.
typedef struct hauberk_tap hauberk_tap;

/// 0, or an errno; then `*step` says in words what failed. The device is made if there is none of that name, and goes
/// with its last queue.
int hauberk_tap_open(const char *device, const struct hauberk_tap_options *options, hauberk_tap **out,
                     const char **step);
void hauberk_tap_close(hauberk_tap *tap);
const char *hauberk_tap_device(const hauberk_tap *tap);
HAUBERK_HOT int hauberk_tap_descriptor(const hauberk_tap *tap);
enum hauberk_link hauberk_tap_link(const hauberk_tap *tap);
HAUBERK_HOT uint32_t hauberk_tap_mtu(const hauberk_tap *tap);
/// The next frame, if there is one. The same until it is popped.
HAUBERK_HOT bool hauberk_tap_peek(hauberk_tap *tap, struct hauberk_arrival *arrival);
HAUBERK_HOT void hauberk_tap_pop(hauberk_tap *tap);
/// 0, or an errno.
HAUBERK_HOT int hauberk_tap_send(hauberk_tap *tap, const void *bytes, uint32_t length);
