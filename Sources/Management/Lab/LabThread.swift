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
    isRunning.store(true, ordering: .relaxed)
    let task = unsafe Unmanaged.passRetained(
      Task { [self] in
        body()
        // edge lab.threadEnd: release; all that the thread did is done for who sees it.
        isRunning.store(false, ordering: .releasing)
      })
    let code = unsafe hauberk_start_service(
      name,
      { context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<Task>.fromOpaque(context).takeRetainedValue().body()
      }, task.toOpaque())
    guard code == 0 else {
      unsafe task.release()
      isRunning.store(false, ordering: .relaxed)
      throw LabTools.failure("cannot start a thread", code)
    }
  }

  /// Returns when it has.
  func end() {
    wish.store(true, ordering: .relaxed)
    // edge lab.threadEnd: acquire; with the store at the thread's end.
    while isRunning.load(ordering: .acquiring) { hauberk_sleep_microseconds(1000) }
  }

  private final class Task: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
