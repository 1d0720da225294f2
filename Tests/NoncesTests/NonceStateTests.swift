@testable import Nonces
import Testing

/// The octets of a state file.
@Suite struct NonceStateTests {
  private func sample(_ records: Int) -> NonceState {
    var state = NonceState(key: makeKey(), ids: makeIDs(.sixteen))
    state.incarnation = 77
    for index in 0..<records {
      let id = UInt32(3 * index + 1)
      state.records[id] = NonceState.Record(
        id: id, worker: 2, incarnation: 5, mark: NonceBlock.counters << UInt64(index % 28))
    }
    return state
  }

  @Test(arguments: [0, 1, 2, 100])
  func `what is written is read`(_ records: Int) {
    let state = sample(records)
    #expect(NonceState(octets: state.octets) == state)
  }

  @Test func `the checksum is the CRC-64 of xz`() {
    #expect(NonceState.sum(Array("123456789".utf8)[...]) == 0x995d_c9bb_df19_39fa)
  }

  @Test func `a file torn at any octet, or longer, is no state`() {
    let octets = sample(3).octets
    for length in 0..<octets.count { #expect(NonceState(octets: Array(octets[..<length])) == nil) }
    #expect(NonceState(octets: octets + [0]) == nil)
    #expect(NonceState(octets: octets + octets) == nil)
  }

  @Test func `a file with any bit turned is no state`() {
    let octets = sample(3).octets
    var accepted = 0
    for bit in 0..<8 * octets.count {
      var damaged = octets
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      if NonceState(octets: damaged) != nil { accepted += 1 }
    }
    #expect(accepted == 0)
  }

  /// A new checksum, as a program of another version would write it.
  private func resummed(_ octets: [UInt8], _ place: Int, _ value: UInt8) -> [UInt8] {
    var changed = Array(octets.dropLast(8))
    changed[place] = value
    let sum = NonceState.sum(changed[...])
    return changed + (0..<8).map { UInt8(truncatingIfNeeded: sum >> UInt64(8 * $0)) }
  }

  @Test func `fields that mean nothing are refused even under a right checksum`() {
    let octets = sample(2).octets
    #expect(NonceState(octets: resummed(octets, 8, 1)) == sample(2))
    // Version, count, width, the zero, a mark beyond all counters, ids out of order.
    for (place, value): (Int, UInt8) in [(8, 2), (12, 3), (12, 0), (12, 1), (40, 9), (52, 1), (87, 1), (64, 9)] {
      #expect(NonceState(octets: resummed(octets, place, value)) == nil, "octet \(place)")
    }
  }

  @Test func `the name of a key is its fingerprint and nothing else`() {
    #expect(makeKey(0xa5).name == String(repeating: "a5", count: 16))
    #expect(NonceKey(fingerprint: [UInt8](repeating: 0, count: 32), born: 0) == nil)
  }
}
