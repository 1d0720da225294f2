// What the local kernel has at a device: addresses, IPv6, and a filter of ours that keeps packets from it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { HAUBERK_ADDRESSES_MOST = 1024, HAUBERK_ADDRESS_BYTES = 160 };

/// An address of the kernel's, and in `message` all that the kernel said of it, to be given back in the same words.
typedef struct {
  uint8_t family, prefix;
  /// It says something about this link alone, and goes with IPv6.
  bool is_link_local;
  uint8_t address[16];
  uint16_t bytes;
  uint8_t message[HAUBERK_ADDRESS_BYTES];
} hauberk_address;

/// How many the device has; below 0: -errno, and E2BIG where there are more than fit.
int hauberk_addresses(unsigned device, hauberk_address *out, int most);
/// 0, or an errno.
int hauberk_address_take(unsigned device, const hauberk_address *address);
int hauberk_address_give(unsigned device, const hauberk_address *address);

/// 1 where IPv6 is switched off at this device, 0 where it is not; below 0: -errno, and ENOENT without any IPv6.
int hauberk_ipv6_is_off(const char *device);
/// 0, or an errno.
int hauberk_ipv6_switch(const char *device, bool is_off);

/// Puts a program in front of what the kernel receives at a device, as a filter of the queueing discipline clsact: for
/// kernels that cannot do it by a link (before 6.6). It stays until it is taken away, and one that was left over is
/// replaced. 0, or an errno; `made` is set where the discipline was not there before.
int hauberk_clsact_attach(int program, unsigned device, bool *made);
/// Takes ours away, and with `all` the discipline too, unless somebody else has a filter there. 0, or an errno.
int hauberk_clsact_detach(unsigned device, bool all);
/// Whether a filter of ours is there.
bool hauberk_clsact_has(unsigned device);

/// A claim to a device, in this network namespace, that nobody else can have meanwhile and that ends with the process: a
/// descriptor; below 0: -errno, and EADDRINUSE where somebody has it.
int hauberk_device_claim(unsigned device);
