// What no file tells of a machine: what devices say when they are asked, and what the kernel lets this process do.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  char driver[32];
  char bus[32];
  /// Nothing is known of them where the most is 0.
  uint32_t receive_ring, most_receive_ring, send_ring, most_send_ring;
  uint32_t combined_queues, most_combined_queues, receive_queues, most_receive_queues;
} hauberk_driver;

/// 0, or an errno.
int hauberk_driver_ask(const char *device, hauberk_driver *out);

typedef struct {
  char name[32];
  bool is_on, is_fixed;
} hauberk_driver_feature;

/// What the device does with packets by itself, as `ethtool -k` lists it. Returns how many; 0 where it does not say.
int hauberk_driver_features(const char *device, hauberk_driver_feature *out, int capacity);

/// The number of the device that the other end of a veth has in its own namespace; 0 where there is none.
uint32_t hauberk_driver_peer(const char *device);

/// What the driver does for XDP, as bits of NETDEV_XDP_ACT_*: 1 basic, 2 redirect, 8 zero copy, 32 longer than a frame.
/// False where the kernel cannot say (before 6.3).
bool hauberk_driver_xdp(const char *device, uint64_t *out);

enum { HAUBERK_ADDRESS_BYTES = 64 };

/// The kernel's own addresses on a device, as text, HAUBERK_ADDRESS_BYTES apart. Returns how many.
int hauberk_driver_addresses(const char *device, char *out, int capacity);

// Whether this process could have one: 0, or an errno. Nothing stays.
int hauberk_try_xdp_socket(void);
int hauberk_try_packet_socket(void);
int hauberk_try_xdp_program(void);
int hauberk_try_tun(void);

/// As much memory as this process may lock, once it has raised its limit; UINT64_MAX: all.
uint64_t hauberk_most_locked_memory(void);
