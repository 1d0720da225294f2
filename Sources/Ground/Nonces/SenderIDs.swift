/// How wide a sender id is (RFC 6054): the more ids, the fewer counters each has.
public enum SenderIDWidth: Int, Sendable, CaseIterable {
  case eight = 8
  case twelve = 12
  case sixteen = 16

  public var ids: Int { 1 << rawValue }
  public var counterBits: Int { 64 - rawValue }
  /// How many counters an id has.
  public var counters: UInt64 { 1 << UInt64(counterBits) }
}

/// The 8 octets of an IV: sender id ‖ counter, the id in the most significant bits.
public struct CounterIV: Hashable, Sendable {
  public let value: UInt64

  @inlinable @inline(__always)
  public init(raw value: UInt64) { self.value = value }

  /// nil where either does not fit.
  public init?(id: UInt32, counter: UInt64, width: SenderIDWidth) {
    guard id < UInt32(width.ids), counter < width.counters else { return nil }
    value = UInt64(id) << UInt64(width.counterBits) | counter
  }

  /// As they stand in the packet.
  public var octets: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) } }
}

/// Which sender ids a unit may use, and which of them a worker of it: equal shares by number, so that no two units
/// have an id in common whatever they know of each other.
public struct SenderIDs: Equatable, Sendable {
  public let width: SenderIDWidth
  /// How many units the space is divided among: a property of the key, the same on all of them.
  public let units: Int
  /// This one, from 0.
  public let unit: Int
  public let workers: Int

  /// As a state has them that was accepted.
  init(of state: NonceState, workers: Int) {
    width = state.width
    units = Int(state.units)
    unit = Int(state.unit)
    self.workers = workers
  }

  public init(width: SenderIDWidth, units: Int, unit: Int, workers: Int) throws(NonceRefusal) {
    guard units > 0, workers > 0 else {
      throw NonceRefusal(.division, "sender ids are divided among at least one unit of at least one worker")
    }
    guard units <= width.ids else {
      throw NonceRefusal(
        .division,
        "\(width.rawValue)-bit sender ids are \(width.ids), too few for \(units) units: use wider sender ids")
    }
    guard 0..<units ~= unit else {
      throw NonceRefusal(
        .division, "unit \(unit) has no share of the sender ids, which are divided among units 0 to \(units - 1)")
    }
    guard workers <= width.ids / units else {
      throw NonceRefusal(
        .division,
        "\(width.rawValue)-bit sender ids give each of \(units) units \(width.ids / units), too few for \(workers)"
          + " workers: use wider sender ids, or fewer workers")
    }
    self.width = width
    self.units = units
    self.unit = unit
    self.workers = workers
  }

  public var perUnit: Int { width.ids / units }
  public var perWorker: Int { perUnit / workers }

  /// All ids of this unit. What is left over by the division stays unused.
  public var ofUnit: Range<UInt32> { UInt32(unit * perUnit)..<UInt32((unit + 1) * perUnit) }

  /// The ids of one of its workers; none for a worker that there is not.
  public func of(worker: Int) -> Range<UInt32> {
    guard 0..<workers ~= worker else { return 0..<0 }
    let first = ofUnit.lowerBound + UInt32(worker * perWorker)
    return first..<first + UInt32(perWorker)
  }
}
