@testable import Dataplane
import Testing
import Wire

/// What a route table says, beside what a list of routes says that is gone through from end to end.
@Suite struct RouteTableTests {
  /// How many of the addresses one of the ways to look up has wrong: each alone, and in bursts.
  private func wrong(_ table: RouteTable, _ routes: [(IPPrefix, UInt32)], _ addresses: [IPAddress]) -> Int {
    let model = RouteModel(routes)
    var four: [UInt32] = [], six: [IPv6Address] = []
    var expectedFour: [UInt32] = [], expectedSix: [UInt32] = []
    for address in addresses {
      let expected = model.find(address) ?? RouteTable.none
      switch address {
      case .v4(let address):
        four.append(address.value)
        expectedFour.append(expected)
      case .v6(let address):
        six.append(address)
        expectedSix.append(expected)
      }
    }
    var wrong = 0
    for (address, expected) in zip(four, expectedFour) where table.find4(address) != expected { wrong += 1 }
    for (address, expected) in zip(six, expectedSix) where table.find6(address.high, address.low) != expected {
      wrong += 1
    }
    // One place more than there are addresses, which stays as it is.
    var values = [UInt32](repeating: 77, count: four.count + 1)
    table.find4(four, &values, count: four.count)
    wrong += zip(values, expectedFour + [77]).count { $0 != $1 }
    values = [UInt32](repeating: 77, count: six.count + 1)
    table.find6(six, &values, count: six.count)
    wrong += zip(values, expectedSix + [77]).count { $0 != $1 }
    return wrong
  }

  @Test(arguments: [1, 2, 5, 20, 100, 400])
  func `tables by chance say what the list says, inside, at borders and elsewhere`(count: Int) {
    for seed in 0..<(count > 50 ? 4 : 15) {
      var maker = RouteMaker(seed: UInt64(count * 1000 + seed))
      let routes = maker.routes(count)
      var addresses = routes.flatMap { $0.0.borders }
      for _ in 0..<300 { addresses.append(maker.address(isIPv6: .random(using: &maker.random), near: routes)) }
      let table = RouteTable(routes)
      defer { table.deallocate() }
      #expect(wrong(table, routes, addresses) == 0, "seed \(seed)")
    }
  }

  @Test func `a table of many routes, which has a larger top, says the same`() {
    var maker = RouteMaker(seed: 9)
    let routes = maker.routes(20_000)
    var addresses: [IPAddress] = []
    for (prefix, _) in routes.shuffled(using: &maker.random).prefix(100) { addresses += prefix.borders }
    let table = RouteTable(routes)
    defer { table.deallocate() }
    #expect(wrong(table, routes, addresses) == 0)
  }

  @Test func `every length by itself, at every one of its ends`() throws {
    var wrong = 0
    for length in 0...128 {
      for address: IPAddress in [
        .v4(IPv4Address(0xc612_a5a5)), .v6(IPv6Address(high: 0x2001_0db8_5a5a_a5a5, low: 0x1234_5678_9abc_def1)),
      ] {
        guard let prefix = IPPrefix(address, length: length) else { continue }
        let routes = [(prefix, UInt32(length))]
        let table = RouteTable(routes)
        wrong += self.wrong(table, routes, prefix.borders)
        table.deallocate()
      }
    }
    #expect(wrong == 0)
  }

