#include "Notify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int hauberk_notify_open(void) { return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

int hauberk_notify_send(int socket, const char *name, const void *words, size_t bytes) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  if (length < 2 || length >= sizeof to.sun_path) return ENAMETOOLONG;
  memcpy(to.sun_path, name, length);
  if (name[0] == '@') to.sun_path[0] = 0;
  // Not connected: whoever listens may begin anew under the same name. Nobody waits for a reader that does not read.
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  ssize_t sent = sendto(socket, words, bytes, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, size);
  return sent == (ssize_t)bytes ? 0 : sent < 0 ? errno : EMSGSIZE;
}
