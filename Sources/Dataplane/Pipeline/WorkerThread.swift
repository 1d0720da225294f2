import CKernel
import Glibc

/// A pinned thread of the operating system's own. Swift's concurrency has no place for a loop that never waits.
package struct WorkerThread {
  private let thread: pthread_t

  /// `processor` nil leaves the thread where the kernel puts it.
  package init(name: String, processor: Int?, _ body: @escaping () -> Void) throws(ThreadError) {
    let start = Unmanaged.passRetained(Start(name: name, processor: processor, body: body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        let start = Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
        hauberk_name_thread(start.name)
        if let processor = start.processor { _ = hauberk_bind_thread(Int32(processor)) }
        start.body()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw ThreadError(description: "cannot start a worker: \(String(cString: strerror(code)))")
    }
    self.thread = thread
  }

  package func join() { pthread_join(thread, nil) }

  private final class Start {
    let name: String
    let processor: Int?
    let body: () -> Void

    init(name: String, processor: Int?, body: @escaping () -> Void) {
      self.name = name
      self.processor = processor
      self.body = body
    }
  }
}

package struct ThreadError: Error, CustomStringConvertible {
  package let description: String
}

package enum Processors {
  /// Those this process may use.
  package static func allowed() -> [Int] {
    var numbers = [Int32](repeating: 0, count: 1024)
    let count = hauberk_allowed_processors(&numbers, Int32(numbers.count))
    return numbers.prefix(Int(count)).map(Int.init)
  }
}
