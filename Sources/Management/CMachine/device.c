#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CMachine.h"

/// One question to the device's driver. 0, or an errno.
static int ask(const char *device, void *question) {
  struct ifreq request = {.ifr_data = question};
  if (strlen(device) >= sizeof request.ifr_name) return ENAMETOOLONG;
  strcpy(request.ifr_name, device);
  int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) return errno;
  int code = ioctl(any, SIOCETHTOOL, &request) == 0 ? 0 : errno;
  close(any);
  return code;
}

int hauberk_driver_ask(const char *device, hauberk_driver *out) {
  *out = (hauberk_driver){0};
  struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
  int code = ask(device, &driver);
  if (code == ENODEV || code == ENAMETOOLONG) return code;
  if (code == 0) {
    snprintf(out->driver, sizeof out->driver, "%.31s", driver.driver);
    snprintf(out->bus, sizeof out->bus, "%.31s", driver.bus_info);
  }
  struct ethtool_ringparam rings = {.cmd = ETHTOOL_GRINGPARAM};
  if (ask(device, &rings) == 0) {
    out->receive_ring = rings.rx_pending;
    out->most_receive_ring = rings.rx_max_pending;
    out->send_ring = rings.tx_pending;
    out->most_send_ring = rings.tx_max_pending;
  }
  struct ethtool_channels queues = {.cmd = ETHTOOL_GCHANNELS};
  if (ask(device, &queues) == 0) {
    out->combined_queues = queues.combined_count;
    out->most_combined_queues = queues.max_combined;
    out->receive_queues = queues.rx_count;
    out->most_receive_queues = queues.max_rx;
  }
  return 0;
}

/// The names of one set of the device's, in memory that the caller frees; NULL where it has none.
static struct ethtool_gstrings *names(const char *device, uint32_t set) {
  _Alignas(struct ethtool_sset_info) char room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)] = {0};
  struct ethtool_sset_info *about = (struct ethtool_sset_info *)(void *)room;
  about->cmd = ETHTOOL_GSSET_INFO;
  about->sset_mask = 1ull << set;
  if (ask(device, about) != 0 || about->sset_mask == 0) return NULL;
  uint32_t count = about->data[0];
  if (count == 0 || count > 4096) return NULL;
  struct ethtool_gstrings *found = calloc(1, sizeof *found + (size_t)count * ETH_GSTRING_LEN);
  if (!found) return NULL;
  *found = (struct ethtool_gstrings){.cmd = ETHTOOL_GSTRINGS, .string_set = set, .len = count};
  if (ask(device, found) == 0) return found;
  free(found);
  return NULL;
}

int hauberk_driver_features(const char *device, hauberk_driver_feature *out, int capacity) {
  struct ethtool_gstrings *called = names(device, ETH_SS_FEATURES);
  if (!called) return 0;
  uint32_t blocks = (called->len + 31) / 32;
  struct ethtool_gfeatures *state = calloc(1, sizeof *state + blocks * sizeof(struct ethtool_get_features_block));
  int count = 0;
  if (state) {
    state->cmd = ETHTOOL_GFEATURES;
    state->size = blocks;
    if (ask(device, state) == 0) {
      for (uint32_t i = 0; i < called->len && count < capacity; i++) {
        const struct ethtool_get_features_block *block = &state->features[i / 32];
        uint32_t bit = 1u << (i % 32);
        hauberk_driver_feature *one = &out[count++];
        snprintf(one->name, sizeof one->name, "%.31s", (const char *)called->data + (size_t)i * ETH_GSTRING_LEN);
        one->is_on = block->active & bit;
        one->is_fixed = (block->never_changed & bit) || !(block->available & bit);
      }
    }
  }
  free(state);
  free(called);
  return count;
}

uint32_t hauberk_driver_peer(const char *device) {
  struct ethtool_gstrings *called = names(device, ETH_SS_STATS);
  if (!called) return 0;
  struct ethtool_stats *counts = calloc(1, sizeof *counts + called->len * sizeof(uint64_t));
  uint32_t peer = 0;
  if (counts) {
    counts->cmd = ETHTOOL_GSTATS;
    counts->n_stats = called->len;
    if (ask(device, counts) == 0)
      for (uint32_t i = 0; i < called->len; i++)
        if (strncmp((const char *)called->data + (size_t)i * ETH_GSTRING_LEN, "peer_ifindex", ETH_GSTRING_LEN) == 0)
          peer = (uint32_t)counts->data[i];
  }
  free(counts);
  free(called);
  return peer;
}

int hauberk_driver_addresses(const char *device, char *out, int capacity) {
  struct ifaddrs *all = NULL;
  int count = 0;
  if (getifaddrs(&all) != 0) return 0;
  for (const struct ifaddrs *one = all; one && count < capacity; one = one->ifa_next) {
    if (!one->ifa_addr || strcmp(one->ifa_name, device) != 0) continue;
    const void *octets = NULL;
    if (one->ifa_addr->sa_family == AF_INET) octets = &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
    if (one->ifa_addr->sa_family == AF_INET6)
      octets = &((const struct sockaddr_in6 *)(const void *)one->ifa_addr)->sin6_addr;
    char *place = out + count * HAUBERK_ADDRESS_BYTES;
    if (octets && inet_ntop(one->ifa_addr->sa_family, octets, place, HAUBERK_ADDRESS_BYTES)) count++;
  }
  freeifaddrs(all);
  return count;
}
