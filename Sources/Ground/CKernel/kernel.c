#include "CKernel.h"

#include <errno.h>
#include <pthread.h>
#include <linux/membarrier.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

void *hauberk_map_explicit_huge(size_t bytes) {
  void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);
  return address == MAP_FAILED ? NULL : address;
}

void *hauberk_map_aligned(size_t bytes) {
  // Over-allocate, then give back what lies outside the aligned part.
  const size_t huge = HAUBERK_HUGE_PAGE_BYTES;
  char *address = mmap(NULL, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return NULL;
  char *aligned = (char *)(((uintptr_t)address + huge - 1) & ~(uintptr_t)(huge - 1));
  if (aligned > address) munmap(address, (size_t)(aligned - address));
  char *end = address + bytes + huge, *aligned_end = aligned + bytes;
  if (end > aligned_end) munmap(aligned_end, (size_t)(end - aligned_end));
  return aligned;
}

bool hauberk_advise_huge(void *address, size_t bytes) { return madvise(address, bytes, MADV_HUGEPAGE) == 0; }

void hauberk_return_free_memory(void) { malloc_trim(0); }

struct errand {
  void (*work)(void *);
  void *context;
};

static void *run_errand(void *errand) {
  const struct errand *given = errand;
  given->work(given->context);
  return NULL;
}

bool hauberk_run_apart(void (*work)(void *), void *context) {
  struct errand errand = {work, context};
  pthread_t thread;
  return pthread_create(&thread, NULL, run_errand, &errand) == 0 && pthread_join(thread, NULL) == 0;
}

void hauberk_sleep_microseconds(uint32_t microseconds) {
  struct timespec t = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
  nanosleep(&t, NULL);
}

void hauberk_yield(void) { sched_yield(); }

int hauberk_allowed_processors(int *out, int capacity) {
  cpu_set_t set;
  int count = 0;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++)
    if (CPU_ISSET(cpu, &set)) out[count++] = cpu;
  return count;
}

int hauberk_bind_thread(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)processor, &set);
  return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

void hauberk_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

bool hauberk_prepare_fence_everywhere(void) {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void hauberk_fence_everywhere(void) { syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); }

int hauberk_sync_file_system(int folder) { return syncfs(folder) == 0 ? 0 : errno; }

bool hauberk_file_system_tells_of_failures(void) {
  struct utsname system;
  int major = 0, minor = 0;
  if (uname(&system) != 0 || sscanf(system.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 8);
}

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal) {
  (void)signal;
  interrupted = 1;
}

void hauberk_catch_interrupts(void) {
  // No SA_RESTART: a read that waits for a pipe must come back. A second signal ends the process.
  struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

bool hauberk_was_interrupted(void) { return interrupted != 0; }

static volatile sig_atomic_t hung_up;

static void note_hangup(int signal) {
  (void)signal;
  hung_up = 1;
}

void hauberk_catch_hangups(void) {
  struct sigaction action = {.sa_handler = note_hangup};
  sigaction(SIGHUP, &action, NULL);
}

bool hauberk_take_hangup(void) {
  bool was = hung_up != 0;
  hung_up = 0;
  return was;
}

int hauberk_event_make(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void hauberk_event_raise(int event) {
  uint64_t one = 1;
  // It fails only when it is raised already.
  if (write(event, &one, sizeof one) < 0) return;
}

void hauberk_event_take(int event) {
  uint64_t count;
  if (read(event, &count, sizeof count) < 0) return;
}

void hauberk_event_close(int event) { close(event); }

void hauberk_wait_for(int one, int other, int event, int milliseconds) {
  struct pollfd all[3] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}, {.fd = event, .events = POLLIN}};
  if (poll(all, 3, milliseconds) > 0 && (all[2].revents & POLLIN)) hauberk_event_take(event);
}
