public import Nonces

/// What control may ask of a worker. Fixed size: orders travel in a ring.
public struct Order: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// Finish what has arrived, then return.
    case stop
    /// Another block of nonces for the SA `sa`.
    case nonces
    /// Nothing more is sealed with the SA `sa`: its time is over.
    case endLifetime
    /// `sa` 1: tell control what becomes of packets, as its worker's desk says. 0: no more of that.
    case trace
    /// Take nothing new from the ports, and finish what is under way. Only `stop` comes after it.
    case drain
    /// A side has another port, which lies ready beside this ring.
    case changePorts
  }

  public var kind: Kind
  /// The number of an outbound SA.
  public var sa: UInt32
  public var nonces: NonceBlock

  @inlinable @inline(__always)
  public init(_ kind: Kind, sa: UInt32 = 0, nonces: NonceBlock = .none) {
    self.kind = kind
    self.sa = sa
    self.nonces = nonces
  }

  /// The most that a worker takes between two bursts.
  @inlinable @inline(__always) public static var mostPerBurst: Int { 4 }
}

/// What a worker may say to control.
public struct Report: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// The worker has left its loop; `value` is how many packets it received.
    case stopped
    /// The outbound SA `sa` will need nonces.
    case nonces
    /// The outbound SA `sa` is near the end of its numbers, packets or bytes: a new one is wanted.
    case softLimit
  }

  public var kind: Kind
  public var worker: UInt8
  public var value: UInt64

  @inlinable @inline(__always) public init(_ kind: Kind, worker: UInt8, value: UInt64) {
    self.kind = kind
    self.worker = worker
    self.value = value
  }

  /// Numbers of SAs mean something within one generation of tables.
  @inlinable @inline(__always) public init(_ kind: Kind, worker: UInt8, sa: Int, generation: UInt32) {
    self.init(kind, worker: worker, value: UInt64(generation) << 32 | UInt64(truncatingIfNeeded: sa & 0xffff_ffff))
  }

  public var sa: UInt32 { UInt32(truncatingIfNeeded: value) }
  public var generation: UInt32 { UInt32(truncatingIfNeeded: value >> 32) }
}
