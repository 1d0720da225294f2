internal import CConsole
internal import CKernel
internal import CLI
internal import Synchronization

/// A thread of the lab's that takes no signals, and ends when it is asked to.
final class LabThread: Sendable {
  private let wish = Atomic<Bool>(false)
  private let isRunning = Atomic<Bool>(false)

  var isToEnd: Bool { wish.load(ordering: .relaxed) }

  func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(CommandFailure) {
    isRunning.store(true, ordering: .sequentiallyConsistent)
    let task = unsafe Unmanaged.passRetained(
      Task { [self] in
        body()
        isRunning.store(false, ordering: .sequentiallyConsistent)
      })
    let code = unsafe hauberk_start_service(
      name,
      { context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<Task>.fromOpaque(context).takeRetainedValue().body()
      }, task.toOpaque())
    guard code == 0 else {
      unsafe task.release()
      isRunning.store(false, ordering: .sequentiallyConsistent)
      throw LabTools.failure("cannot start a thread", code)
    }
  }

  /// Returns when it has.
  func end() {
    wish.store(true, ordering: .relaxed)
    while isRunning.load(ordering: .sequentiallyConsistent) { hauberk_sleep_microseconds(1000) }
  }

  private final class Task: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
