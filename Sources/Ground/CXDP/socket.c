#include "CXDP.h"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// Newer than the headers of a stable distribution; a kernel without them says EINVAL, or ENOPROTOOPT.
enum { USE_PIECES = 1 << 4, MOST_SENT_AT_ONCE = 9 };
/// What a socket may have under way: the default is that of a terminal session.
enum { SEND_BUFFER_BYTES = 16 << 20 };

static int map_ring(int descriptor, hauberk_xdp_ring *ring, const struct xdp_ring_offset *offsets, uint32_t size,
                    size_t entry_bytes, off_t page) {
  size_t bytes = (size_t)offsets->desc + size * entry_bytes;
  char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, page);
  if (base == MAP_FAILED) return errno;
  *ring = (hauberk_xdp_ring){
      .producer = (uint32_t *)(base + offsets->producer),
      .consumer = (uint32_t *)(base + offsets->consumer),
      .flags = (uint32_t *)(base + offsets->flags),
      .entries = base + offsets->desc,
      .size = size,
      .mask = size - 1,
      .mapping = base,
      .bytes = bytes,
  };
  return 0;
}

static int set(int descriptor, int option, const void *value, socklen_t bytes) {
  return setsockopt(descriptor, SOL_XDP, option, value, bytes) == 0 ? 0 : errno;
}

