import Glibc

/// What a thread tries, by name; 0 or an errno. Descriptors were opened while that was still allowed.
struct Attempts {
  let pair: (Int32, Int32)
  /// -1 where this process may open none.
  let xdp: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &ends) == 0 else { exit(2) }
    pair = (ends[0], ends[1])
    xdp = socket(44, Int32(SOCK_RAW.rawValue), 0)
  }

  /// What every running thread of a gateway does.
  func ordinary() -> [(String, Int32)] {
    [
      ("heap", heap()), ("pages", pages()), ("send", send()), ("receive", receive()), ("poll", wait()),
      ("sleep", errno(of: usleep(1000))), ("yield", errno(of: sched_yield())), ("random", random()), ("lock", lock()),
      ("wakeup", wakeup()), ("text", "\(ordinaryNumber) and \(Double(ordinaryNumber) / 7)".isEmpty ? EINVAL : 0),
    ]
  }

  /// What belongs to the control thread alone.
  func controls() -> [(String, Int32)] {
    [("open", openFile()), ("socket", openSocket()), ("thread", startThread())]
  }

  /// What belongs to nobody.
  func foreign() -> [(String, Int32)] {
    [
      ("spawn", spawn()), ("exec", exec()), ("code", code()), ("signal", errno(of: kill(getppid(), 0))),
      ("type", typeIntoTerminal()),
      ("priority", errno(of: setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 1))),
    ]
  }

  private var ordinaryNumber: Int { Int(pair.0) }

  private func errno(of result: Int32) -> Int32 { result == 0 ? 0 : Glibc.errno }

  private func heap() -> Int32 {
    // Large enough for a map of its own, then small ones of a thread's own arena.
    var all: [[UInt8]] = [[UInt8](repeating: 1, count: 8 << 20)]
    for size in 1..<2000 { all.append([UInt8](repeating: 2, count: size)) }
    return all.reduce(0) { $0 + Int($1.last!) } > 0 ? 0 : EINVAL
  }

  private func pages() -> Int32 {
    let size = 1 << 20
    guard let page = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), page != MAP_FAILED
    else { return Glibc.errno }
    defer { munmap(page, size) }
    return errno(of: madvise(page, size, MADV_DONTNEED))
  }

  private func send() -> Int32 { Glibc.send(pair.0, "word", 4, Int32(MSG_DONTWAIT)) == 4 ? 0 : Glibc.errno }

  private func receive() -> Int32 {
    var word = [UInt8](repeating: 0, count: 4)
    return recv(pair.1, &word, 4, Int32(MSG_DONTWAIT)) == 4 ? 0 : Glibc.errno
  }

  private func wait() -> Int32 {
    var one = pollfd(fd: pair.0, events: Int16(POLLIN), revents: 0)
    return poll(&one, 1, 1) >= 0 ? 0 : Glibc.errno
  }

  private func random() -> Int32 {
    var octets = [UInt8](repeating: 0, count: 16)
    return getentropy(&octets, 16) == 0 ? 0 : Glibc.errno
  }

  private func lock() -> Int32 {
    var mutex = pthread_mutex_t()
    pthread_mutex_init(&mutex, nil)
    defer { pthread_mutex_destroy(&mutex) }
    var deadline = timespec()
    clock_gettime(CLOCK_REALTIME, &deadline)
    deadline.tv_nsec = min(999_999_999, deadline.tv_nsec + 1_000_000)
    guard pthread_mutex_lock(&mutex) == 0 else { return EINVAL }
    // Held by ourselves: it waits in the kernel until the time is over.
    let code = pthread_mutex_timedlock(&mutex, &deadline)
    return code == ETIMEDOUT ? 0 : code
  }

  /// As a worker asks the kernel to send and to receive: without a ring, it is told so, and not that it may not.
  private func wakeup() -> Int32 {
    guard xdp >= 0 else { return 0 }
    _ = sendto(xdp, nil, 0, Int32(MSG_DONTWAIT), nil, 0)
    let sent = Glibc.errno
    _ = recvfrom(xdp, nil, 0, Int32(MSG_DONTWAIT), nil, nil)
    return sent == EPERM || Glibc.errno == EPERM ? EPERM : 0
  }

  private func openFile() -> Int32 {
    let file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return Glibc.errno }
    close(file)
    return 0
  }

  private func openSocket() -> Int32 {
    let made = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard made >= 0 else { return Glibc.errno }
    close(made)
    return 0
  }

  private func startThread() -> Int32 {
    var thread = pthread_t()
    let code = pthread_create(&thread, nil, { _ in nil }, nil)
    if code == 0 { pthread_join(thread, nil) }
    return code
  }

  private func spawn() -> Int32 {
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
    var child: pid_t = 0
    let code = posix_spawn(&child, "/bin/true", nil, nil, &arguments, environ)
    if code == 0 { waitpid(child, nil, 0) }
    return code
  }

  private func exec() -> Int32 {
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("nowhere"), nil]
    // Where it is allowed, there is nothing of that name.
    execv("/nowhere/at/all", &arguments)
    return Glibc.errno == ENOENT ? 0 : Glibc.errno
  }

  private func code() -> Int32 {
    guard let page = mmap(nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), page != MAP_FAILED
    else { return Glibc.errno }
    munmap(page, 4096)
    return 0
  }

  private func typeIntoTerminal() -> Int32 {
    var letter: CChar = 10
    // No terminal: it would say ENOTTY.
    return ioctl(pair.0, UInt(TIOCSTI), &letter) == 0 || Glibc.errno == ENOTTY ? 0 : Glibc.errno
  }
}
