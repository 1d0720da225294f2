// What a lab needs of the kernel: network namespaces, processes in them, probes through them, a terminal.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// Does `work` on a thread of its own that has entered the network namespace of this file, and waits for it. 0, or an
/// errno: then nothing was done. What the thread opens stays in there; nobody else's network changes.
int hauberk_lab_within(const char *network, void (*work)(void *context), void *context);

/// In the calling thread's network: the device leaves nothing to be finished by others, neither checksums nor segments.
/// 0, or an errno.
int hauberk_lab_plain(const char *device);

/// Starts a program; `words` begins with its path and ends with NULL. Its three streams are the descriptors, and nothing
/// else goes along, not even Ctrl-C. One that `stays` is killed when the calling thread ends, however that is. The process,
/// or -errno.
pid_t hauberk_lab_start(char *const *words, int input, int output, int error, bool stays);
/// Where to read and where to write, and neither goes along to a program. 0, or -1 and errno.
int hauberk_lab_pipe(int ends[2]);
/// When a process began, in ticks since the machine's start; 0 where there is none, or only what is left of one.
/// A number that was given again has another beginning.
uint64_t hauberk_lab_born(pid_t process);
/// True when it has ended; then `*how` is its exit code, or the negative number of the signal that ended it.
bool hauberk_lab_reap(pid_t process, int *how);

/// From here on SIGINT, SIGTERM, SIGQUIT and SIGHUP are only noted, as often as they come.
void hauberk_lab_catch_signals(void);
/// The first that came, or 0.
int hauberk_lab_caught(void);

/// Removes a folder and all that is in it, following nothing. 0, or an errno.
int hauberk_lab_remove(const char *folder);
/// Takes a lock that ends with the process. A descriptor; below 0: -errno, EWOULDBLOCK where somebody has it, and ENOENT
/// where there is no such file and it does not make one.
int hauberk_lab_lock(const char *file, bool makes);

/// A UDP socket in the calling thread's network, from this address and port; with `peer`, to that one. Below 0: -errno.
int hauberk_lab_probe_socket(const char *address, uint16_t port, const char *peer, uint16_t peer_port);
/// 0, or an errno.
int hauberk_lab_probe_send(int socket, uint64_t run, uint64_t number);
/// 1: a probe of this run came. 0: nothing came for a moment. Below 0: something else did.
int hauberk_lab_probe_receive(int socket, uint64_t run, uint64_t *number);

/// Standard input gives single octets, unseen, from here on; nothing but Ctrl-C makes a signal. False: it is no terminal.
bool hauberk_lab_raw_terminal(void);
/// As it was before.
void hauberk_lab_plain_terminal(void);
