/// What a worker has to know to open a packet: one cache line, read only.
struct InboundSA: BitwiseCopyable {
  struct Flags: OptionSet, BitwiseCopyable {
    let rawValue: UInt16
    static let isTransport = Flags(rawValue: 1)
    static let isExtended = Flags(rawValue: 2)
    static let authenticatesIV = Flags(rawValue: 4)
    static let hasSuffix = Flags(rawValue: 8)
    static let hidesECN = Flags(rawValue: 16)
    static let isCounterMode = Flags(rawValue: 32)
    /// Nothing says which traffic may come: whatever is authentic may.
    static let acceptsAll = Flags(rawValue: 64)
    /// The common kind: AES-GCM on ipsec-mb, tunnel mode, 32-bit sequence numbers.
    static let isPlain = Flags(rawValue: 128)
    /// Its traffic is one pair of IPv4 prefixes, of the lengths that all pairs have: `prefixes` says which.
    static let hasPrefixes = Flags(rawValue: 256)
  }

  var key: CipherKey
  /// Worker 0's; the others' follow at `stateStride`, or are the same.
  var state: UnsafeMutablePointer<InboundState>
  /// A group's windows by sender; nil for a unicast SA, whose window follows its state.
  var senders: UnsafeMutablePointer<SenderWindows>?
  var stateStride: UInt32 = 0
  var spi: UInt32
  /// The nonce's first four octets, as they lie in memory.
  var salt: UInt32
  /// Whose traffic the inner packet has to be: what a policy's entry says, too.
  var bundle: UInt32
  var flags: Flags = []
  var ivBytes: UInt8
  var tagBytes: UInt8
  var padMask: UInt8
  /// The sender id is what is left of the IV after this shift.
  var senderShift: UInt8 = 0
  var workSet: UInt16 = 0
  /// Remote above, local below, as the inner packet has them.
  var prefixes: UInt64 = 0
  /// A line, not a word less.
  var plainKind: UInt16 = 0
  var spare: UInt16 = 0
  var more: UInt32 = 0

  @inline(__always)
  func state(of worker: Int) -> UnsafeMutablePointer<InboundState> {
    (UnsafeMutableRawPointer(state) + Int(stateStride) &* worker).assumingMemoryBound(to: InboundState.self)
  }

  /// Whether packets of this work set may be opened where they are.
  @inline(__always)
  func serves(_ set: UInt16) -> Bool { workSet == set || senders != nil }
  /// Whose a packet is that has that set by itself.
  @inline(__always)
  func set(of set: UInt16) -> UInt16 { serves(set) ? set : workSet }

  /// The window of a unicast SA.
  @inline(__always) var window: ReplayWindow { ReplayWindow(following: state) }
}

/// What changes with every packet opened: one cache line. A unicast SA's window comes right behind.
struct InboundState: BitwiseCopyable {
  var packets: UInt64 = 0
  var bytes: UInt64 = 0
  var integrity: UInt64 = 0
  var replayed: UInt64 = 0
  var outsideWindow: UInt64 = 0
  var malformed: UInt64 = 0
  var selector: UInt64 = 0
  /// A group's packets for which no window was left; and those whose window went with another member. They stop at their
  /// last number.
  var withoutWindow: UInt32 = 0
  var stateLost: UInt32 = 0

  @inline(__always) static var stride: Int { 64 }
}

extension UInt32 {
  /// Of a counter that has no room for more.
  mutating func countUp() { self = self == .max ? .max : self &+ 1 }
}

extension ReplayWindow {
  @inline(__always)
  init(following state: UnsafeMutablePointer<InboundState>) {
    head = (UnsafeMutableRawPointer(state) + InboundState.stride).assumingMemoryBound(to: Head.self)
  }
}
