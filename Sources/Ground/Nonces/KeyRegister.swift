/// Every key that was ever begun in a state directory, and in which incarnation it was last: what tells a state file
/// that is gone from one that never was, and an old copy that was put back from the latest.
///
/// It is written behind the key's own state, and nothing is encrypted before both are on the disk. So wherever a
/// process ends, or a machine:
///
///     before the state is renamed      neither knows of the opening, which may be tried again
///     between the two                  the state is one incarnation ahead of the register, and accepted: no counter
///                                      of that incarnation was handed out. Should the state be lost now, then a key
///                                      that was new may be begun again, and every other is refused as missing
///     after the register is renamed    both know
///
/// The other order would end, between the two, in a register that is ahead of its state for good: no nonce would come
/// twice, but neither would the key ever be used again.
///
/// What it cannot notice: an old copy out of the last incarnation that it knows, and a whole directory that is put back
/// or removed. A state directory is not to be restored from a back-up.
///
/// Little-endian: magic, version, count; for each key in ascending order fingerprint, incarnation; and the CRC-64 of
/// all that.
struct KeyRegister: Equatable {
  /// By fingerprint.
  private(set) var incarnations: [Fingerprint: UInt64] = [:]

  init() {}

  subscript(_ key: NonceKey) -> UInt64? { incarnations[key.fingerprint] }

  /// False when there is no room for another key.
  mutating func enter(_ key: NonceKey, incarnation: UInt64) -> Bool {
    guard incarnations[key.fingerprint] != nil || incarnations.count < Self.mostKeys else { return false }
    incarnations[key.fingerprint] = incarnation
    return true
  }

  static let fileName = "keys"
  static let nextName = "keys.next"
  static let magic: [UInt8] = Array("HBKKEYS!".utf8)
  static let version: UInt64 = 1
  static let mostKeys = 500_000
  static let headBytes = 8 + 4 + 4
  static let recordBytes = NonceKey.fingerprintBytes + 8

  var octets: [UInt8] {
    var out = Self.magic
    NonceState.put(Self.version, 4, &out)
    NonceState.put(UInt64(incarnations.count), 4, &out)
    for (fingerprint, incarnation) in incarnations.sorted(by: { $0.key < $1.key }) {
      out += fingerprint.octets
      NonceState.put(incarnation, 8, &out)
    }
    NonceState.put(NonceState.sum(out[...]), 8, &out)
    return out
  }

  /// nil when these are not the octets of a register, to the last bit.
  init?(octets: [UInt8]) {
    guard octets.count >= Self.headBytes + NonceState.sumBytes, Array(octets[..<8]) == Self.magic else { return nil }
    let body = octets.count - NonceState.sumBytes
    guard NonceState.get(octets[body...]) == NonceState.sum(octets[..<body]),
      NonceState.get(octets[8..<12]) == Self.version
    else { return nil }
    let count = Int(NonceState.get(octets[12..<16]))
    guard body == Self.headBytes + count * Self.recordBytes else { return nil }
    for at in stride(from: Self.headBytes, to: body, by: Self.recordBytes) {
      let key = at + NonceKey.fingerprintBytes
      guard let fingerprint = Fingerprint(octets[at..<key]) else { return nil }
      incarnations[fingerprint] = NonceState.get(octets[key..<key + 8])
    }
    guard incarnations.count == count else { return nil }
  }
}
