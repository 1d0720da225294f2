import Testing
import Wire

@testable import Dataplane

@Suite struct NeighbourTableTests {
  private static func address(_ number: Int) -> IPAddress {
    number.isMultiple(of: 2)
      ? .v4(IPv4Address(UInt32(0x0a00_0000 + number))) : .v6(IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(number)))
  }

  private static func answer(_ table: NeighbourTable, _ number: Int, interface: Int = 0) -> UInt64 {
    let halves = address(number).halves
    return table.answer(halves.high, halves.low, isIPv6: halves.isIPv6, interface: interface)
  }

  @Test func `half of all places are given away, and each address has its own answer`() {
    let table = NeighbourTable(capacity: 1024)
    defer { table.deallocate() }
    for number in 0..<512 {
      #expect(table.learn(Self.address(number), interface: number % 3, MACAddress(UInt64(number + 1))))
    }
    #expect(!table.learn(Self.address(512), interface: 0, MACAddress(1)))
    // Whoever has a place may change.
    #expect(table.learn(Self.address(0), interface: 0, MACAddress(99)))
    for number in 0..<512 {
      let mac = number == 0 ? 99 : UInt64(number + 1)
      #expect(Self.answer(table, number, interface: number % 3) == NeighbourTable.known | mac)
      #expect(Self.answer(table, number, interface: 3) == 0)
    }
    #expect(Self.answer(table, 512) == 0)
  }

  @Test func `places of the forgotten are given away again, and not before nobody looks at them`() {
    let table = NeighbourTable(capacity: 256)
    defer { table.deallocate() }
    var waits = 0
    for number in 0..<20_000 {
      if number >= 100 { table.forget(Self.address(number - 100), interface: 0) }
      let mac = MACAddress(UInt64(number + 1))
      if !table.learn(Self.address(number), interface: 0, mac) {
        #expect(table.hasForgotten)
        table.reclaim {
          waits += 1
          // What a worker finds in the meantime: nobody who is forgotten, everybody else.
          for back in 1..<100 {
            #expect(Self.answer(table, number - back) == NeighbourTable.known | UInt64(number - back + 1))
          }
          #expect(Self.answer(table, number - 100) == 0)
        }
        #expect(!table.hasForgotten)
        #expect(table.learn(Self.address(number), interface: 0, mac))
      }
      #expect(Self.answer(table, number) == NeighbourTable.known | UInt64(number + 1))
    }
    #expect(waits > 0 && waits < 2000)
    for number in 0..<19_900 where Self.answer(table, number) != 0 { Issue.record("\(number) is still known") }
  }

  @Test func `who was forgotten and is learnt again keeps its place`() {
    let table = NeighbourTable(capacity: 64)
    defer { table.deallocate() }
    for _ in 0..<1000 {
      #expect(table.learn(Self.address(7), interface: 0, MACAddress(1)))
      table.forget(Self.address(7), interface: 0)
      table.forget(Self.address(7), interface: 0)
      #expect(Self.answer(table, 7) == 0)
    }
    #expect(table.hasForgotten)
    table.reclaim {}
    #expect(!table.hasForgotten && Self.answer(table, 7) == 0)
  }

  @Test func `who was asked for is told, once`() {
    let table = NeighbourTable(capacity: 1024)
    defer { table.deallocate() }
    for number in 0..<10 { _ = table.learn(Self.address(number), interface: 2, MACAddress(UInt64(number + 1))) }
    func used() -> Set<IPAddress> {
      var found: Set<IPAddress> = []
      table.takeUsed { interface, address in
        #expect(interface == 2)
        found.insert(address)
      }
      return found
    }
    #expect(used().isEmpty)
    for _ in 0..<3 { for number in [3, 4] { _ = Self.answer(table, number, interface: 2) } }
    #expect(used() == [Self.address(3), Self.address(4)])
    #expect(used().isEmpty)
    _ = Self.answer(table, 5, interface: 2)
    table.forget(Self.address(5), interface: 2)
    #expect(used().isEmpty && Self.answer(table, 5, interface: 2) == 0)
  }
}
