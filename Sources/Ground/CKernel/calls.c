// The system calls of a running gateway, as a filter that the kernel runs before each of them (seccomp).
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "Privileges.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#ifdef MACHINE

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "an argument's low half comes first");

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/// A call that is allowed if (argument & mask) == value.
typedef struct {
  uint32_t call;
  uint32_t argument, mask, value;
} rule;

#define ALWAYS(name) {SYS_##name, 0, 0, 0}
#define WHERE(name, argument, value) {SYS_##name, argument, UINT32_MAX, value}
#define WHERE_BITS(name, argument, mask, value) {SYS_##name, argument, mask, value}
/// Stands for the number of this process.
#define SELF 0xfffffffeu

// A worker moves packets: descriptors that are open, memory, clocks, locks. It opens nothing and maps no code.
static const rule worker_rules[] = {
    ALWAYS(sendto), ALWAYS(recvfrom), ALWAYS(ppoll), ALWAYS(clock_nanosleep), ALWAYS(futex), ALWAYS(sched_yield),
    ALWAYS(read), ALWAYS(write), ALWAYS(readv), ALWAYS(writev), ALWAYS(sendmsg), ALWAYS(recvmsg), ALWAYS(sendmmsg),
    ALWAYS(recvmmsg), ALWAYS(getsockopt), ALWAYS(epoll_pwait), ALWAYS(nanosleep), ALWAYS(clock_gettime),
    ALWAYS(clock_getres), ALWAYS(gettimeofday), ALWAYS(membarrier), ALWAYS(getcpu), ALWAYS(getrandom),
    // The heap, and what the runtimes do with it.
    ALWAYS(madvise), ALWAYS(munmap), ALWAYS(mremap), ALWAYS(brk), WHERE_BITS(mmap, 2, PROT_EXEC, 0),
    WHERE_BITS(mprotect, 2, PROT_EXEC, 0),
    // Signals, and an end that tells of itself.
    ALWAYS(rt_sigreturn), ALWAYS(rt_sigprocmask), ALWAYS(sigaltstack), ALWAYS(restart_syscall), ALWAYS(getpid),
    ALWAYS(gettid), WHERE(tgkill, 0, SELF), ALWAYS(exit), ALWAYS(exit_group), ALWAYS(sched_getaffinity),
#ifdef SYS_rseq
    ALWAYS(rseq),
#endif
    ALWAYS(set_robust_list),
#ifdef __x86_64__
    ALWAYS(poll), ALWAYS(epoll_wait), ALWAYS(time),
#endif
};

