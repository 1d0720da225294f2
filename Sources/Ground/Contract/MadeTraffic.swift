/// Traffic that comes out of a generator: UDP and TCP flows in both directions, the same for the same seed.
public struct GeneratorDescription: Sendable {
  public enum Size: Sendable, Equatable {
    case fixed(Int)
    case range(Int, Int)
    /// 64, 594 and 1518 bytes in the proportion 7 : 4 : 1.
    case imix
  }

  public var packets = 1_000_000
  public var size = Size.imix
  public var flows = 1024
  /// Of a hundred flows, how many are IPv6.
  public var ipv6Percent = 0
  public var seed: UInt64 = 1

  /// Frame check sequence included, as sizes are given everywhere: the shortest that holds every header, and the longest
  /// without jumbo frames.
  public static let sizes = 64...1518
  public static let mostFlows = 1 << 20

  public init() {}
}

/// What a fault injector does to the packets of another port: how often each fault strikes, as shares of 1.
public struct FaultDescription: Sendable {
  public var truncate = 0.0
  public var flip = 0.0
  public var duplicate = 0.0
  public var reorder = 0.0
  public var drop = 0.0
  public var seed: UInt64 = 1

  public init() {}

  public var isEmpty: Bool { truncate + flip + duplicate + reorder + drop == 0 }
}
