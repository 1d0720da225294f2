/// The states of many keys in one file. An opening of many writes this and not a file for each: ten thousand files take a
/// disk seconds, and where freed blocks are told to it half a minute.
///
/// A key has its own file as well, from the first block that it takes later on. The state of the higher incarnation is the
/// one that holds, and the register knows that one. So whoever leaves the batch for a file of his own does so as another
/// incarnation: with the same one, nobody would notice that the file was lost, and counters of the batch would come again.
///
/// Little-endian: magic, version, count; for each key in ascending order its state's length and its state; and the CRC-64
/// of all that.
struct NonceBatch {
  private(set) var states: [Fingerprint: NonceState] = [:]

  init() {}

  subscript(_ key: NonceKey) -> NonceState? { states[key.fingerprint] }

  mutating func enter(_ new: [NonceState]) {
    for state in new { states[state.key.fingerprint] = state }
  }

  static let fileName = "states"
  static let nextName = "states.next"
  static let magic: [UInt8] = Array("HBKSTATE".utf8)
  static let version: UInt64 = 1
  static let headBytes = 8 + 4 + 4

  var octets: [UInt8] {
    var out = Self.magic
    out.reserveCapacity(Self.headBytes + states.count * 160)
    NonceState.put(Self.version, 4, &out)
    NonceState.put(UInt64(states.count), 4, &out)
    for (_, state) in states.sorted(by: { $0.key < $1.key }) {
      let octets = state.octets
      NonceState.put(UInt64(octets.count), 4, &out)
      out += octets
    }
    NonceState.put(NonceState.sum(out[...]), 8, &out)
    return out
  }

  /// nil when these are not the octets of a batch, to the last bit.
  init?(octets: [UInt8]) {
    let body = octets.count - NonceState.sumBytes
    guard body >= Self.headBytes, Array(octets[..<8]) == Self.magic,
      NonceState.get(octets[body...]) == NonceState.sum(octets[..<body]),
      NonceState.get(octets[8..<12]) == Self.version
    else { return nil }
    let count = Int(NonceState.get(octets[12..<16]))
    guard count <= KeyRegister.mostKeys else { return nil }
    states.reserveCapacity(count)
    var at = Self.headBytes
    while at < body {
      guard body - at >= 4 else { return nil }
      let length = Int(NonceState.get(octets[at..<at + 4]))
      at += 4
      guard length <= body - at, let state = NonceState(octets: Array(octets[at..<at + length])) else { return nil }
      states[state.key.fingerprint] = state
      at += length
    }
    guard states.count == count else { return nil }
  }
}
