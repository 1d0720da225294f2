internal import Glibc

/// Runs the body once on each of `count` threads of its own, all at a time, and returns when all have.
/// (Tasks would share a pool, and two that wait for each other might never both run.)
package func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Job: Sendable {
    let index: Int
    let body: @Sendable (Int) -> Void
    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) { (self.index, self.body) = (index, body) }
  }
  let threads = (0..<count).map { index in
    var thread = pthread_t()
    let job = Unmanaged.passRetained(Job(index, body)).toOpaque()
    let failure = pthread_create(
      &thread, nil,
      { argument in
        let job = Unmanaged<Job>.fromOpaque(argument!).takeRetainedValue()
        job.body(job.index)
        return nil
      }, job)
    precondition(failure == 0, "no thread: \(failure)")
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}

/// Lets another thread run: whoever waits in a loop calls this, or fewer cores than threads would stall.
package func giveWay() { sched_yield() }

/// A time by which a test of waiting threads ends, however little they got done on a busy machine.
package struct Deadline: Sendable {
  private let end: ContinuousClock.Instant
  package init(milliseconds: Int) { end = .now + .milliseconds(milliseconds) }
  package var isOver: Bool { .now >= end }
}
