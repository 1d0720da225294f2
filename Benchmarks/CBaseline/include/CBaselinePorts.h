// Frames over AF_PACKET as a program in C would have them, many in a call: what live ports are measured against.

#ifndef HAUBERK_CBASELINE_PORTS_H
#define HAUBERK_CBASELINE_PORTS_H

#include <stdint.h>

enum { BASELINE_AT_ONCE = 64, BASELINE_LONGEST = 2048 };

/// This thread gets a network of its own, with nothing in it. 0, or an errno.
int baseline_leave_network(void);
/// A cable between two devices, both up. 0, or the status of `ip`.
int baseline_make_cable(const char *one, const char *other);

/// A socket on a device, or the negative of an errno. One that only sends is told of nothing that comes.
int baseline_packet_socket(const char *device, int receives);
/// Sends the same frame so often, at most BASELINE_AT_ONCE times. How often it did.
int baseline_packet_send(int descriptor, const void *frame, uint32_t length, int count);
/// Takes what is there, at most BASELINE_AT_ONCE frames. How many there were.
int baseline_packet_receive(int descriptor);
/// Sends what the last call on this thread took.
int baseline_packet_forward(int descriptor, int count);
void baseline_packet_close(int descriptor);

#endif
