// Sends datagrams from one namespace at a steady rate, counts in another what comes, and says what both cost:
//     traffic FROM-NAMESPACE FROM-ADDRESS TO-NAMESPACE TO-ADDRESS SIZE|imix RATE SECONDS
// SIZE counts octets of the IP packet; RATE packets a second, 0 for as many as go. One line of JSON. As root.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 7009, BATCH = 32, HEADERS = 28, ROOM = 2048, SLICE_NANOSECONDS = 500000, LATE_MILLISECONDS = 300 };

static struct sockaddr_in target;
static double rate, seconds;
static int mean_size;
static int sender, receiver;
static atomic_bool is_over;
static uint64_t sent, received, wrong;
static double send_cpu, receive_cpu, send_start, send_end, last_arrival;

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double own_cpu(void) {
  struct rusage used;
  getrusage(RUSAGE_THREAD, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

// Seven short ones, four of 576 octets and a long one, as they are met in the middle of the internet.
static int size_of(uint64_t number) {
  static const int imix[12] = {64, 576, 64, 64, 576, 64, 1400, 64, 576, 64, 64, 576};
  return mean_size ? mean_size : imix[number % 12];
}

static int open_in(const char *namespace, const char *address, uint16_t port) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", namespace);
  int there = open(path, O_RDONLY | O_CLOEXEC);
  if (there < 0 || setns(there, CLONE_NEWNET) != 0) fail(path);
  close(there);
  int made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int bytes = 64 << 20;
  setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  setsockopt(made, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, address, &own.sin_addr) != 1 || bind(made, (struct sockaddr *)&own, sizeof own) != 0)
    fail(address);
  return made;
}

static void *receive(void *unused) {
  (void)unused;
  static uint8_t room[BATCH][ROOM];
  struct iovec vectors[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){room[i], ROOM};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  const struct timeval patience = {.tv_usec = LATE_MILLISECONDS * 1000};
  setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  while (true) {
    int count = recvmmsg(receiver, messages, BATCH, MSG_WAITFORONE, NULL);
    if (count <= 0 && is_over) break;
    if (count > 0) last_arrival = now();
    for (int i = 0; i < count; i++) {
      uint64_t number;
      memcpy(&number, room[i], sizeof number);
      wrong += (int)messages[i].msg_len != size_of(number) - HEADERS;
      received++;
    }
  }
  receive_cpu = own_cpu();
  return NULL;
}

static uint64_t send_some(uint64_t first, uint64_t count) {
  static uint8_t room[BATCH][ROOM];
  struct iovec vectors[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (uint64_t i = 0; i < count; i++) {
    const uint64_t number = first + i;
    memcpy(room[i], &number, sizeof number);
    vectors[i] = (struct iovec){room[i], (size_t)(size_of(number) - HEADERS)};
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &target, .msg_namelen = sizeof target, .msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  int done = sendmmsg(sender, messages, (unsigned)count, 0);
  return done > 0 ? (uint64_t)done : 0;
}

static void send_all(void) {
  struct timespec wake;
  clock_gettime(CLOCK_MONOTONIC, &wake);
  send_start = now();
  while (now() - send_start < seconds) {
    uint64_t due = rate > 0 ? (uint64_t)((now() - send_start) * rate) : sent + BATCH;
    // What a busy machine has kept it from is not made good in one burst.
    if (due > sent + (uint64_t)(rate * 0.004) + BATCH) due = sent + (uint64_t)(rate * 0.004) + BATCH;
    while (sent < due) sent += send_some(sent, due - sent < BATCH ? due - sent : BATCH);
    if (rate == 0) continue;
    wake.tv_nsec += SLICE_NANOSECONDS;
    if (wake.tv_nsec >= 1000000000) wake = (struct timespec){wake.tv_sec + 1, wake.tv_nsec - 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);
  }
  send_end = now();
  send_cpu = own_cpu();
}

int main(int count, char **words) {
  if (count != 8) {
    fprintf(stderr, "traffic: FROM-NAMESPACE FROM-ADDRESS TO-NAMESPACE TO-ADDRESS SIZE|imix RATE SECONDS\n");
    return 64;
  }
  mean_size = strcmp(words[5], "imix") == 0 ? 0 : atoi(words[5]);
  rate = atof(words[6]);
  seconds = atof(words[7]);
  if (mean_size != 0 && (mean_size < HEADERS + 8 || mean_size > 1500)) {
    fprintf(stderr, "traffic: a packet has 36 to 1500 octets\n");
    return 64;
  }
  receiver = open_in(words[3], words[4], PORT);
  sender = open_in(words[1], words[2], 0);
  target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PORT)};
  inet_pton(AF_INET, words[4], &target.sin_addr);
  pthread_t thread;
  if (pthread_create(&thread, NULL, receive, NULL) != 0) fail("a thread");
  send_all();
  is_over = true;
  pthread_join(thread, NULL);
  // "late": how long something still came when all had been sent. What queues without end loses nothing, and is too slow.
  printf("{\"sent\": %lu, \"received\": %lu, \"wrong\": %lu, \"seconds\": %.4f, \"late\": %.4f, \"sendCPU\": %.4f, "
         "\"receiveCPU\": %.4f}\n",
         sent, received, wrong, send_end - send_start, last_arrival - send_end, send_cpu, receive_cpu);
  return 0;
}
