// Memory for keys: one run of addresses, locked as far as the process may, left out of dumps, wiped block by block.
//
//   base                                          base + committed                 base + REGION
//   | slab of 64 KiB | slab | slab | ...          | not accessible                 |
//   all blocks of a slab have one size, a multiple of 64
//
// The first two megabytes are opened slab by slab, so that a process with a few keys locks little. What follows is
// opened a huge page at once: thousands of keys in turn would miss the TLB for every one of them otherwise.
//
// Keys lie side by side rather than on a page each: thousands of them are in use in turn, and pages would cost as
// many entries of the TLB. Only the control thread comes here, so a mutex is good enough.
#include "key_memory.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CCrypto.h"

#define SLAB_BYTES ((size_t)64 << 10)
#define SLABS ((size_t)8192)
#define REGION_BYTES (SLAB_BYTES * SLABS)
#define STEP_BYTES ((size_t)2 << 20)
#define UNIT ((size_t)64)
#define FINE_CLASSES ((size_t)64)  // 64, 128, ... 4096 bytes
#define CLASSES (FINE_CLASSES + 4)  // and 8, 16, 32, 64 KiB

typedef struct free_block {
  struct free_block *next;
} free_block;

static struct {
  pthread_mutex_t mutex;
  uint8_t *base;
  size_t opened;     // may be read and written
  size_t committed;  // has been cut into blocks
  size_t unlocked;
  bool holds_openssl;
  free_block *free[CLASSES];
  uint8_t class_of_slab[SLABS];
} region = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool in_scope;

static size_t class_for(size_t bytes) {
  if (bytes <= UNIT * FINE_CLASSES) return bytes == 0 ? 0 : (bytes + UNIT - 1) / UNIT - 1;
  size_t class = FINE_CLASSES;
  for (size_t size = 8192; size < bytes; size *= 2) class++;
  return class;
}

static size_t bytes_of(size_t class) {
  return class < FINE_CLASSES ? (class + 1) * UNIT : (size_t)8192 << (class - FINE_CLASSES);
}

static bool reserve(void) {
  if (region.base) return true;
  // One step more, to align the first to its size.
  void *mapped = mmap(NULL, REGION_BYTES + STEP_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return false;
  region.base = (uint8_t *)(((uintptr_t)mapped + STEP_BYTES - 1) & ~(uintptr_t)(STEP_BYTES - 1));
  return true;
}

/// Makes more of the region usable: locked if that may be, and never dumped.
static bool open_more(void) {
  size_t bytes = region.opened < STEP_BYTES ? SLAB_BYTES : STEP_BYTES;
  uint8_t *start = region.base + region.opened;
  if (mprotect(start, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  // A key that could end up in a core file is no secret: this one is not best effort.
  if (madvise(start, bytes, MADV_DONTDUMP) != 0) {
    mprotect(start, bytes, PROT_NONE);
    return false;
  }
  if (bytes == STEP_BYTES) madvise(start, bytes, MADV_HUGEPAGE);
  // The call itself: a sanitizer replaces the library's function by one that locks nothing.
  if (syscall(SYS_mlock, start, bytes) != 0) region.unlocked += bytes;
  region.opened += bytes;
  return true;
}

/// Opens the next slab and cuts it into blocks of the class.
static bool grow(size_t class) {
  if (!reserve() || region.committed == REGION_BYTES) return false;
  if (region.committed == region.opened && !open_more()) return false;
  uint8_t *slab = region.base + region.committed;
  region.class_of_slab[region.committed / SLAB_BYTES] = (uint8_t)class;
  region.committed += SLAB_BYTES;
  size_t size = bytes_of(class);
  for (size_t at = SLAB_BYTES / size; at > 0; at--) {
    free_block *block = (free_block *)(slab + (at - 1) * size);
    block->next = region.free[class];
    region.free[class] = block;
  }
  return true;
}

void *hauberk_key_memory_take(size_t bytes) {
  if (bytes > SLAB_BYTES) return NULL;
  size_t class = class_for(bytes);
  pthread_mutex_lock(&region.mutex);
  free_block *block = NULL;
  if (region.free[class] || grow(class)) {
    block = region.free[class];
    region.free[class] = block->next;
    block->next = NULL;  // all the rest is zero already
  }
  pthread_mutex_unlock(&region.mutex);
  return block;
}

bool hauberk_key_memory_contains(const void *block) {
  return region.base && (uintptr_t)block - (uintptr_t)region.base < REGION_BYTES;
}

static size_t class_at(const void *block) {
  return region.class_of_slab[((uintptr_t)block - (uintptr_t)region.base) / SLAB_BYTES];
}

void hauberk_key_memory_give(void *block) {
  if (!block) return;
  pthread_mutex_lock(&region.mutex);
  size_t class = class_at(block);
  explicit_bzero(block, bytes_of(class));
  free_block *freed = block;
  freed->next = region.free[class];
  region.free[class] = freed;
  pthread_mutex_unlock(&region.mutex);
}

hauberk_key_memory hauberk_key_memory_now(void) {
  pthread_mutex_lock(&region.mutex);
  hauberk_key_memory now = {region.base, region.committed, region.unlocked, region.holds_openssl};
  pthread_mutex_unlock(&region.mutex);
  return now;
}

void *hauberk_key_memory_map(size_t bytes) {
  void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return NULL;
  if (madvise(block, bytes, MADV_DONTDUMP) != 0) {
    munmap(block, bytes);
    return NULL;
  }
  if (syscall(SYS_mlock, block, bytes) != 0) {
    pthread_mutex_lock(&region.mutex);
    region.unlocked += bytes;
    pthread_mutex_unlock(&region.mutex);
  }
  return block;
}

void hauberk_key_memory_unmap(void *block, size_t bytes) {
  if (!block) return;
  explicit_bzero(block, bytes);
  munmap(block, bytes);
}

void hauberk_wipe(void *memory, size_t bytes) { explicit_bzero(memory, bytes); }

// OpenSSL's allocator. Its contexts hold key schedules: those made within a scope lie in key memory, the others do
// not concern us. A block knows by its address which of the two it is.

void hauberk_key_scope_begin(void) { in_scope = true; }
void hauberk_key_scope_end(void) { in_scope = false; }

static void *scoped_allocate(size_t bytes, const char *file, int line) {
  (void)file;
  (void)line;
  if (bytes == 0) return NULL;
  return in_scope ? hauberk_key_memory_take(bytes) : malloc(bytes);
}

static void scoped_free(void *block, const char *file, int line) {
  (void)file;
  (void)line;
  if (hauberk_key_memory_contains(block)) {
    hauberk_key_memory_give(block);
  } else {
    free(block);
  }
}

static void *scoped_reallocate(void *block, size_t bytes, const char *file, int line) {
  bool is_key = hauberk_key_memory_contains(block);
  if (!is_key && (block || !in_scope)) return realloc(block, bytes);
  if (!block) return scoped_allocate(bytes, file, line);
  void *moved = bytes == 0 ? NULL : hauberk_key_memory_take(bytes);
  if (bytes != 0 && !moved) return NULL;
  size_t had = bytes_of(class_at(block));
  if (moved) memcpy(moved, block, had < bytes ? had : bytes);
  hauberk_key_memory_give(block);
  return moved;
}

void hauberk_key_memory_adopt_openssl(void) {
  region.holds_openssl = CRYPTO_set_mem_functions(scoped_allocate, scoped_reallocate, scoped_free) == 1;
}
