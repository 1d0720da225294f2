#include "CConsole.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

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
  pthread_t thread;
  void (*body)(void *);
  void *context;
  char name[16];
};

static void *serve(void *argument) {
  struct service *service = argument;
  pthread_setname_np(pthread_self(), service->name);
  service->body(service->context);
  return NULL;
}

int hauberk_start_service(const char *name, void (*body)(void *), void *context, void **thread) {
  struct service *service = calloc(1, sizeof *service);
  if (!service) return ENOMEM;
  service->body = body;
  service->context = context;
  strncpy(service->name, name, sizeof service->name - 1);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int code = pthread_create(&service->thread, NULL, serve, service);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0)
    free(service);
  else
    *thread = service;
  return code;
}

void hauberk_join_service(void *thread) {
  struct service *service = thread;
  pthread_join(service->thread, NULL);
  free(service);
}
