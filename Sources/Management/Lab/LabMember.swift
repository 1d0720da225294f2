internal import CLI
internal import Glibc

/// One machine of a lab.
struct LabMember: Sendable {
  enum State: Equatable, Sendable {
    case running, stopped, draining
    /// And how: in a word for the screen.
    case ended(String)

    var word: String {
      switch self {
      case .running: "running"
      case .stopped: "stopped"
      case .draining: "draining"
      case .ended(let how): how
      }
    }
  }

  let number: Int
  var process: pid_t?
  var state = State.ended("not begun")
  var cut: [LabOrder.Side] = []

  /// Whether there is somebody who could answer.
  var answers: Bool { process != nil && state != .stopped }
}
