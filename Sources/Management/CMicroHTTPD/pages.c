#include "CMicroHTTPD.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct hauberk_pages {
  struct MHD_Daemon *daemon;
  hauberk_page page;
  void *context;
  uint16_t port;
};

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned code, const char *text) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
  if (!response) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
  if (code == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  enum MHD_Result result = MHD_queue_response(connection, code, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result send_page(struct hauberk_pages *pages, struct MHD_Connection *connection) {
  size_t length = 0;
  char *text = pages->page(pages->context, &length);
  if (!text) return send_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "there is nothing to tell now\n");
  struct MHD_Response *response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
  if (!response) {
    free(text);
    return MHD_NO;
  }
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
  enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *body, size_t *body_bytes, void **state) {
  (void)version, (void)body;
  static int begun;
  // The first call has the head alone; a body that follows is thrown away.
  if (!*state) {
    *state = &begun;
    return MHD_YES;
  }
  if (*body_bytes > 0) {
    *body_bytes = 0;
    return MHD_YES;
  }
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
    return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
  if (strcmp(path, "/metrics") == 0) return send_page(context, connection);
  if (strcmp(path, "/") == 0) return send_text(connection, MHD_HTTP_OK, "hauberk: the metrics are at /metrics\n");
  return send_text(connection, MHD_HTTP_NOT_FOUND, "there is only /metrics\n");
}

/// A listening socket, made here so that what is wrong with the address has an errno.
static int listen_at(const char *text, uint16_t port, uint16_t *bound) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int is_v6 = inet_pton(AF_INET, text, &v4.sin_addr) != 1;
  if (is_v6 && inet_pton(AF_INET6, text, &v6.sin6_addr) != 1) {
    errno = EINVAL;
    return -1;
  }
  struct sockaddr *address = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
  socklen_t length = is_v6 ? sizeof v6 : sizeof v4;
  int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  int one = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(descriptor, address, length) != 0 || listen(descriptor, 16) != 0 ||
      getsockname(descriptor, address, &length) != 0) {
    int code = errno;
    close(descriptor);
    errno = code;
    return -1;
  }
  *bound = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
  return descriptor;
}

struct hauberk_pages *hauberk_pages_start(const char *address, uint16_t port, hauberk_page page, void *context) {
  struct hauberk_pages *pages = calloc(1, sizeof *pages);
  if (!pages) return NULL;
  pages->page = page;
  pages->context = context;
  int descriptor = listen_at(address, port, &pages->port);
  if (descriptor < 0) {
    free(pages);
    return NULL;
  }
  // Its thread takes no signals: those are for the one that waits for them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pages->daemon = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC, 0, NULL, NULL, answer, pages,
      MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_CONNECTION_LIMIT, 8u, MHD_OPTION_CONNECTION_TIMEOUT, 10u,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
  int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!pages->daemon) {
    close(descriptor);
    free(pages);
    errno = code ? code : EIO;
    return NULL;
  }
  return pages;
}

uint16_t hauberk_pages_port(const struct hauberk_pages *pages) { return pages->port; }

void hauberk_pages_stop(struct hauberk_pages *pages) {
  MHD_stop_daemon(pages->daemon);
  free(pages);
}
