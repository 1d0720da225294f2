#include "CConsole.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int hauberk_epoll_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

static bool control(int epoll, int operation, int descriptor, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = descriptor};
  return epoll_ctl(epoll, operation, descriptor, &event) == 0;
}

bool hauberk_epoll_add(int epoll, int descriptor) { return control(epoll, EPOLL_CTL_ADD, descriptor, EPOLLIN); }

void hauberk_epoll_await(int epoll, int descriptor, bool to_write) {
  control(epoll, EPOLL_CTL_MOD, descriptor, to_write ? EPOLLOUT : EPOLLIN);
}

void hauberk_epoll_remove(int epoll, int descriptor) { control(epoll, EPOLL_CTL_DEL, descriptor, 0); }

int hauberk_epoll_wait(int epoll, struct hauberk_ready *out, int capacity, int milliseconds) {
  struct epoll_event events[32];
  int count = epoll_wait(epoll, events, capacity < 32 ? capacity : 32, milliseconds);
  for (int i = 0; i < count; i++)
    out[i] = (struct hauberk_ready){
        .descriptor = events[i].data.fd,
        .is_readable = events[i].events & EPOLLIN,
        .is_writable = events[i].events & EPOLLOUT,
        .is_over = events[i].events & (EPOLLHUP | EPOLLERR),
    };
  return count < 0 ? 0 : count;
}

int hauberk_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

bool hauberk_peer(int descriptor, uint32_t *user) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return false;
  *user = credentials.uid;
  return true;
}

struct service {
  void (*body)(void *);
  void *context;
  char name[16];
};

static void *serve(void *argument) {
  struct service service = *(struct service *)argument;
  free(argument);
  pthread_setname_np(pthread_self(), service.name);
  service.body(service.context);
  return NULL;
}

int hauberk_start_service(const char *name, void (*body)(void *), void *context) {
  struct service *service = calloc(1, sizeof *service);
  if (!service) return ENOMEM;
  service->body = body;
  service->context = context;
  strncpy(service->name, name, sizeof service->name - 1);
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int code = pthread_create(&thread, NULL, serve, service);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0)
    free(service);
  else
    pthread_detach(thread);
  return code;
}

bool hauberk_terminal_size(int *rows, int *columns) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return false;
  *rows = size.ws_row;
  *columns = size.ws_col;
  return true;
}

int hauberk_bell_make(void) { return eventfd(0, EFD_CLOEXEC); }

void hauberk_bell_ring(int bell) { eventfd_write(bell, 1); }

void hauberk_bell_wait(int bell) {
  eventfd_t rings;
  eventfd_read(bell, &rings);
}
