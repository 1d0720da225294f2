import Contract
import ControlKit

/// What a member's work costs: for each set that it runs, packets per second, as a mean over about ten seconds.
///
/// An octet a set, so that all of them fit one message: 0 is no word, 1 is less than one packet per second, and each
/// number above that a fourteenth more than the one before it.
public struct LoadReport: Equatable, Sendable {
  /// Of all its sets together.
  public var packetsPerSecond: UInt32
  private(set) var octets: [UInt8]

  public init() {
    packetsPerSecond = 0
    octets = [UInt8](repeating: 0, count: WorkSets.count)
  }

  /// Nil unless there is an octet for each set.
  init?(packetsPerSecond: UInt32, octets: [UInt8]) {
    guard octets.count == WorkSets.count else { return nil }
    self.packetsPerSecond = packetsPerSecond
    self.octets = octets
  }

  /// Packets per second, to within four hundredths; nil is no word.
  public subscript(set: Int) -> Int? {
    get { octets[set] == 0 ? nil : Self.levels[Int(octets[set])] }
    set { octets[set] = newValue.map(Self.octet) ?? 0 }
  }

  /// Ten to an octave, up to 40 million a second; by whole numbers alone, so that they are the same everywhere.
  private static let levels: [Int] = {
    var levels = [0, 0]
    let one = 100_000_000
    var level = one
    while levels.count < 256 {
      levels.append((level + one / 2) / one)
      level += level * 718 / 10_000
    }
    return levels
  }()

  private static func octet(_ rate: Int) -> UInt8 {
    guard rate > 0 else { return 1 }
    var low = 2, high = 255
    while low < high {
      let middle = (low + high) / 2
      if levels[middle] < rate { low = middle + 1 } else { high = middle }
    }
    let isNearerBelow = low > 2 && rate - levels[low - 1] < levels[low] - rate
    return UInt8(isNearerBelow ? low - 1 : low)
  }
}

extension LoadReport {
  func write(to writer: inout OctetWriter) {
    writer.put(packetsPerSecond)
    writer.put(octets)
  }

  init?(_ reader: inout OctetReader) {
    guard let total = reader.take32(), let octets = reader.take(reader.remaining) else { return nil }
    self.init(packetsPerSecond: total, octets: octets)
  }
}
