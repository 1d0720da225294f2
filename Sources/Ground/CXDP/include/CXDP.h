// AF_XDP, straight on the kernel's interface: sockets whose packets lie in memory that we share with it.
#pragma once
#include <CXDPCounts.h>
#include <CXDPFilter.h>
#include <CXDPRings.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  /// The kernel leaves as much in front of a packet, from the frame's beginning.
  HAUBERK_XDP_HEADROOM = 256,
  /// It takes no smaller and no larger chunks.
  HAUBERK_XDP_LEAST_CHUNK = 2048,
  HAUBERK_XDP_MOST_CHUNK = 4096,
  /// In a descriptor's options: the packet goes on in the next one.
  HAUBERK_XDP_GOES_ON = 1,
  /// An address's upper 16 bits count from the lower 48 on.
  HAUBERK_XDP_OFFSET_SHIFT = 48,
};

/// A socket of one queue of a device.
typedef struct {
  int descriptor;
  bool is_zero_copy;
  hauberk_xdp_ring fill, completion, receive, transmit;
} hauberk_xdp_socket;

typedef struct {
  /// The memory of all packets, and how much of a frame is the kernel's.
  void *memory;
  size_t bytes;
  uint32_t chunk;
  /// Entries, powers of two.
  uint32_t fill, completion, receive, transmit;
  unsigned device;
  uint32_t queue;
  /// The socket whose registration of the memory this one uses too; -1 registers it.
  int shared;
  /// No zero-copy, even where it could be had. What a socket shares memory with has decided for both.
  bool copies;
  /// Packets may be longer than a chunk.
  bool in_pieces;
} hauberk_xdp_wishes;

/// Makes a socket and binds it. 0, or an errno, and in `step` what it was that failed.
int hauberk_xdp_open(const hauberk_xdp_wishes *wishes, hauberk_xdp_socket *out, const char **step);
void hauberk_xdp_close(hauberk_xdp_socket *socket);

/// Makes the kernel send what is in the transmit ring, as far as it can. 0, or why it did not take everything.
HAUBERK_XDP_HOT int hauberk_xdp_kick(int descriptor, hauberk_xdp_ring *transmit);
/// Tells the driver that there are frames to receive into.
HAUBERK_XDP_HOT void hauberk_xdp_tell_filled(int descriptor);

/// What the kernel counts of a socket.
typedef struct {
  uint64_t dropped, bad_fill, bad_transmit, ring_full, no_frame, nothing_to_send;
} hauberk_xdp_statistics;
bool hauberk_xdp_read_statistics(int descriptor, hauberk_xdp_statistics *out);

/// A device's program and its maps, all of which go when their descriptors are closed.
typedef struct {
  int program, sockets, link;
} hauberk_xdp_program;

/// Loads the program for so many queues, with a filter in front that outlives it. 0, or an errno; `log` gets the verifier's words, if it had any.
int hauberk_xdp_load(uint32_t queues, bool in_pieces, const hauberk_early *early, hauberk_xdp_program *out, char *log,
                     size_t log_bytes);
/// Puts the program into the driver's own hook, or into the generic one. 0, or an errno.
int hauberk_xdp_attach(hauberk_xdp_program *program, unsigned device, bool is_native);
/// From here on the queue's packets go to this socket. 0, or an errno.
int hauberk_xdp_enter(const hauberk_xdp_program *program, uint32_t queue, int descriptor);
void hauberk_xdp_unload(hauberk_xdp_program *program);

/// What a device is: 0, or an errno.
typedef struct {
  unsigned index;
  int mtu;
  /// Up, and its link carries frames.
  bool is_running;
  /// VLAN tags are gone before a program sees the packet.
  bool takes_tags_off;
  uint32_t receive_queues;
} hauberk_xdp_device;
int hauberk_xdp_find_device(const char *name, hauberk_xdp_device *out);
/// The device takes packets to this address too, or to any (NULL), until the descriptor is closed; -1 makes one.
/// 0, or an errno.
int hauberk_xdp_listen(unsigned device, const uint8_t *address, int *descriptor);
/// As much memory as wanted may be locked; false where we may not decide that.
bool hauberk_xdp_lift_lock_limit(void);

/// The program that drops what a device receives, behind its taps. A descriptor, or -errno.
int hauberk_ingress_load(void);
/// In front of everybody's at this device, until the descriptor is closed. A descriptor, or -errno: EINVAL before Linux
/// 6.6.
int hauberk_ingress_attach(int program, unsigned device);
