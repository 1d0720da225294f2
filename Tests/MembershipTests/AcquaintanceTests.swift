import Contract
import ControlKit
import Testing
import Wire

@testable import Membership

@Suite("What members tell each other of their neighbours")
struct AcquaintanceTests {
  private static let start: Moment = 1000 * .second

  private func acquaintance(_ number: Int) -> Acquaintance {
    let isIPv6 = number % 3 == 0
    return Acquaintance(
      IPAddress(isIPv6 ? "2001:db8::\(number)" : "10.0.\(number / 250).\(number % 250 + 1)")!,
      side: number % 2 == 0 ? .inside : .outside, vlan: number % 5 == 0 ? UInt16(number) : nil,
      mac: MACAddress(0x0200_0000_0000 + UInt64(number)))
  }

  /// All that is said within so many milliseconds, and when.
  private func said(_ acquaintances: inout Acquaintances, milliseconds: Range<UInt64>) -> [(UInt64, [Acquaintance])] {
    milliseconds.compactMap { millisecond in
      acquaintances.take(Self.start + millisecond * .millisecond).map { (millisecond, Acquaintances.reading($0) ?? []) }
    }
  }

  @Test("What is written is what is read, and a frame takes as many as there may be")
  func octets() {
    let list = (0..<Acquaintances.most).map(acquaintance)
    #expect(Acquaintances.reading(Acquaintances.octets(list)) == list)
    #expect(Acquaintances.reading([]) == [])
    let most = (0..<Acquaintances.most).map { acquaintance($0 * 3) }
    #expect(Acquaintances.octets(most).count < 1400)
    #expect(Acquaintances.reading(Acquaintances.octets(most + most)) == nil)
  }

  @Test("No other octets are taken for a list, and none end the process")
  func hostile() {
    let octets = Acquaintances.octets([acquaintance(1), acquaintance(3)])
    for count in 1..<octets.count where count != 14 {
      #expect(Acquaintances.reading(Array(octets.prefix(count))) == nil, "\(count)")
    }
    for (place, value) in [(0, 2), (3, 5), (3, 0)] {
      var bad = octets
      bad[place] = UInt8(value)
      #expect(Acquaintances.reading(bad) == nil, "\(place) \(value)")
    }
    var chance = Jitter(seed: 5)
    for _ in 0..<20_000 {
      let noise = (0..<chance.between(0, 80)).map { _ in UInt8(chance.between(0, 7)) }
      if let list = Acquaintances.reading(noise) { #expect(Acquaintances.octets(list) == noise) }
    }
  }

  @Test("All at first, what is new from then on, and all again, twice, when somebody is new: a frame every 4 ms")
  func told() {
    var acquaintances = Acquaintances()
    #expect(acquaintances.nextTimer == nil && said(&acquaintances, milliseconds: 0..<10).isEmpty)
    let all = (0..<100).map(acquaintance)
    acquaintances.know(all)
    let first = said(&acquaintances, milliseconds: 10..<100)
    #expect(first.map(\.0) == [10, 14, 18] && first.flatMap(\.1) == all)
    #expect(acquaintances.nextTimer == nil)
    // One has another MAC address, one is gone, one is new.
    var moved = all[7]
    moved.mac = MACAddress(0x0200_0000_ffff)
    acquaintances.know(all.filter { $0 != all[7] && $0 != all[8] } + [moved, acquaintance(200)])
    #expect(said(&acquaintances, milliseconds: 100..<200).flatMap(\.1) == [moved, acquaintance(200)])
    acquaintances.tellAgain(Self.start + 200 * .millisecond)
    #expect(acquaintances.nextTimer == Self.start + 260 * .millisecond)
    let again = said(&acquaintances, milliseconds: 200..<1000)
    #expect(again.map(\.0) == [260, 264, 268, 700, 704, 708] && acquaintances.nextTimer == nil)
    let words = again.prefix(3).flatMap(\.1)
    #expect(words.count == 100 && Set(words).isSuperset(of: [moved, all[0]]) && !words.contains(all[8]))
  }

  @Test("Who has gone before it was his turn is not told of")
  func gone() {
    var acquaintances = Acquaintances()
    acquaintances.know([acquaintance(1), acquaintance(2)])
    acquaintances.know([acquaintance(2)])
    #expect(said(&acquaintances, milliseconds: 0..<50).flatMap(\.1) == [acquaintance(2)])
  }
}
