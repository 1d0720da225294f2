// A copy of intel-ipsec-mb for every lane but the first.
//
// Each direct call begins by writing 0 into a variable of the library's own, its error number, which all threads share.
// One thread does not notice; two, which take the line from each other at every packet, lose a third of the cipher's
// speed at 64 octets, and each further one loses more. So each lane calls a copy of the library, whose variables are its
// own: the loader makes one of whatever file it has not seen, and a file in memory is one that it has not seen.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipsec_mb.h"
#include "keys.h"

#ifdef HAUBERK_HAS_IPSEC_MB

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static const hauberk_mb_library linked = {
    imb_get_mb_mgr_size, imb_set_pointers_mb_mgr, init_mb_mgr_auto, imb_get_errno};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static hauberk_mb_library copies[HAUBERK_MOST_LANES];
/// Written once.
static char refusal[128];
static atomic_bool is_refused;

/// The file that the library was loaded from, open; -1 where there is none.
static int open_library(void) {
  // By name: an address taken here may be a stub of our own.
  void *call = dlsym(RTLD_DEFAULT, "init_mb_mgr_auto");
  Dl_info found;
  if (!call || dladdr(call, &found) == 0 || !found.dli_fname) {
    errno = ENOENT;
    return -1;
  }
  return open(found.dli_fname, O_RDONLY | O_CLOEXEC);
}

static int file_in_memory(void) {
  int file = memfd_create("intel-ipsec-mb", MFD_CLOEXEC | MFD_EXEC);
  // Before Linux 6.3 every such file may be executed, and the flag is unknown.
  return file < 0 && errno == EINVAL ? memfd_create("intel-ipsec-mb", MFD_CLOEXEC) : file;
}

static bool copy_file(int from, int to) {
  struct stat about;
  if (fstat(from, &about) != 0) return false;
  for (off_t left = about.st_size; left > 0;) {
    ssize_t moved = sendfile(to, from, NULL, (size_t)left);
    if (moved <= 0) return false;
    left -= moved;
  }
  return true;
}

static bool refuse(const char *words) {
  snprintf(refusal, sizeof refusal, "%s", words);
  atomic_store(&is_refused, true);
  return false;
}

static bool load(int file, hauberk_mb_library *library) {
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  // Deep: else the copy would call what it exports by the names of the library that we are linked with.
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!handle) {
    return refuse(dlerror());
  }
  *(void **)&library->manager_bytes = dlsym(handle, "imb_get_mb_mgr_size");
  *(void **)&library->place_manager = dlsym(handle, "imb_set_pointers_mb_mgr");
  *(void **)&library->start_manager = dlsym(handle, "init_mb_mgr_auto");
  *(void **)&library->error = dlsym(handle, "imb_get_errno");
  // It stays loaded: other lanes of this number will want it.
  if (library->manager_bytes && library->place_manager && library->start_manager && library->error) return true;
  return refuse("a call is missing");
}

static bool make(hauberk_mb_library *library) {
  if (IS_SANITIZED) return refuse("a sanitizer does not let a library be bound deeply");
  int from = open_library();
  int to = from < 0 ? -1 : file_in_memory();
  bool is_made = to >= 0 && copy_file(from, to) ? load(to, library) : refuse(strerror(errno));
  // The file in memory stays open: its number is its name, by which the loader would know the next one again.
  if (!is_made && to >= 0) close(to);
  if (from >= 0) close(from);
  return is_made;
}

const hauberk_mb_library *hauberk_mb_library_of(uint32_t lane) {
  if (lane == 0) return &linked;
  pthread_mutex_lock(&guard);
  hauberk_mb_library *library = &copies[lane];
  // What was refused once is not asked for again.
  if (!library->error && !is_refused && !make(library)) library->error = NULL;
  bool is_here = library->error != NULL;
  pthread_mutex_unlock(&guard);
  return is_here ? library : &linked;
}

struct code {
  uintptr_t call;
  uint8_t *start;
  size_t bytes;
};

static bool is_as_loaded(const struct dl_phdr_info *object) {
  for (int i = 0; i < object->dlpi_phnum; i++) {
    if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL))) return false;
    }
  }
  return true;
}

/// The run of code that has the call in it, if it is as the file has it.
static int find_code(struct dl_phdr_info *object, size_t bytes, void *wanted) {
  (void)bytes;
  struct code *code = wanted;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + part->p_vaddr, end = start + part->p_memsz;
    if (part->p_type != PT_LOAD || code->call < start || code->call >= end) continue;
    if ((part->p_flags & PF_X) && !(part->p_flags & PF_W) && is_as_loaded(object)) {
      code->start = (uint8_t *)(start & ~page);
      code->bytes = ((end + page) & ~page) - (start & ~page);
    }
    return 1;
  }
  return 0;
}

void hauberk_mb_let_go(const hauberk_mb_library *library) {
  if (IS_SANITIZED) return;
  void *call = library == &linked ? dlsym(RTLD_DEFAULT, "init_mb_mgr_auto") : *(void *const *)&library->start_manager;
  struct code code = {.call = (uintptr_t)call};
  dl_iterate_phdr(find_code, &code);
  if (code.start) madvise(code.start, code.bytes, MADV_DONTNEED);
}

const char *hauberk_mb_copy_refusal(void) { return is_refused ? refusal : NULL; }

#endif
