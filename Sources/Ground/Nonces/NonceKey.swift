/// A key, as far as its nonces are concerned: never the key itself.
public struct NonceKey: Hashable, Sendable {
  public static let fingerprintBytes = 16

  let fingerprint: Fingerprint
  /// When it came into being, in seconds of the epoch, by whoever made it: the same at every start.
  public let born: UInt64

  /// `fingerprint`: the first 16 octets of the key's SHA-256.
  public init?(fingerprint: [UInt8], born: UInt64) {
    guard let fingerprint = Fingerprint(fingerprint[...]) else { return nil }
    self.fingerprint = fingerprint
    self.born = born
  }

  /// The fingerprint in hexadecimal.
  public var name: String {
    var digits: [UInt8] = []
    digits.reserveCapacity(2 * Self.fingerprintBytes)
    for octet in fingerprint.octets {
      for digit in [octet >> 4, octet & 15] { digits.append(digit < 10 ? 48 + digit : 87 + digit) }
    }
    return String(decoding: digits, as: UTF8.self)
  }
}

/// Sixteen octets, in the order of a dictionary.
struct Fingerprint: Hashable, Comparable {
  private let high: UInt64
  private let low: UInt64

  /// Nil for another number of octets.
  init?(_ octets: ArraySlice<UInt8>) {
    guard octets.count == NonceKey.fingerprintBytes else { return nil }
    high = octets.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    low = octets.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  var octets: [UInt8] {
    (0..<NonceKey.fingerprintBytes).map {
      UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 & 7)))
    }
  }

  static func < (left: Fingerprint, right: Fingerprint) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

/// What the caller knows of a key's past. It alone can know: a state file that is gone looks like one that never was.
public enum KeyHistory: Equatable, Sendable {
  /// Nobody has encrypted with it. Only this creates state.
  case new
  /// Nobody has encrypted with it where nothing is on record of it; else what is on record holds.
  case newUnlessRecorded
  /// It may have been used. Counters that are known to have been, from a peer's replay window or a record of our own,
  /// are held against the state.
  case known(used: [UsedCounter])
}

/// Evidence that a counter was used.
public struct UsedCounter: Equatable, Sendable {
  public let id: UInt32
  public let counter: UInt64

  public init(id: UInt32, counter: UInt64) {
    self.id = id
    self.counter = counter
  }
}
