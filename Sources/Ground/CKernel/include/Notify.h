// A word to whoever started this process and wants to know how it is.
#pragma once
#include <stddef.h>

/// A socket to send words by, or -1 and errno.
int hauberk_notify_open(void);

/// Sends `bytes` octets to the local socket of this name; '@' in front stands for the name of one without a file.
/// 0, or an errno.
int hauberk_notify_send(int socket, const char *name, const void *words, size_t bytes);
