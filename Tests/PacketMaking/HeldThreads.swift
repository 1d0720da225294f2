internal import Glibc
import Synchronization

/// Threads that a test brings to a standstill wherever they are, as a busy machine may: a signal comes, and its handler
/// returns when the test says so. One test at a time uses it.
package final class HeldThreads: Sendable {
  private let threads = Mutex<[String: pthread_t]>([:])

  package init() {
    // Now: the handler may make nothing.
    _ = held.pointee.load(ordering: .relaxed)
    _ = standing.pointee.load(ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in
      standing.pointee.add(1, ordering: .sequentiallyConsistent)
      while held.pointee.load(ordering: .sequentiallyConsistent) != 0 { usleep(50) }
      standing.pointee.subtract(1, ordering: .sequentiallyConsistent)
    }
    sigaction(SIGUSR1, &action, nil)
  }

  /// On a thread that is to be held: by its name.
  package func add() {
    // Whoever started it may have blocked all signals.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGUSR1)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    guard let file = fopen("/proc/thread-self/comm", "r") else { preconditionFailure("no /proc") }
    defer { fclose(file) }
    var name = [UInt8](repeating: 0, count: 16)
    let length = fread(&name, 1, name.count, file)
    let text = String(decoding: name.prefix(length).dropLast(), as: UTF8.self)
    threads.withLock { $0[text] = pthread_self() }
  }

  package var count: Int { threads.withLock { $0.count } }

  /// Nil holds all.
  package func hold(_ name: String? = nil) {
    held.pointee.store(1, ordering: .sequentiallyConsistent)
    let before = standing.pointee.load(ordering: .sequentiallyConsistent)
    let some = threads.withLock { all in all.filter { name == nil || $0.key == name }.map(\.value) }
    precondition(!some.isEmpty, "no such thread")
    for thread in some { pthread_kill(thread, SIGUSR1) }
    while standing.pointee.load(ordering: .sequentiallyConsistent) < before + some.count { sched_yield() }
  }

  package func letGo() {
    held.pointee.store(0, ordering: .sequentiallyConsistent)
    while standing.pointee.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
  }
}

// Where a handler finds them.
nonisolated(unsafe) private let held = word()
nonisolated(unsafe) private let standing = word()

private func word() -> UnsafeMutablePointer<Atomic<Int>> {
  let word = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
  word.initialize(to: Atomic(0))
  return word
}
