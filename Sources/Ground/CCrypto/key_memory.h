// Memory for keys. See key_memory.c.
#pragma once
#include <stdbool.h>
#include <stddef.h>

/// Zeroed, aligned to 64 bytes. NULL when there is no more.
void *hauberk_key_memory_take(size_t bytes);
/// Wipes and takes back. NULL is nothing.
void hauberk_key_memory_give(void *block);
bool hauberk_key_memory_contains(const void *block);

/// Between these two, what OpenSSL allocates on this thread is key memory.
void hauberk_key_scope_begin(void);
void hauberk_key_scope_end(void);
/// Once, before OpenSSL has allocated anything.
void hauberk_key_memory_adopt_openssl(void);
