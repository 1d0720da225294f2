/// What control may ask of a worker. Fixed size: orders travel in a ring.
public struct Order: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// Finish what has arrived, then return.
    case stop
  }

  public var kind: Kind

  @inlinable @inline(__always) public init(_ kind: Kind) { self.kind = kind }

  /// The most that a worker takes between two bursts.
  @inlinable @inline(__always) public static var mostPerBurst: Int { 4 }
}

/// What a worker may say to control.
public struct Report: BitwiseCopyable, Sendable {
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// The worker has left its loop; `value` is how many packets it received.
    case stopped
  }

  public var kind: Kind
  public var worker: UInt8
  public var value: UInt64

  @inlinable @inline(__always) public init(_ kind: Kind, worker: UInt8, value: UInt64) {
    self.kind = kind
    self.worker = worker
    self.value = value
  }
}
