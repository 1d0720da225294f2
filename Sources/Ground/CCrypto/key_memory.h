// Memory for keys. See key_memory.c.
#pragma once
#include <stdbool.h>
#include <stddef.h>

/// Zeroed, aligned to 64 bytes. NULL when there is no more.
void *hauberk_key_memory_take(size_t bytes);
/// Wipes and takes back. NULL is nothing.
void hauberk_key_memory_give(void *block);
/// The same in whole pages, for what is larger than a slab. NULL when there is no more.
void *hauberk_key_memory_map(size_t bytes);
void hauberk_key_memory_unmap(void *block, size_t bytes);
bool hauberk_key_memory_contains(const void *block);

/// Between these two, what OpenSSL allocates on this thread is key memory.
void hauberk_key_scope_begin(void);
void hauberk_key_scope_end(void);
/// Once, before OpenSSL has allocated anything.
void hauberk_key_memory_adopt_openssl(void);
