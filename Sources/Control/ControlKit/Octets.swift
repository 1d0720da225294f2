/// Reads numbers out of octets, the highest first. What is missing is nil, and so is all that would come after it.
public struct OctetReader {
  private let octets: [UInt8]
  private var place: Int
  private let end: Int

  public init(_ octets: [UInt8], from start: Int = 0, count: Int? = nil) {
    self.octets = octets
    place = min(max(0, start), octets.count)
    end = min(octets.count, place + max(0, count ?? octets.count))
  }

  public var remaining: Int { end - place }
  public var isAtEnd: Bool { place == end }

  public mutating func take8() -> UInt8? { number(1).map { UInt8($0) } }
  public mutating func take16() -> UInt16? { number(2).map { UInt16($0) } }
  public mutating func take32() -> UInt32? { number(4).map { UInt32($0) } }
  public mutating func take64() -> UInt64? { number(8) }

  public mutating func take(_ count: Int) -> [UInt8]? {
    guard count >= 0, remaining >= count else {
      place = end
      return nil
    }
    defer { place += count }
    return Array(octets[place..<place + count])
  }

  private mutating func number(_ count: Int) -> UInt64? {
    guard remaining >= count else {
      place = end
      return nil
    }
    var value: UInt64 = 0
    for offset in 0..<count { value = value << 8 | UInt64(octets[place + offset]) }
    place += count
    return value
  }
}

/// The other way.
public struct OctetWriter {
  public private(set) var octets: [UInt8] = []

  public init() {}

  public mutating func put(_ value: UInt8) { octets.append(value) }
  public mutating func put(_ value: UInt16) { number(UInt64(value), 2) }
  public mutating func put(_ value: UInt32) { number(UInt64(value), 4) }
  public mutating func put(_ value: UInt64) { number(value, 8) }
  public mutating func put(_ values: [UInt8]) { octets += values }

  private mutating func number(_ value: UInt64, _ count: Int) {
    for place in (0..<count).reversed() { octets.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
  }
}
