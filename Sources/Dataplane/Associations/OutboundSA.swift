import Nonces

/// What a worker has to know to seal a packet: two cache lines, read only, of which the common packet needs the first.
/// What changes with every packet lies apart.
struct OutboundSA: BitwiseCopyable {
  struct Flags: OptionSet, BitwiseCopyable {
    let rawValue: UInt32
    static let isTransport = Flags(rawValue: 1)
    static let isExtended = Flags(rawValue: 2)
    static let isEncapsulated = Flags(rawValue: 4)
    static let isOuterIPv6 = Flags(rawValue: 8)
    /// The IV is a counter from a nonce block.
    static let isCounterMode = Flags(rawValue: 16)
    /// The IV is random (CBC).
    static let isRandomIV = Flags(rawValue: 32)
    /// The IV is authenticated along with SPI and sequence number.
    static let authenticatesIV = Flags(rawValue: 64)
    /// The upper half of the sequence number stands behind the payload, not in front of it.
    static let hasSuffix = Flags(rawValue: 128)
    static let copiesDSCP = Flags(rawValue: 256)
    static let copiesECN = Flags(rawValue: 512)
    static let copiesDontFragment = Flags(rawValue: 1024)
    static let setsDontFragment = Flags(rawValue: 2048)
    static let copiesHopLimit = Flags(rawValue: 4096)
    static let copiesFlowLabel = Flags(rawValue: 8192)
    /// One SA for all workers: each has a state of its own.
    static let isGroup = Flags(rawValue: 16384)
    /// The common kind: AES-GCM on ipsec-mb, IPv4 outside, tunnel mode, marks copied, nothing added.
    static let isPlain = Flags(rawValue: 32768)
    /// It ends after so many seconds.
    static let isTimed = Flags(rawValue: 65536)

    /// What a plain SA has and has not.
    static var plain: Flags { [.isCounterMode, .copiesDSCP, .copiesECN, .copiesDontFragment] }
    static var allBut: Flags { [.isGroup, .isPlain] }
  }

  /// The outer IP header and the UDP header as they begin, in the order of the wire, in six words; lengths and checksum
  /// are 0. Here the second and third, of which the common packet's is made.
  var header1: UInt64 = 0
  var header2: UInt64 = 0
  var key: CipherKey
  /// Worker 0's; the others' follow at `stateStride`, or are the same.
  var state: UnsafeMutablePointer<OutboundState>
  var stateStride: UInt32 = 0
  var spi: UInt32
  /// The nonce's first four octets, as they lie in memory.
  var salt: UInt32
  /// The sum of a plain SA's outer header, lengths and marks apart, of words as they lie in memory.
  var plainSum: UInt32 = 0
  /// What a plain job says of the key.
  var plainKind: UInt16 = 0
  /// The longest outer packet.
  var longest: UInt16 = .max
  var workSet: UInt16 = 0
  var paddedLength: UInt16 = 0
  var flags: Flags = []
  /// As `plainSum`, of any IPv4 header's words as numbers.
  var headerSum: UInt32 = 0
  // Second line.
  var header0: UInt64 = 0
  var header3: UInt64 = 0
  var header4: UInt64 = 0
  var header5: UInt64 = 0
  var softBytes: UInt64 = .max
  var hardBytes: UInt64 = .max
  var outerBytes: UInt8 = 0
  var ivBytes: UInt8
  var tagBytes: UInt8
  /// The encrypted length is a multiple of this plus one.
  var padMask: UInt8
  var bundle: UInt32 = 0
  /// Of an SA that is timed, counted from the epoch of all of them. They fill the line: records of any other size would lie
  /// across three.
  var softSeconds: UInt32 = .max
  var hardSeconds: UInt32 = .max

  @inline(__always)
  func state(of worker: Int) -> UnsafeMutablePointer<OutboundState> {
    (UnsafeMutableRawPointer(state) + Int(stateStride) &* worker).assumingMemoryBound(to: OutboundState.self)
  }

  /// Whether packets of this work set may be sealed where they are.
  @inline(__always)
  func serves(_ set: UInt16) -> Bool { workSet == set || flags.contains(.isGroup) }
  /// Whose a packet is that has that set by itself.
  @inline(__always)
  func set(of set: UInt16) -> UInt16 { serves(set) ? set : workSet }

  /// In front of the inner packet: outer headers, SPI and sequence number, IV.
  @inline(__always) var frontBytes: Int { Int(outerBytes) &+ 8 &+ Int(ivBytes) }

  /// The longest inner packet that the path takes: with its trailer it ends where the mask says.
  var mostInside: Int { mostInside(ofOuter: Int(longest)) }

  func mostInside(ofOuter length: Int) -> Int { (length &- frontBytes &- Int(tagBytes)) & ~Int(padMask) &- 2 }
}

/// What changes with every packet sealed: one cache line, and one of what rarely changes. One worker writes it; who
/// else reads it does so when that worker has stopped, or lives with a number that is a packet old.
struct OutboundState: BitwiseCopyable {
  /// So many packets may go the common way before the general one has to look at limits and nonces again.
  var budget: UInt64 = 0
  var bytes: UInt64 = 0
  var nonces: NonceBlock
  var sequence: OutboundSequence
  // Second line.
  var hasAskedForNonces = false
  var hasReportedBytes = false
  var hasReportedSeconds = false
  /// Whether nothing is sealed any more, and why.
  var end = End.none
  /// How many senders have been told of the path's limit in this second, by its lowest bits.
  var answered: UInt8 = 0
  var answerSecond: UInt16 = 0
  /// When its time began, in seconds after the epoch of all SAs.
  var origin: Int32 = 0
  /// By DropReason, as the counters below; this one stops at its last number.
  var stateLost: UInt32 = 0
  /// Taken up when `nonces` is used up.
  var nextNonces: NonceBlock
  /// By DropReason, as far as it happens here.
  var exhausted: UInt64 = 0
  var overLifetime: UInt64 = 0
  var withoutNonce: UInt64 = 0
  var tooBig: UInt64 = 0

  static let stride = 128

  enum End: UInt8 {
    case none
    /// The time is over: control says so.
    case over
    /// Another member gave out numbers that nobody here knows.
    case stateLost
  }

  /// Control has been told that it will end.
  var isEnding: Bool { sequence.hasReported || hasReportedBytes || hasReportedSeconds || end == .over }

  /// Nothing more is sealed: every packet goes the general way, which looks.
  mutating func close(_ why: End) {
    end = why
    budget = 0
  }

  /// Whether another sender may be told in this second: whoever sends what is too big does not choose what we send.
  mutating func mayAnswer(at seconds: Int64) -> Bool {
    let second = UInt16(truncatingIfNeeded: seconds)
    if second != answerSecond { (answerSecond, answered) = (second, 0) }
    guard answered < Self.mostAnswersPerSecond else { return false }
    answered &+= 1
    return true
  }

  static var mostAnswersPerSecond: UInt8 { 50 }

  /// Every packet takes one number.
  var packets: UInt64 { sequence.last &- sequence.start }

  /// After the general way has looked. Now and then it is to look again, so that the next block of nonces is there in time:
  /// where what is left of this one is a multiple of 65536, its end included.
  @inline(__always)
  mutating func renewBudget() {
    let numbers = sequence.softLimit > sequence.last ? sequence.softLimit &- sequence.last &- 1 : 0
    let left = nonces.left & 0xffff
    budget = numbers < left ? numbers : left
  }
}
