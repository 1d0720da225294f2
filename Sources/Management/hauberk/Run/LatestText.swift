import Synchronization

/// A text that one thread writes and others read.
final class LatestText: Sendable {
  private let latest = Mutex("")

  var text: String {
    get { latest.withLock { $0 } }
    set { latest.withLock { $0 = newValue } }
  }
}
