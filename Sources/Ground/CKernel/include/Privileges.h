// What a thread of a gateway may still do once it runs: capabilities, system calls, dumps.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// No core file and no look into the memory of this process from outside, where keys lie. 0, or an errno.
int hauberk_forbid_dumps(void);
bool hauberk_is_dumpable(void);
/// A fault ends the process, whatever a runtime would like to do about it: to tell of it takes another program, which a
/// confined thread may not start, and without it the fault comes again for ever.
void hauberk_let_faults_end(void);

/// The calling thread's number, by which /proc knows it.
int32_t hauberk_thread_number(void);

/// As much memory as it likes may be locked, where this process may say so: the rings of AF_XDP count as locked.
void hauberk_raise_locked_memory(void);

/// The calling thread keeps no more than these capabilities (a bit each), and no program that it starts gets others.
/// For good: not even the bounding set has them, where it could still be made smaller. 0, or an errno.
int hauberk_keep_capabilities(uint64_t kept);

/// What a control thread keeps: NET_ADMIN, NET_RAW, BPF.
uint64_t hauberk_control_capabilities(void);

enum { HAUBERK_CALLS_OF_WORKER, HAUBERK_CALLS_OF_CONTROL };

/// From here on the calling thread can make no system calls but those of its role, nor can the threads that it starts.
/// Others end the process if `kills`, else they fail with EPERM; the kernel's log tells of both where it is asked to.
/// 0, or an errno: ENOTSUP under a sanitizer, whose own calls nobody has listed.
int hauberk_confine_calls(int role, bool kills);
