import Cluster
import ControlKit

/// When this unit says who it is. A certificate is shown to all: those who ask to be let in cannot know yet whose word
/// they wait for, and a member may not have heard of them either.
struct Introductions {
  /// The envelope's type, of nobody else's.
  static let type: UInt8 = 0xf0

  private var next: Moment = 0
  private var answered: Moment = 0
  private var said = 0

  private static let soon: Nanoseconds = 50 * .millisecond
  private static let later: Nanoseconds = .second

  /// Often at first, and for as long as somebody may not know us; then once a second, for those who come.
  mutating func isDue(_ now: Moment) -> Bool {
    guard now >= next else { return false }
    said += 1
    next = now + (said < 6 ? Self.soon : Self.later)
    return true
  }

  /// Somebody has introduced himself who may not know us.
  mutating func answer(_ now: Moment) {
    // Whoever comes with many others hears of us with them.
    next = min(next, max(now, answered + 10 * .millisecond))
    answered = max(answered, next)
  }

  var nextTimer: Moment { next }
}

extension Introductions {
  /// Who says that he introduces himself with it; nil of anything else.
  static func unit(_ octets: [UInt8]) -> Int? {
    guard case .success(let message) = SealedMessage.reading(octets), message.envelope.type == type else { return nil }
    return Int(message.envelope.sender)
  }
}

/// To a unit that has introduced itself in vain: why (C4). Who is outside for another reason has heard of that.
enum Disbelief {
  /// The envelope's type, of nobody else's.
  static let type: UInt8 = 0xf2
  static let most = 400

  static func octets(_ reason: String) -> [UInt8] {
    reason.unicodeScalars.prefix(most).map { (0x20..<0x7f).contains($0.value) ? UInt8($0.value) : UInt8(ascii: "?") }
  }

  /// As one line of a log; nil where it is none.
  static func reading(_ octets: [UInt8]) -> String? {
    guard (1...most).contains(octets.count) else { return nil }
    let words = String(decoding: octets, as: UTF8.self)
    return words.unicodeScalars.allSatisfy { (0x20..<0x7f).contains($0.value) } ? words : nil
  }
}

/// Of those that are not believed. Anybody can make somebody complain: so now and then is often enough, for each.
struct Complaints {
  private var next: [Int: Moment] = [:]

  func mayBeTold(of unit: Int, _ now: Moment) -> Bool { now >= next[unit] ?? 0 }
  mutating func note(_ unit: Int, _ now: Moment) { next[unit] = now + 10 * .second }
}
