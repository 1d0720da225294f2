/// What a message carries to show that its sender has just spoken: octets that nobody could know before. It says nothing
/// about what is in the message, which the signature does; but it costs next to nothing to be looked at, and who writes
/// frames in a unit's name has none.
public struct Watchword: Equatable, Sendable {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Of nobody's chain.
  public static let none = Watchword(high: 0, low: 0)
}

/// One way only: nobody finds what a watchword is the hash of before it is said.
public protocol Hashing {
  func hash(_ word: Watchword, times: Int) -> Watchword
}

/// A unit's own, made from the last to the first: each is the hash of the one after it. Every message says which its next
/// chain begins with, and is signed; so a chain is known to be the unit's before it is needed.
///
///     message      1    2  …  1024   1025 1026 … 2048
///     watchword    a1 ← a2 ←… a1024  b1 ← b2 ←… b1024
///     promised     b0 = hash(b1)     c0 = hash(c1)
public struct Watchwords: Sendable {
  static let perChain: UInt64 = 1024

  private var chain = Chain()
  private var next = Chain()
  /// Grows by one watchword with each message, and so is whole when it becomes the next.
  private var afterNext = Chain()
  private var number: UInt64?

  public init() {}

  /// For a message's number, which is greater by one than the one before. `last` makes a watchword that nobody can guess.
  public mutating func take(
    for sequence: UInt64, by hashing: some Hashing, last: () -> Watchword
  ) -> (word: Watchword, promised: Watchword) {
    let (wanted, place) = Self.place(sequence)
    if number != wanted {
      if number == nil { next.finish(by: hashing, last) }
      afterNext.finish(by: hashing, last)
      (chain, next, afterNext) = (next, afterNext, Chain())
      number = wanted
    }
    afterNext.grow(by: hashing, last)
    return (chain[place], next[0])
  }

  /// In which chain a message's watchword is, and which of it: the one that nobody says, and is promised, is the 0th.
  static func place(_ sequence: UInt64) -> (chain: UInt64, place: UInt64) {
    let index = sequence &- 1
    return (index / perChain, index % perChain + 1)
  }
}

/// From the last to the first, as it is made.
private struct Chain: Sendable {
  private var words: [Watchword] = []

  /// From the first on, which is the 0th. Of a whole one.
  subscript(_ place: UInt64) -> Watchword { words[words.count - 1 - Int(place)] }

  mutating func grow(by hashing: some Hashing, _ last: () -> Watchword) {
    guard words.count <= Watchwords.perChain else { return }
    words.append(words.last.map { hashing.hash($0, times: 1) } ?? last())
  }

  mutating func finish(by hashing: some Hashing, _ last: () -> Watchword) {
    while words.count <= Watchwords.perChain { grow(by: hashing, last) }
  }
}

/// What a unit is known by: the newest of its watchwords that has been said.
struct KnownWatchword: Sendable {
  /// So many messages may be lost in a row. It limits what somebody's invention costs.
  static let mostSteps: UInt64 = 64
  /// Who has heard a watchword can say it, too: as long as its own message has not come, so many that show it are looked at.
  static let mostTries = 4

  private var sequence: UInt64 = 0
  private var word = Watchword.none
  /// What the chain of that number begins behind.
  private var promised: (chain: UInt64, word: Watchword)?
  private var tries = 0

  /// Whether the unit has just spoken. What is late is not looked at: everybody has had time to hear it.
  mutating func hear(_ envelope: Envelope, by hashing: some Hashing) -> Bool {
    guard sequence > 0, envelope.sequence >= sequence else { return false }
    if envelope.sequence > sequence {
      guard follows(envelope, by: hashing) else { return false }
      sequence = envelope.sequence
      word = envelope.word
      tries = 0
    }
    guard envelope.word == word, tries < Self.mostTries else { return false }
    tries += 1
    return true
  }

  /// Its message was not for us. Should it be a copy that somebody has sent before it, one look is left for the message.
  mutating func spend() { tries = max(tries, Self.mostTries - 1) }

  private func follows(_ envelope: Envelope, by hashing: some Hashing) -> Bool {
    let (chain, place) = Watchwords.place(envelope.sequence)
    let known = Watchwords.place(sequence)
    let (before, steps) =
      chain == known.chain ? (word, place - known.place) : (promised?.chain == chain ? promised?.word : nil, place)
    guard let before, steps <= Self.mostSteps else { return false }
    return hashing.hash(envelope.word, times: Int(steps)) == before
  }

  /// A message that is signed well.
  mutating func learn(_ envelope: Envelope) {
    let next = Watchwords.place(envelope.sequence).chain &+ 1
    if next >= promised?.chain ?? 0 { promised = (next, envelope.promised) }
    guard envelope.sequence > sequence else { return }
    sequence = envelope.sequence
    word = envelope.word
    tries = 0
  }
}
