#include "Privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// Newer than some headers.
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

int hauberk_forbid_dumps(void) {
  const struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return errno;
  // A core pattern that is a pipe does not ask for the limit.
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

void hauberk_let_faults_end(void) {
  static const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) signal(faults[i], SIG_DFL);
}

bool hauberk_is_dumpable(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0; }

int32_t hauberk_thread_number(void) { return (int32_t)syscall(SYS_gettid); }

void hauberk_raise_locked_memory(void) {
  struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0) return;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_MEMLOCK, &limit);
}

uint64_t hauberk_control_capabilities(void) {
  return 1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW | 1ull << CAP_BPF;
}

int hauberk_keep_capabilities(uint64_t kept) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2];
  // The C library has no such calls, and those of others may speak for all threads.
  if (syscall(SYS_capget, &header, sets) != 0) return errno;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  // The bounding set first: to make it smaller takes a capability. Behind the last one the kernel says EINVAL.
  for (int number = 0; number < 64; number++) {
    int is_there = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (is_there < 0) break;
    bool is_kept = kept >> number & 1;
    // Without that capability there is nothing to gain either: no new privileges, as said above.
    if (is_there && !is_kept && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno != EPERM) return errno;
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return errno;
  for (int word = 0; word < 2; word++) {
    sets[word].permitted &= (uint32_t)(kept >> (32 * word));
    sets[word].effective = sets[word].permitted;
    sets[word].inheritable = 0;
  }
  return syscall(SYS_capset, &header, sets) == 0 ? 0 : errno;
}
