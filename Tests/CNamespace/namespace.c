#include "CNamespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int hauberk_new_network(void) {
  return unshare(CLONE_NEWNET) == 0 ? open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC) : -1;
}

int hauberk_enter_network(int network) { return setns(network, CLONE_NEWNET) == 0 ? 0 : errno; }

int hauberk_run_script(const char *script) {
  char *const words[] = {"/bin/sh", "-ec", (char *)script, NULL};
  pid_t child;
  int status = -1;
  if (posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ) != 0) return -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

int hauberk_frame_socket(const char *device) {
  const int yes = 1, all = htons(ETH_P_ALL);
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = (unsigned short)all, .sll_ifindex = (int)if_nametoindex(device)};
  int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  setsockopt(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
  close(descriptor);
  return -1;
}
