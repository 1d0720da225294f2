import CLI
import Contract
import Dataplane
import Memory
import Wire

/// The input of a replay: a capture, once or again and again, or traffic of our own.
///
/// A port like any other, so that pace and faults can be put around it.
struct ReplaySource: ReceivePort {
  enum Kind {
    case capture(CapturePort)
    case generated(GeneratorPort)
  }

  private var kind: Kind
  private let frames: FrameSource
  private let reopen: () throws(CommandFailure) -> CaptureInput
  private var loopsLeft: Int
  /// The capture being read; the last one's fault is the replay's.
  private(set) var input: CaptureInput?
  private(set) var failure: CommandFailure?

  init(
    capture input: CaptureInput, loops: Int, frames: FrameSource,
    reopen: @escaping () throws(CommandFailure) -> CaptureInput
  ) {
    kind = .capture(CapturePort(input, frames: frames))
    self.input = input
    self.frames = frames
    self.reopen = reopen
    loopsLeft = loops - 1
  }

  init(generated description: GeneratorDescription, frames: FrameSource) {
    kind = .generated(GeneratorPort(description, frames: frames))
    self.frames = frames
    reopen = { () throws(CommandFailure) in throw CommandFailure(.input, "there is no capture to read again") }
    loopsLeft = 0
  }

  mutating func receive(into burst: inout Burst) -> Bool {
    switch kind {
    case .generated(var port):
      let isOpen = port.receive(into: &burst)
      kind = .generated(port)
      return isOpen
    case .capture(var port):
      let isOpen = port.receive(into: &burst)
      kind = .capture(port)
      return isOpen || beginAgain()
    }
  }

  private mutating func beginAgain() -> Bool {
    guard loopsLeft > 0, input?.fault == nil else { return false }
    loopsLeft -= 1
    do {
      let next = try reopen()
      input = next
      kind = .capture(CapturePort(next, frames: frames))
      return true
    } catch {
      failure = error
      return false
    }
  }
}
