// What Swift cannot say by itself: a few instructions, a few kernel calls, one interrupt flag.
#pragma once
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "Addresses.h"
#include "Device.h"
#include "Notify.h"
#include "Privileges.h"

// Every C entry point that a hot function may call carries this, so that @_noLocks accepts it.
#define HAUBERK_HOT __attribute__((swift_attr("@_noLocks")))
#define HAUBERK_INLINE static inline __attribute__((always_inline)) HAUBERK_HOT

HAUBERK_INLINE void hauberk_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// A cycle counter that is cheap to read. It counts at a constant rate, not core cycles.
HAUBERK_INLINE uint64_t hauberk_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t value;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#else
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
#endif
}

HAUBERK_INLINE uint64_t hauberk_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/// The same, and goes on while the machine sleeps.
HAUBERK_INLINE uint64_t hauberk_boot_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

HAUBERK_INLINE void hauberk_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
HAUBERK_INLINE void hauberk_prefetch_for_write(const void *address) { __builtin_prefetch(address, 1, 3); }

HAUBERK_INLINE void hauberk_move(void *to, const void *from, size_t bytes) { memmove(to, from, bytes); }

HAUBERK_INLINE void hauberk_copy(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }

HAUBERK_INLINE int hauberk_is_same(const void *one, const void *other, size_t bytes) { return memcmp(one, other, bytes) == 0; }

HAUBERK_INLINE void hauberk_clear(void *to, size_t bytes) { memset(to, 0, bytes); }

/// Sleeps without a lock and without allocating; a worker with nothing to do calls it.
HAUBERK_HOT void hauberk_sleep_microseconds(uint32_t microseconds);
HAUBERK_HOT void hauberk_yield(void);

/// Seconds that never go back, on a clock that is cheap to read.
HAUBERK_INLINE int64_t hauberk_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (int64_t)t.tv_sec;
}

/// Seconds of the epoch, for people to read; below them microseconds.
HAUBERK_INLINE int64_t hauberk_wall_clock(uint32_t *microseconds) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  *microseconds = (uint32_t)(t.tv_nsec / 1000);
  return (int64_t)t.tv_sec;
}

/// A counter of the kernel's that a thread can wait at until another raises it.
int hauberk_event_make(void);
HAUBERK_HOT void hauberk_event_raise(int event);
void hauberk_event_take(int event);
void hauberk_event_close(int event);
/// Until one of them has something to read, or the time is over. Below 0 stands for none.
HAUBERK_HOT void hauberk_wait_for(int one, int other, int event, int milliseconds);

enum { HAUBERK_HUGE_PAGE_BYTES = 2 * 1024 * 1024 };

/// Maps `bytes` (a multiple of 2 MiB) of explicit huge pages. NULL when the kernel has none to give.
void *hauberk_map_explicit_huge(size_t bytes);
/// Maps `bytes` aligned to 2 MiB and asks for transparent huge pages. NULL on failure.
void *hauberk_map_aligned(size_t bytes);
bool hauberk_advise_huge(void *address, size_t bytes);
/// What the heap has no use for now goes back to the kernel.
void hauberk_return_free_memory(void);
/// Does it on another thread, which has a heap of its own, and waits for it. False: there is no thread to be had.
bool hauberk_run_apart(void (*work)(void *context), void *context);

/// The processors that this process may use, in ascending order. Returns how many there are.
int hauberk_allowed_processors(int *out, int capacity);
/// Binds the calling thread to one processor. 0, or an errno.
int hauberk_bind_thread(int processor);
void hauberk_name_thread(const char *name);

/// Gets ready for `hauberk_fence_everywhere`. False where the kernel has no such call.
bool hauberk_prepare_fence_everywhere(void);
/// Makes every running thread of this process pass a full fence now, so that none of them has to by itself.
void hauberk_fence_everywhere(void);

/// All that was written to the file system of this folder is on the disk afterwards. 0, or an errno.
int hauberk_sync_file_system(int folder);
/// Whether that would notice that something could not be written: Linux says so since 5.8, and before that all is well.
bool hauberk_file_system_tells_of_failures(void);

/// From here on SIGINT and SIGTERM only raise a flag, and SIGPIPE is a failed write.
void hauberk_catch_interrupts(void);
bool hauberk_was_interrupted(void);
/// From here on SIGHUP only raises a flag, which taking it lowers.
void hauberk_catch_hangups(void);
bool hauberk_take_hangup(void);

/// A socket for frames of one EtherType on a device, to its own address and to a group. Below 0: an errno, negative.
int hauberk_control_open(const char *device, uint16_t type, const uint8_t group[6]);
void hauberk_control_close(int socket);
/// Whether it is bound to the device that has this name now: one that was taken away and came back is another.
bool hauberk_control_is_on(int socket, const char *device);
/// Whether that device is up, and there is somebody at the other end of its cable.
bool hauberk_control_has_link(int socket, const char *device);
/// A whole frame. 0, or an errno.
int hauberk_control_send(int socket, const void *frame, uint32_t length);
/// The length of a frame; 0 for one that does not count; below 0 an errno, negative, where -EAGAIN means that none waits.
int hauberk_control_receive(int socket, void *out, uint32_t room);
/// Until one of them has something to read, or the time is over.
void hauberk_control_wait(int one, int other, int event, uint64_t nanoseconds);
/// The calling thread runs before every ordinary one from here on. 0, or an errno.
int hauberk_prefer_thread(void);

#include "ports.h"
