import Cluster
import ControlKit

/// Every message travels by both sides, inside and outside. A unit that is heard by one of them alone cannot carry a packet
/// through, so nothing that it says counts until it is heard by both. Not in the specification's C19 to C21, which know
/// one wire; without it, a gateway whose inside cable is pulled would go on being given work.
struct BothSides {
  /// What is known of a message that has come already, by whichever side.
  private struct Seen {
    var sender: MemberNumber
    var octets: [UInt8] = []
    var message: (Message, Envelope)?
    var side: Int
    var at: Moment
  }

  let patience: Nanoseconds
  private var heardAt: [[Moment?]]
  /// The last messages, so that a copy by the other side is known without a second signature.
  private var seen: [Seen?]
  private var next = 0
  /// Messages of units that were heard by one side only.
  private(set) var oneSided: UInt64 = 0

  static let most = 256

  /// After `patience` without a word by a side, a unit is not heard by it any more.
  init(patience: Nanoseconds) {
    self.patience = patience
    heardAt = Array(repeating: [nil, nil], count: ClusterDescription.mostUnits)
    seen = Array(repeating: nil, count: Self.most)
  }

  /// Octets that have come before by the other side: what they say counts now if it did not then.
  mutating func takeCopy(_ octets: [UInt8], by side: Int, now: Moment) -> (
    sender: MemberNumber?, message: (Message, Envelope)?
  ) {
    guard let place = seen.firstIndex(where: { $0.map { $0.side != side && $0.octets == octets } ?? false }),
      let first = seen[place]
    else { return (nil, nil) }
    // Once only, and soon: a copy of a copy is somebody's repetition, which the gate refuses, and so is a late one.
    guard first.at.age(at: now) <= patience else { return (nil, nil) }
    seen[place] = nil
    heardAt[Int(first.sender)][side] = now
    return (first.sender, first.message)
  }

  /// A message that has passed the gate. Nil: it does not count, or not yet.
  mutating func take(
    _ octets: [UInt8], _ message: Message, _ envelope: Envelope, by side: Int, now: Moment
  ) -> (Message, Envelope)? {
    let sender = MemberNumber(truncatingIfNeeded: envelope.sender)
    heardAt[Int(sender)][side] = now
    let counts = isHeard(sender, by: 1 - side, now)
    if !counts { oneSided &+= 1 }
    seen[next] = Seen(
      sender: sender, octets: octets, message: counts ? nil : (message, envelope), side: side, at: now)
    next = (next + 1) % Self.most
    return counts ? (message, envelope) : nil
  }

  func isHeard(_ unit: MemberNumber, by side: Int, _ now: Moment) -> Bool {
    heardAt[Int(unit)][side].map { $0.age(at: now) <= patience } ?? false
  }
}
