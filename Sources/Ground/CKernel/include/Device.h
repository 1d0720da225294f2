// A network device, as the kernel knows it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint8_t mac[6];
  /// ARPHRD_...: 1 is Ethernet.
  uint16_t kind;
  uint32_t mtu;
  bool is_up;
  bool has_link;
} hauberk_link_facts;

/// 0, or an errno: ENODEV where there is none of this name.
int hauberk_link_look(const char *name, hauberk_link_facts *device);

/// A descriptor that can be read when the kernel has something to say of any device's link. Below 0: -errno.
int hauberk_link_watch(void);
/// Takes what there is to read; whether there was anything.
bool hauberk_link_take(int watch);
