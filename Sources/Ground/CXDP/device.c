#include "CXDP.h"

#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static uint32_t count_queues(int probe, struct ifreq *request) {
  struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
  request->ifr_data = (char *)&channels;
  // A driver that does not say has one.
  if (ioctl(probe, SIOCETHTOOL, request) != 0) return 1;
  const uint32_t count = channels.combined_count + channels.rx_count;
  return count ? count : 1;
}

static bool takes_tags_off(int probe, struct ifreq *request) {
  struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
  request->ifr_data = (char *)&flags;
  return ioctl(probe, SIOCETHTOOL, request) == 0 && flags.data & ETH_FLAG_RXVLAN;
}

int hauberk_xdp_find_device(const char *name, hauberk_xdp_device *out) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (strlen(name) >= sizeof request.ifr_name) return ENODEV;
  strcpy(request.ifr_name, name);
  int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return errno;
  int error = ioctl(probe, SIOCGIFINDEX, &request) == 0 ? 0 : errno;
  out->index = (unsigned)request.ifr_ifindex;
  if (!error && ioctl(probe, SIOCGIFMTU, &request) != 0) error = errno;
  out->mtu = request.ifr_mtu;
  if (!error && ioctl(probe, SIOCGIFFLAGS, &request) != 0) error = errno;
  out->is_running = (request.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
  if (!error) out->receive_queues = count_queues(probe, &request);
  out->takes_tags_off = !error && takes_tags_off(probe, &request);
  close(probe);
  return error;
}

int hauberk_xdp_listen(unsigned device, const uint8_t *address, int *descriptor) {
  // A membership ends with its socket, and this one hears nothing: it has no protocol.
  if (*descriptor < 0) *descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (*descriptor < 0) return errno;
  struct packet_mreq member = {.mr_ifindex = (int)device, .mr_type = PACKET_MR_PROMISC};
  if (address) {
    member.mr_type = address[0] & 1 ? PACKET_MR_MULTICAST : PACKET_MR_UNICAST;
    member.mr_alen = 6;
    memcpy(member.mr_address, address, 6);
  }
  return setsockopt(*descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof member) == 0 ? 0 : errno;
}
