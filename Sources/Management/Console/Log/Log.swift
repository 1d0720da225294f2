internal import CKernel
internal import Glibc
internal import Synchronization

/// The log: one line an event. Whoever writes never waits for who reads; a thread of its own does.
package final class Log: Sendable {
  /// More than that is lost, counted, and told of.
  static let mostWaitingBytes = 256 << 10

  private struct State {
    var folder = LogFolder()
    var waiting: [UInt8] = []
    var lost: UInt64 = 0
    var isOver = false
  }

  private let format: LogFormat
  private let least: LogLevel
  private let descriptor: Int32
  private let state = Mutex(State())
  private let bell: Bell
  private let isWritten = Atomic<Bool>(false)

  /// Nil format: what suits standard error. It does not close the descriptor.
  package init?(format: LogFormat? = nil, least: LogLevel = .info, descriptor: Int32 = 2) {
    guard let bell = Bell() else { return nil }
    self.format = format ?? Self.suiting(descriptor)
    self.least = least
    self.descriptor = descriptor
    self.bell = bell
    // The thread has the log as long as it runs: until `finish`.
    guard ServiceThread.start("log", .few, { [self] in writeAll() }) == 0 else { return nil }
  }

  package static func now() -> LogTime {
    var wall = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &wall)
    return LogTime(
      monotonic: hauberk_nanoseconds(), wall: Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec))
  }

  package func write(
    _ level: LogLevel, _ name: String, _ text: String, _ fields: [(name: String, value: String)] = [],
    at time: LogTime = now()
  ) {
    guard level >= least else { return }
    queue(time) { $0.take(LogEvent(level, name, text, fields), at: time.monotonic) }
  }

  /// To be called once a second or so: tells of what was folded.
  package func turn(at time: LogTime = now()) { queue(time) { $0.due(at: time.monotonic) } }

  private func queue(_ time: LogTime, _ events: (inout LogFolder) -> [LogEvent]) {
    let isWork = state.withLock { state in
      for event in events(&state.folder) {
        let line = Array(format.line(event, time).utf8)
        if state.waiting.count + line.count <= Self.mostWaitingBytes {
          state.waiting += line
        } else {
          state.lost += 1
        }
      }
      return !state.waiting.isEmpty
    }
    if isWork { bell.ring() }
  }

  /// Writes what is there, for as long as that; false when something is left. Nothing can be written afterwards.
  package func finish(milliseconds: Int = 1000, at time: LogTime = now()) -> Bool {
    queue(time) { $0.finish(at: time.monotonic) }
    state.withLock { $0.isOver = true }
    bell.ring()
    for _ in 0..<max(1, milliseconds / 5) {
      if isWritten.load(ordering: .relaxed) { return true }
      hauberk_sleep_microseconds(5000)
    }
    return isWritten.load(ordering: .relaxed)
  }

  private func writeAll() {
    while true {
      let (octets, isOver) = state.withLock { state in
        var octets = state.waiting
        state.waiting = []
        if state.lost > 0 {
          let event = LogEvent(.warning, "log.lost", "\(state.lost) lines were lost: nobody took them in time")
          octets += Array(format.line(event, Self.now()).utf8)
          state.lost = 0
        }
        return (octets, state.isOver)
      }
      write(octets)
      if octets.isEmpty {
        if isOver { break }
        bell.wait()
      }
    }
    isWritten.store(true, ordering: .relaxed)
  }

  private func write(_ octets: [UInt8]) {
    var rest = octets[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var one = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe _ = poll(&one, 1, 1000)
      } else if errno != EINTR {
        // Nobody is there any more: that cannot even be said.
        return
      }
    }
  }

  /// The journal says which descriptor is its own by device and file.
  static func suiting(_ descriptor: Int32) -> LogFormat {
    var status = stat()
    guard let text = unsafe getenv("JOURNAL_STREAM"), unsafe fstat(descriptor, &status) == 0 else { return .text }
    return unsafe isJournal(String(cString: text), UInt64(status.st_dev), UInt64(status.st_ino)) ? .journal : .text
  }

  static func isJournal(_ text: String, _ device: UInt64, _ file: UInt64) -> Bool { text == "\(device):\(file)" }
}
