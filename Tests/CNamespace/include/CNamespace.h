// Network namespaces, for tests: what Glibc's module does not show.
#pragma once

/// The calling thread goes into a new network. A descriptor that keeps it alive, or -1.
int hauberk_new_network(void);
/// The calling thread goes into that network. 0, or an errno.
int hauberk_enter_network(int network);
/// Runs a shell script where the calling thread is, and waits for it. Its status, or -1.
int hauberk_run_script(const char *script);
/// A socket for whole frames on a device; it does not see what leaves there. -1 on failure.
int hauberk_frame_socket(const char *device);