  @Test func `prefixes in prefixes, one of every length, each with a border of its own`() throws {
    var routes: [(IPPrefix, UInt32)] = []
    for length in 0...128 {
      if let prefix = IPPrefix(.v4(IPv4Address(0x5a5a_a5a5)), length: length) {
        routes.append((prefix, UInt32(length)))
      }
      let six = try #require(
        IPPrefix(.v6(IPv6Address(high: 0x2001_0db8_5a5a_a5a5, low: 0x1234_5678_9abc_def1)), length: length))
      routes.append((six, UInt32(1000 + length)))
    }
    let addresses = routes.flatMap { $0.0.borders }
    for routes in [routes, routes.reversed()] {
      let table = RouteTable(routes)
      defer { table.deallocate() }
      #expect(wrong(table, routes, addresses) == 0)
    }
  }

  @Test func `neighbours that differ in the last bit, wherever a node may begin`() throws {
    for isIPv6 in [false, true] {
      let width = isIPv6 ? 128 : 32
      for length in 1...width {
        let one: IPAddress =
          isIPv6 ? .v6(IPv6Address(high: 0x2a00_0000_0000_0001, low: 0)) : .v4(IPv4Address(0x0a00_0000))
        let first = try #require(IPPrefix(one, length: length))
        let second = try #require(IPPrefix(first.borders[3], length: length))
        let around = try #require(IPPrefix(one, length: length - 1))
        let routes: [(IPPrefix, UInt32)] = [(first, 1), (second, 2), (around, 3)]
        let table = RouteTable(routes)
        defer { table.deallocate() }
        #expect(wrong(table, routes, first.borders + second.borders) == 0, "/\(length)")
      }
    }
  }

  @Test func `an empty table has nothing for anybody, and a default route something for all of its family`() throws {
    let ends: [IPAddress] = [
      .v4(IPv4Address(0)), .v4(IPv4Address(.max)), .v6(IPv6Address(high: 0, low: 0)),
      .v6(IPv6Address(high: .max, low: .max)),
    ]
    let empty = RouteTable([])
    defer { empty.deallocate() }
    #expect(wrong(empty, [], ends) == 0)
    #expect(empty.find4(0x0a00_0001) == RouteTable.none)
    let all = try #require(IPPrefix("0.0.0.0/0"))
    let four: [(IPPrefix, UInt32)] = [(all, 5)]
    let table = RouteTable(four)
    defer { table.deallocate() }
    #expect(wrong(table, four, ends) == 0)
    #expect(table.find4(0x0a00_0001) == 5 && table.find6(1 << 61, 1) == RouteTable.none)
  }

  @Test func `of two routes with the same network the last counts, whatever is written behind the prefix`() throws {
    let routes = try ["10.1.2.0/24", "10.1.2.77/24", "2001:db8::/32", "2001:db8:7::1/32"].enumerated()
      .map { (try #require(IPPrefix($1)), UInt32($0)) }
    let table = RouteTable(routes)
    defer { table.deallocate() }
    #expect(table.find4(0x0a01_0203) == 1)
    #expect(table.find6(0x2001_0db8_0001_0000, 0) == 3)
    let turned = RouteTable(routes.reversed())
    defer { turned.deallocate() }
    #expect(turned.find4(0x0a01_0203) == 0)
    #expect(turned.find6(0x2001_0db8_0001_0000, 0) == 2)
  }

  @Test func `the largest value and no value are told apart`() throws {
    let four = try #require(IPPrefix("10.0.0.0/8")), six = try #require(IPPrefix("::/1"))
    let routes: [(IPPrefix, UInt32)] = [(four, RouteTable.valueLimit - 1), (six, 0)]
    let table = RouteTable(routes)
    defer { table.deallocate() }
    #expect(table.find4(0x0a00_0000) == RouteTable.valueLimit - 1)
    #expect(table.find4(0x0b00_0000) == RouteTable.none && RouteTable.none >= RouteTable.valueLimit)
    #expect(table.find6(0, 0) == 0)
  }

  @Test func `networks beside each other in great numbers, for which a step looks at more bits`() throws {
    // Of how many bits the network around is, the first of them, and how long those in it are.
    for (around, address, length) in [
      (32, IPv6Address(high: 0x2001_0db8_0000_0000, low: 0), 44),
      (48, IPv6Address(high: 0x2001_0db8_0001_0000, low: 0), 60),
      (56, IPv6Address(high: 0x2001_0db8_0001_0100, low: 0), 67),
      (64, IPv6Address(high: 0x2001_0db8_0001_0002, low: 0), 76),
      (116, IPv6Address(high: 0x2001_0db8_0001_0003, low: 0), 128),
      (112, IPv6Address(high: 0x2001_0db8_0001_0004, low: 0), 128),
    ] {
      var routes: [(IPPrefix, UInt32)] = [(try #require(IPPrefix(.v6(address), length: around)), 1 << 20)]
      for number in 0..<UInt64(1) << UInt64(length - around) where number % 3 != 0 {
        let high = length <= 64 ? number << UInt64(64 - length) : length < 72 ? number >> UInt64(length - 64) : 0
        let low = length <= 64 ? 0 : number << UInt64(128 - length)
        let network = IPv6Address(high: address.high | high, low: low)
        routes.append((try #require(IPPrefix(.v6(network), length: length)), UInt32(number)))
      }
      let table = RouteTable(routes)
      defer { table.deallocate() }
      let addresses = routes.prefix(40).flatMap { $0.0.borders } + routes.suffix(20).flatMap { $0.0.borders }
      #expect(wrong(table, routes, addresses) == 0, "/\(length) in /\(around)")
    }
  }

  @Test func `a table of a few routes is small, and one of many grows with them`() {
    var maker = RouteMaker(seed: 3)
    let few = RouteTable(maker.routes(20))
    defer { few.deallocate() }
    #expect(few.bytes.v4 + few.bytes.v6 < 300 << 10)
    // Host routes at random have the fewest neighbours, and so the most to store.
    let many = (0..<20_000).compactMap { number in
      IPPrefix(.v6(IPv6Address(high: maker.random.next(), low: maker.random.next())), length: 128)
        .map { ($0, UInt32(number)) }
    }
    let sparse = RouteTable(many)
    defer { sparse.deallocate() }
    #expect(sparse.bytes.v6 < 256 << 10 + 20_000 * 128)
  }
}
