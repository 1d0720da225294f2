/// One packet, as it travels: where its bytes lie, and what has been decided about it.
///
/// A small trivial value. The frame it names stays in the arena for ever; copying a reference copies 16 bytes
/// and nothing else.
public struct PacketRef: BitwiseCopyable, Sendable {
  /// Where the packet begins, in bytes from the arena's base. An arena is at most 4 GiB.
  public var start: UInt32
  /// How many bytes of packet there are.
  public var length: UInt32
  /// From the frame's beginning to the packet's.
  public var offset: UInt16
  @usableFromInline var spare: UInt16
  public var judgement: Judgement

  @inlinable @inline(__always)
  public init(position: UInt32, offset: UInt16, length: UInt32) {
    start = position &* FrameAddresses.unit &+ UInt32(offset)
    self.length = length
    self.offset = offset
    spare = 0
    judgement = Judgement()
  }

  /// Where the frame begins, in units of 64 bytes from the arena's base: what pools know it by.
  @inlinable @inline(__always)
  public var position: UInt32 { (start &- UInt32(offset)) / FrameAddresses.unit }

  /// Of a fragment: its work set is another member's soon, and it is noted when its packet has become whole.
  @inlinable @inline(__always)
  public var isGiven: Bool {
    get { spare != 0 }
    set { spare = newValue ? 1 : 0 }
  }

  @inlinable @inline(__always) public var workSet: UInt16 { judgement.workSet }
  @inlinable @inline(__always) public var verdict: UInt8 { judgement.verdict }
}

/// What the stages have decided about a packet.
///
/// One word, written and read whole: a stage that read the reference after the one before had written a byte of it
/// would wait for that byte to reach the cache.
public struct Judgement: BitwiseCopyable, Sendable {
  @usableFromInline var bits: UInt32

  /// Nothing decided: the packet goes on.
  @inlinable @inline(__always)
  public init() { bits = 0 }

  @inlinable @inline(__always)
  public init(workSet: UInt16, verdict: UInt8 = 0, worker: UInt8 = 0) {
    bits = UInt32(workSet) | UInt32(verdict) << 16 | UInt32(worker) << 24
  }

  /// A work set, and what its owner makes of it: a verdict below, a worker above.
  @inlinable @inline(__always)
  public init(workSet: UInt16, disposition: UInt16) {
    bits = UInt32(workSet) | UInt32(disposition) << 16
  }

  /// 0...1023 once classified.
  @inlinable @inline(__always) public var workSet: UInt16 { UInt16(truncatingIfNeeded: bits) }
  /// A DropReason; 0 while the packet goes on.
  @inlinable @inline(__always) public var verdict: UInt8 { UInt8(truncatingIfNeeded: bits >> 16) }
  /// The worker whose packet it is, where there is no verdict against it.
  @inlinable @inline(__always) public var worker: UInt8 { UInt8(truncatingIfNeeded: bits >> 24) }
}

/// What a port notes about a packet for the port at the other end. It lies at the head of the frame.
public struct FrameHeader: BitwiseCopyable, Sendable {
  /// The place in the input, from 0.
  public var sequence: UInt64 = 0
  public var seconds: Int64 = 0
  public var nanoseconds: UInt32 = 0
  /// How long the packet was on the wire; more than the reference's length when the capture was cut.
  public var wireLength: UInt32 = 0
  /// The next of the packets that were made out of this one; `length` 0 ends the chain.
  public var made = PacketRef(position: 0, offset: 0, length: 0)
  /// For the worker that the packet crosses to: what the one before it has found out.
  public var action: UInt32 = 0
  public var places: UInt32 = 0
  /// For the story of a packet: the SA's number, and the sequence number it was sealed or opened with.
  public var storySequence: UInt64 = 0
  /// What `action` is a number of.
  public var generation: UInt32 = 0
  /// The worker that it crosses from.
  public var crossedFrom: UInt32 = 0

  @inlinable @inline(__always) public init() {}
  @inlinable @inline(__always) public static var size: Int { 64 }
}

/// A handful of references that move through the stages together.
public struct Burst {
  public let refs: UnsafeMutablePointer<PacketRef>
  public var count: Int

  /// Enough to pay for a stage's overhead, few enough to stay in the first-level cache.
  @inlinable @inline(__always) public static var capacity: Int { 64 }

  @inlinable @inline(__always)
  public init(_ refs: UnsafeMutablePointer<PacketRef>, count: Int = 0) {
    self.refs = refs
    self.count = count
  }

  @inlinable @inline(__always)
  public mutating func append(_ ref: PacketRef) {
    assert(count < Self.capacity)
    refs[count] = ref
    count &+= 1
  }
}
