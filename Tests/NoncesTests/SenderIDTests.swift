import Nonces
import Testing

/// The division of the sender ids (RFC 6054) and the IV.
@Suite struct SenderIDTests {
  @Test(arguments: SenderIDWidth.allCases)
  func `no two workers of any units share an id, and every unit has the same number`(_ width: SenderIDWidth) throws {
    for units in [1, 2, 3, 5, 16, 64] {
      for workers in [1, 2, 3, 4] where workers <= width.ids / units {
        var seen: Set<UInt32> = []
        var count = 0
        for unit in 0..<units {
          let ids = try SenderIDs(width: width, units: units, unit: unit, workers: workers)
          #expect(ids.ofUnit.count == width.ids / units)
          for worker in 0..<workers {
            let own = ids.of(worker: worker)
            #expect(!own.isEmpty && own.lowerBound >= ids.ofUnit.lowerBound && own.upperBound <= ids.ofUnit.upperBound)
            seen.formUnion(own)
            count += own.count
          }
        }
        #expect(seen.count == count)
        #expect(seen.allSatisfy { $0 < UInt32(width.ids) })
      }
    }
  }

  @Test func `two widths of division that fit are what the numbers say`() {
    let ids = makeIDs(.twelve, units: 64, unit: 3, workers: 10)
    #expect(ids.perUnit == 64 && ids.perWorker == 6)
    #expect(ids.ofUnit == 192..<256)
    #expect(ids.of(worker: 9) == 246..<252)
    #expect(ids.of(worker: 10).isEmpty && ids.of(worker: -1).isEmpty)
  }

  @Test(arguments: [
    (300, 0, 1, "use wider sender ids"), (64, 0, 5, "use wider sender ids, or fewer workers"),
    (4, 4, 1, "units 0 to 3"), (4, -1, 1, "units 0 to 3"), (0, 0, 1, "at least one unit"), (4, 0, 0, "one worker"),
  ])
  func `a division that does not fit is refused in a sentence`(
    _ units: Int, _ unit: Int, _ workers: Int, _ words: String
  ) {
    let refused = refusal { _ = try SenderIDs(width: .eight, units: units, unit: unit, workers: workers) }
    #expect(refused?.reason == .division)
    #expect(refused?.names(words) == true)
  }

  @Test func `an IV is the sender id and then the counter, most significant octet first`() {
    #expect(CounterIV(id: 0xab, counter: 0x01_0203_0405_0607, width: .eight)?.octets == [0xab, 1, 2, 3, 4, 5, 6, 7])
    #expect(CounterIV(id: 0xabc, counter: 0x1, width: .twelve)?.octets == [0xab, 0xc0, 0, 0, 0, 0, 0, 1])
    #expect(CounterIV(id: 0xabcd, counter: 0x2, width: .sixteen)?.octets == [0xab, 0xcd, 0, 0, 0, 0, 0, 2])
  }

  @Test(arguments: SenderIDWidth.allCases)
  func `neither part of an IV can run into the other`(_ width: SenderIDWidth) {
    #expect(CounterIV(id: UInt32(width.ids), counter: 0, width: width) == nil)
    #expect(CounterIV(id: 0, counter: width.counters, width: width) == nil)
    #expect(CounterIV(id: UInt32(width.ids) - 1, counter: width.counters - 1, width: width)?.value == .max)
  }
}