static int make_rings(const hauberk_xdp_wishes *wishes, hauberk_xdp_socket *out) {
  const int descriptor = out->descriptor;
  int error = set(descriptor, XDP_UMEM_FILL_RING, &wishes->fill, sizeof wishes->fill);
  if (!error) error = set(descriptor, XDP_UMEM_COMPLETION_RING, &wishes->completion, sizeof wishes->completion);
  if (!error) error = set(descriptor, XDP_RX_RING, &wishes->receive, sizeof wishes->receive);
  if (!error) error = set(descriptor, XDP_TX_RING, &wishes->transmit, sizeof wishes->transmit);
  if (error) return error;
  struct xdp_mmap_offsets at;
  socklen_t bytes = sizeof at;
  if (getsockopt(descriptor, SOL_XDP, XDP_MMAP_OFFSETS, &at, &bytes) != 0) return errno;
  if (bytes != sizeof at) return ENOTSUP;  // a kernel before 5.4, whose rings have no flags
  error = map_ring(descriptor, &out->fill, &at.fr, wishes->fill, sizeof(uint64_t), (off_t)XDP_UMEM_PGOFF_FILL_RING);
  if (!error)
    error = map_ring(descriptor, &out->completion, &at.cr, wishes->completion, sizeof(uint64_t),
                     (off_t)XDP_UMEM_PGOFF_COMPLETION_RING);
  if (!error)
    error = map_ring(descriptor, &out->receive, &at.rx, wishes->receive, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
  if (!error)
    error = map_ring(descriptor, &out->transmit, &at.tx, wishes->transmit, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
  return error;
}

static int bind_queue(const hauberk_xdp_wishes *wishes, hauberk_xdp_socket *out) {
  struct sockaddr_xdp address = {
      .sxdp_family = AF_XDP,
      .sxdp_ifindex = wishes->device,
      .sxdp_queue_id = wishes->queue,
  };
  if (wishes->shared >= 0) {
    // Everything else is taken from the other socket, and may not be said again.
    address.sxdp_flags = XDP_SHARED_UMEM;
    address.sxdp_shared_umem_fd = (uint32_t)wishes->shared;
  } else {
    address.sxdp_flags = XDP_USE_NEED_WAKEUP;
    if (wishes->copies) address.sxdp_flags |= XDP_COPY;
    if (wishes->in_pieces) address.sxdp_flags |= USE_PIECES;
  }
  if (bind(out->descriptor, (struct sockaddr *)&address, sizeof address) != 0) return errno;
  struct xdp_options options = {0};
  socklen_t bytes = sizeof options;
  if (getsockopt(out->descriptor, SOL_XDP, XDP_OPTIONS, &options, &bytes) != 0) return errno;
  out->is_zero_copy = options.flags & XDP_OPTIONS_ZEROCOPY;
  return 0;
}

int hauberk_xdp_open(const hauberk_xdp_wishes *wishes, hauberk_xdp_socket *out, const char **step) {
  *out = (hauberk_xdp_socket){.descriptor = -1};
  *step = "making an AF_XDP socket";
  out->descriptor = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (out->descriptor < 0) return errno;
  int error = 0;
  if (wishes->shared < 0) {
    *step = "sharing packet memory with the kernel";
    struct xdp_umem_reg memory = {
        .addr = (uint64_t)(uintptr_t)wishes->memory,
        .len = wishes->bytes,
        .chunk_size = wishes->chunk,
        .flags = XDP_UMEM_UNALIGNED_CHUNK_FLAG,
    };
    error = set(out->descriptor, XDP_UMEM_REG, &memory, sizeof memory);
  }
  if (!error) {
    *step = "making the rings of an AF_XDP socket";
    error = make_rings(wishes, out);
  }
  if (!error) {
    *step = "binding an AF_XDP socket";
    error = bind_queue(wishes, out);
  }
  if (error) {
    hauberk_xdp_close(out);
    return error;
  }
  // Both are for speed alone: many packets under way, and all of a ring in one call.
  int buffer = SEND_BUFFER_BYTES;
  if (setsockopt(out->descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0)
    setsockopt(out->descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  set(out->descriptor, MOST_SENT_AT_ONCE, &wishes->transmit, sizeof wishes->transmit);
  return 0;
}

static void unmap(hauberk_xdp_ring *ring) {
  if (ring->mapping) munmap(ring->mapping, ring->bytes);
  ring->mapping = NULL;
}

void hauberk_xdp_close(hauberk_xdp_socket *socket) {
  unmap(&socket->fill);
  unmap(&socket->completion);
  unmap(&socket->receive);
  unmap(&socket->transmit);
  if (socket->descriptor >= 0) close(socket->descriptor);
  socket->descriptor = -1;
}

int hauberk_xdp_kick(int descriptor, hauberk_xdp_ring *transmit) {
  // A kernel may take only so many at a time; one that takes nothing twice will not do better now.
  uint32_t before = hauberk_xdp_kernels(transmit->consumer);
  int idle = 0;
  while (before != transmit->own) {
    int error = sendto(descriptor, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 ? errno : 0;
    uint32_t after = hauberk_xdp_kernels(transmit->consumer);
    if (error && error != EAGAIN && error != EBUSY) return error;
    if (after == before && ++idle == 2) return error;
    // A driver that copies nothing has only been woken: it sends by itself.
    if (!error && after == before) return 0;
    before = after;
  }
  return 0;
}

void hauberk_xdp_tell_filled(int descriptor) { recvfrom(descriptor, NULL, 0, MSG_DONTWAIT, NULL, NULL); }

bool hauberk_xdp_read_statistics(int descriptor, hauberk_xdp_statistics *out) {
  struct xdp_statistics all = {0};
  socklen_t bytes = sizeof all;
  if (getsockopt(descriptor, SOL_XDP, XDP_STATISTICS, &all, &bytes) != 0) return false;
  *out = (hauberk_xdp_statistics){
      .dropped = all.rx_dropped,
      .bad_fill = all.rx_invalid_descs,
      .bad_transmit = all.tx_invalid_descs,
      .ring_full = all.rx_ring_full,
      .no_frame = all.rx_fill_ring_empty_descs,
      .nothing_to_send = all.tx_ring_empty_descs,
  };
  return true;
}

bool hauberk_xdp_lift_lock_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return false;
  if (limit.rlim_cur == RLIM_INFINITY) return true;
  const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &none) == 0) return true;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_MEMLOCK, &limit);
  return false;
}
