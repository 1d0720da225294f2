/// Nanoseconds of CLOCK_BOOTTIME: never goes back, and goes on while a machine sleeps. Means something on one machine.
public typealias Moment = UInt64

/// Nanoseconds between two moments.
public typealias Nanoseconds = UInt64

extension Nanoseconds {
  public static let microsecond: Nanoseconds = 1000
  public static let millisecond: Nanoseconds = 1_000_000
  public static let second: Nanoseconds = 1_000_000_000

  public static func milliseconds(_ count: UInt64) -> Nanoseconds { count * millisecond }
}

extension Moment {
  /// How long ago it was. Nothing, for what is yet to come.
  public func age(at now: Moment) -> Nanoseconds { now > self ? now - self : 0 }
}
