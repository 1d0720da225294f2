#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "CLab.h"

// Between fork and exec there are only calls that a process of many threads may make there.
static void become(char *const *words, const int streams[3], bool stays, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // Ctrl-C is for the lab, which then needs others to take away what it made.
  setsid();
  if (stays) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
  }
  for (int i = 0; i < 3; i++)
    if (dup2(streams[i], i) < 0) _exit(127);
  execv(words[0], words);
  _exit(127);
}

pid_t hauberk_lab_start(char *const *words, int input, int output, int error, bool stays) {
  // Above the three, so that none of them is written over before it is taken.
  int streams[3] = {fcntl(input, F_DUPFD_CLOEXEC, 3), fcntl(output, F_DUPFD_CLOEXEC, 3), fcntl(error, F_DUPFD_CLOEXEC, 3)};
  int code = errno;
  pid_t child = -1;
  if (streams[0] >= 0 && streams[1] >= 0 && streams[2] >= 0) {
    pid_t parent = getpid();
    child = fork();
    code = errno;
    if (child == 0) become(words, streams, stays, parent);
  }
  for (int i = 0; i < 3; i++)
    if (streams[i] >= 0) close(streams[i]);
  return child < 0 ? -code : child;
}

int hauberk_lab_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

uint64_t hauberk_lab_born(pid_t process) {
  char path[32], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  bool isRead = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  // A name may have anything in it, and brackets are around it.
  const char *rest = isRead ? strrchr(line, ')') : NULL;
  char state = 0;
  unsigned long long born = 0;
  if (!rest || sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                      &born) != 2)
    return 0;
  return state == 'Z' || state == 'X' ? 0 : born;
}

bool hauberk_lab_reap(pid_t process, int *how) {
  int status;
  pid_t found = waitpid(process, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR)) return false;
  *how = found < 0 ? 0 : WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

static volatile sig_atomic_t caught;

static void note(int signal) {
  if (caught == 0) caught = signal;
}

void hauberk_lab_catch_signals(void) {
  // No SA_RESTART, so that who waits comes back; and no second one ends a process that takes away what it made.
  struct sigaction action = {.sa_handler = note};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGQUIT, &action, NULL);
  // Under nohup it stays ignored.
  struct sigaction inherited;
  if (sigaction(SIGHUP, NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL);
}

int hauberk_lab_caught(void) { return caught; }

static int take_away(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)place;
  return (kind == FTW_DP ? rmdir(path) : unlink(path)) == 0 || errno == ENOENT ? 0 : errno;
}

int hauberk_lab_remove(const char *folder) {
  int code = nftw(folder, take_away, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
  if (code < 0) code = errno;
  return code == ENOENT ? 0 : code;
}

int hauberk_lab_lock(const char *file, bool makes) {
  for (;;) {
    int lock = open(file, O_RDWR | (makes ? O_CREAT : 0) | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0) return -errno;
    struct stat held, named;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
      int code = errno;
      close(lock);
      return -code;
    }
    // Whoever had it before may have taken the file away in between: then nobody else sees this lock.
    if (fstat(lock, &held) == 0 && stat(file, &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev)
      return lock;
    close(lock);
  }
}

static struct termios before;
static bool isRaw;

bool hauberk_lab_raw_terminal(void) {
  if (tcgetattr(STDIN_FILENO, &before) != 0) return false;
  struct termios raw = before;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  // Nor who waits for a terminal that was told to wait.
  raw.c_iflag &= ~(tcflag_t)IXON;
  // Who is stopped cannot take away what he made.
  raw.c_cc[VSUSP] = raw.c_cc[VQUIT] = _POSIX_VDISABLE;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  isRaw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  return isRaw;
}

void hauberk_lab_plain_terminal(void) {
  if (isRaw) tcsetattr(STDIN_FILENO, TCSANOW, &before);
  isRaw = false;
}
