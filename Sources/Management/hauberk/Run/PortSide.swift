import CKernel
import Contract
import Dataplane
import Memory
import Wire

/// What an operator is told of a port.
enum PortEvent {
  case vanished
  case returned(String)
  case linkDown
  case linkUp
  case refused(String, again: UInt64)
  /// The first packet came whose checksum nobody has finished.
  case unfinishedChecksum
}

/// One device of a running gateway: open, or waited for. Belongs to the control thread.
///
///     open ──device vanishes──▶ being let go ──all workers have──▶ waited for ──opened again──▶ open
///
/// Meanwhile workers have a port without a device. They are told by an order and give back by a ring what they had, so
/// neither waits for the other, and nothing is closed that somebody uses.
final class PortSide {
  let description: PortDescription
  let counters: [PortCounters]
  private(set) var opened: OpenedPort?
  private(set) var words: String
  private(set) var state = PortState.up
  private(set) var wasZeroCopy: Bool
  /// Why it could not be opened again, the last time.
  private(set) var refusal: String?
  private let gateway: LiveGateway
  private let absent: [UnsafeMutablePointer<AbsentQueue>]
  private var leaving: OpenedPort?
  /// Workers that have not answered the last change.
  private var unanswered = 0
  private var attempts = 0
  private var nextAttempt: UInt64 = 0
  private var triedAt: UInt64 = 0
  private var hasToldOfChecksums = false

  init(_ description: PortDescription, _ gateway: LiveGateway, counters: [PortCounters], _ opened: OpenedPort) {
    self.description = description
    self.gateway = gateway
    self.counters = counters
    self.opened = opened
    words = opened.words
    wasZeroCopy = opened.isZeroCopy
    absent = zip(gateway.frames, counters).map { frames, counters in
      let place = UnsafeMutablePointer<AbsentQueue>.allocate(capacity: 1)
      place.initialize(to: AbsentQueue(frames: frames, counters: counters))
      return place
    }
  }

  /// Its memory can be shared.
  var usable: OpenedPort? { state == .gone ? nil : opened }

  /// A worker has let go of what it had on this side.
  func retire() {
    unanswered -= 1
    guard unanswered == 0, let leaving else { return }
    // Its frames are the control thread's now: workers' own stacks of them are in use.
    leaving.close(giving: gateway.controlFrames)
    self.leaving = nil
  }

  /// Whether it is as it was, and what becomes of it if not. `isNews`: some device or other has changed.
  func look(now: UInt64, isNews: Bool, open: (PortDescription) throws(PortError) -> OpenedPort) -> PortEvent? {
    guard let opened else { return attempt(now: now, isNews: isNews, open) }
    // One change at a time.
    guard unanswered == 0 else { return nil }
    let found = opened.state
    if found == state {
      if hasToldOfChecksums || unfinishedChecksums == 0 { return nil }
      hasToldOfChecksums = true
      return .unfinishedChecksum
    }
    state = found
    switch found {
    case .up: return .linkUp
    case .down: return .linkDown
    case .gone:
      leaving = opened
      self.opened = nil
      attempts = 0
      nextAttempt = now
      offer(absent.map { LivePort(.absent($0)) })
      return .vanished
    }
  }

  private static let leastPause: UInt64 = 100_000_000
  private static let second: UInt64 = 1_000_000_000
  private static let mostPause: UInt64 = 30

  private func attempt(now: UInt64, isNews: Bool, _ open: (PortDescription) throws(PortError) -> OpenedPort)
    -> PortEvent?
  {
    // A device that appears does not wait; but news come in droves.
    if isNews { nextAttempt = min(nextAttempt, triedAt + Self.leastPause) }
    guard unanswered == 0, now >= nextAttempt else { return nil }
    triedAt = now
    do {
      let next = try open(description)
      opened = next
      words = next.words
      wasZeroCopy = next.isZeroCopy
      state = next.state
      refusal = nil
      offer(next.ports)
      return .returned(next.words)
    } catch {
      // 1, 2, 4 … 30 s
      let pause = min(Self.mostPause, 1 << UInt64(min(attempts, 5)))
      attempts += 1
      nextAttempt = now + pause * Self.second
      if refusal == error.description { return nil }
      refusal = error.description
      return .refused(error.description, again: pause)
    }
  }

  private func offer(_ ports: [LivePort]) {
    unanswered = ports.count
    gateway.change(description.side, to: ports)
  }

  /// When something is to be done; nil where only news can tell.
  var due: UInt64? { opened == nil ? nextAttempt : nil }

  /// After the workers have stopped.
  func close() {
    leaving?.close()
    opened?.close()
    for place in absent { place.deallocate() }
    for bank in counters { bank.deallocate() }
  }
}

extension PortSide {
  /// What an operator should know now.
  var warnings: [String] {
    [unfinishedChecksums > 0 ? checksumWarning : nil, stateWarning].compactMap(\.self)
  }

  private var stateWarning: String? {
    switch state {
    case .up: opened?.weakness
    case .down: "\(description.side) \(description.device) has no link, or is switched off"
    case .gone:
      "\(description.side) \(description.device) has vanished: "
        + (refusal.map { "\($0); it is tried again and again" } ?? "it is opened again as soon as it is back")
    }
  }

  var checksumWarning: String {
    "\(description.side) \(description.device): a sender leaves checksums to a device that is not there, and receivers drop "
      + "its packets: `ethtool -K DEVICE tx off` where it sends, or 'method: packet' here"
  }

  private var unfinishedChecksums: UInt64 { counters.reduce(0) { $0 + $1.unfinishedChecksums } }
}
