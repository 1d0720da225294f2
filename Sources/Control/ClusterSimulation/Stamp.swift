import ControlKit

/// Stands in for signatures: one key that all units have and no fault does.
struct Stamp: Signing, Verifying {
  func signature(of octets: [UInt8]) -> [UInt8]? {
    var state: UInt64 = 0x6a09_e667_f3bc_c908
    for octet in octets { state = (state ^ UInt64(octet)) &* 0x0000_0100_0000_01b3 }
    var writer = OctetWriter()
    for _ in 0..<8 { writer.put(state) }
    return writer.octets
  }

  func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool {
    self.signature(of: octets) == signature
  }

  func hash(_ word: Watchword, times: Int) -> Watchword {
    (0..<times).reduce(word) { word, _ in Watchword(high: mix(word.low), low: mix(word.high ^ word.low)) }
  }
}
