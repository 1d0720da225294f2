// Calls of Linux's own that Swift's Glibc leaves out.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// A descriptor that is ready when one of those added is; or -1, with errno.
int hauberk_epoll_make(void);
bool hauberk_epoll_add(int epoll, int descriptor);
/// Waits for room to write from now on, or for something to read.
void hauberk_epoll_await(int epoll, int descriptor, bool to_write);
void hauberk_epoll_remove(int epoll, int descriptor);

struct hauberk_ready {
  int descriptor;
  bool is_readable;
  bool is_writable;
  /// The other end is gone, or the descriptor is broken.
  bool is_over;
};

/// How many of `out` were filled. A signal ends the waiting.
int hauberk_epoll_wait(int epoll, struct hauberk_ready *out, int capacity, int milliseconds);

/// Never waits; what it makes never does either. -1, with errno.
int hauberk_accept(int listener);
/// Who made the other end of a local socket.
bool hauberk_peer(int descriptor, uint32_t *user);

/// A thread that takes no signals: those are for the one that waits for them. Nobody joins it. 0, or an errno.
int hauberk_start_service(const char *name, void (*body)(void *), void *context);

/// The terminal that is standard output; false where it is none.
bool hauberk_terminal_size(int *rows, int *columns);

/// A descriptor that one thread waits at, and others wake it by. -1, with errno.
int hauberk_bell_make(void);
void hauberk_bell_ring(int bell);
void hauberk_bell_wait(int bell);