// The control thread besides: files, sockets, links, programs of the kernel's, threads. No other program, no new
// process, no code from files: whatever has to be loaded has been.
static const rule control_rules[] = {
    ALWAYS(openat), ALWAYS(close), ALWAYS(fstat), ALWAYS(newfstatat), ALWAYS(statx), ALWAYS(lseek), ALWAYS(pread64),
    ALWAYS(pwrite64), ALWAYS(fsync), ALWAYS(fdatasync), ALWAYS(syncfs), ALWAYS(flock), ALWAYS(fcntl), ALWAYS(ftruncate),
    ALWAYS(unlinkat), ALWAYS(renameat), ALWAYS(renameat2), ALWAYS(mkdirat), ALWAYS(fchmod), ALWAYS(fchmodat),
    ALWAYS(fchownat), ALWAYS(umask), ALWAYS(getdents64), ALWAYS(readlinkat), ALWAYS(faccessat), ALWAYS(getcwd),
    ALWAYS(fstatfs), ALWAYS(dup), ALWAYS(dup3),
    // Sockets: local ones, the kernel's own, metrics, ports.
    WHERE(socket, 0, AF_UNIX), WHERE(socket, 0, AF_INET), WHERE(socket, 0, AF_INET6), WHERE(socket, 0, AF_NETLINK),
    WHERE(socket, 0, AF_PACKET), WHERE(socket, 0, 44 /* AF_XDP */), WHERE(socketpair, 0, AF_UNIX), ALWAYS(bind),
    ALWAYS(listen), ALWAYS(accept), ALWAYS(accept4), ALWAYS(connect), ALWAYS(shutdown), ALWAYS(getsockname),
    ALWAYS(getpeername), ALWAYS(setsockopt), ALWAYS(bpf), ALWAYS(epoll_create1), ALWAYS(epoll_ctl), ALWAYS(eventfd2),
    ALWAYS(timerfd_create), ALWAYS(timerfd_settime), ALWAYS(timerfd_gettime), ALWAYS(signalfd4), ALWAYS(pipe2),
    // Of devices: the network's (0x89..), a TUN's ('T' from 128 on), whether a file is a terminal and how wide; not
    // TIOCSTI, which types.
    WHERE_BITS(ioctl, 1, 0xff00, 0x8900), WHERE_BITS(ioctl, 1, 0xff80, 0x5480), WHERE(ioctl, 1, 0x5401),
    WHERE(ioctl, 1, 0x5413), WHERE(ioctl, 1, 0x541b), WHERE(ioctl, 1, 0x5421),
    // Threads, and what they give up in their turn. Not dumpable is for good.
    WHERE_BITS(clone, 0, CLONE_THREAD, CLONE_THREAD), ALWAYS(set_tid_address), ALWAYS(capget), ALWAYS(capset),
    ALWAYS(seccomp), WHERE(prctl, 0, PR_SET_NAME), WHERE(prctl, 0, PR_GET_NAME), WHERE(prctl, 0, PR_SET_NO_NEW_PRIVS),
    WHERE(prctl, 0, PR_GET_NO_NEW_PRIVS), WHERE(prctl, 0, PR_CAPBSET_READ), WHERE(prctl, 0, PR_CAPBSET_DROP),
    WHERE(prctl, 0, PR_CAP_AMBIENT), WHERE(prctl, 0, PR_GET_DUMPABLE), WHERE(prctl, 0, PR_SET_VMA),
    ALWAYS(sched_setaffinity), ALWAYS(sched_getscheduler), ALWAYS(sched_getparam), ALWAYS(sched_setscheduler),
    ALWAYS(mlock), ALWAYS(mlock2), ALWAYS(munlock), ALWAYS(msync), WHERE(prlimit64, 0, 0), WHERE(prlimit64, 0, SELF),
    ALWAYS(rt_sigaction), ALWAYS(rt_sigpending), ALWAYS(rt_sigtimedwait), WHERE(kill, 0, SELF), ALWAYS(getuid),
    ALWAYS(geteuid), ALWAYS(getgid), ALWAYS(getegid), ALWAYS(getppid), ALWAYS(uname), ALWAYS(sysinfo),
    ALWAYS(getrusage), ALWAYS(times), ALWAYS(get_mempolicy),
#ifdef __x86_64__
    ALWAYS(open), ALWAYS(stat), ALWAYS(lstat), ALWAYS(access), ALWAYS(unlink), ALWAYS(rename), ALWAYS(mkdir),
    ALWAYS(chmod), ALWAYS(readlink), ALWAYS(select), ALWAYS(dup2), ALWAYS(getrlimit),
#endif
#ifdef SYS_openat2
    ALWAYS(openat2),
#endif
#ifdef SYS_faccessat2
    ALWAYS(faccessat2),
#endif
    ALWAYS(pselect6),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
// Six instructions for a rule at most, and a few around them.
enum { MOST_INSTRUCTIONS = 6 * (COUNT(worker_rules) + COUNT(control_rules)) + 16 };

typedef struct {
  struct sock_filter code[MOST_INSTRUCTIONS];
  unsigned short count;
} program;

static void add(program *p, uint16_t code, uint32_t value, uint8_t if_so, uint8_t if_not) {
  p->code[p->count++] = (struct sock_filter){code, if_so, if_not, value};
}

static void load(program *p, size_t offset) { add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0); }

static void load_call(program *p) { load(p, offsetof(struct seccomp_data, nr)); }

/// Over the next `count` instructions unless the two are the same.
static void unless_same_skip(program *p, uint32_t value, uint8_t count) {
  add(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}

static void result(program *p, uint32_t action) { add(p, BPF_RET | BPF_K, action, 0, 0); }

static void add_rules(program *p, const rule *rules, size_t count) {
  for (const rule *r = rules; r < rules + count; r++) {
    unless_same_skip(p, r->call, r->mask == 0 ? 1 : 5);
    if (r->mask != 0) {
      load(p, offsetof(struct seccomp_data, args) + 8 * r->argument);
      add(p, BPF_ALU | BPF_AND | BPF_K, r->mask, 0, 0);
      unless_same_skip(p, r->value == SELF ? (uint32_t)getpid() : r->value, 1);
    }
    result(p, SECCOMP_RET_ALLOW);
    if (r->mask != 0) load_call(p);
  }
}

static void build(program *p, int role, uint32_t refusal) {
  // Another machine's numbers (32 bits, x32) mean other calls: nobody here makes them by mistake.
  load(p, offsetof(struct seccomp_data, arch));
  add(p, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
  result(p, SECCOMP_RET_KILL_PROCESS);
  load_call(p);
#ifdef __x86_64__
  add(p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
  result(p, SECCOMP_RET_KILL_PROCESS);
#endif
  add_rules(p, worker_rules, COUNT(worker_rules));
  if (role == HAUBERK_CALLS_OF_CONTROL) {
    add_rules(p, control_rules, COUNT(control_rules));
    // Its flags lie in memory, where a filter cannot look. The C library then takes `clone`, whose flags are here.
    unless_same_skip(p, 435 /* clone3 */, 1);
    result(p, SECCOMP_RET_ERRNO | ENOSYS);
  }
  result(p, refusal);
}

int hauberk_confine_calls(int role, bool kills) {
  if (IS_SANITIZED) return ENOTSUP;
  program p = {.count = 0};
  build(&p, role, kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  struct sock_fprog whole = {p.count, p.code};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &whole) == 0 ? 0 : errno;
}

#else

int hauberk_confine_calls(int role, bool kills) {
  (void)role, (void)kills;
  return ENOTSUP;
}

#endif
