import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// A gateway with two devices: each has a MAC address of its own, and what came in at one is judged as its traffic.
@Suite struct SideTests {
  private static let insideMAC = "00:00:5e:00:53:0c"

  private func live(_ body: (TestGateway, TestGateway) throws -> Void) throws {
    var pair = TunnelPair(ESPDescription(gcm))
    pair.far.accept = AcceptDescription(unitMAC: MACAddress(Self.insideMAC)!)
    pair.far.accept?.outsideMAC = MACAddress(Host.bobMAC)!
    let neighbours = NeighbourTable(capacity: 16)
    let interfaces = Side.allCases.map { InterfaceDescription(side: $0) }
    let tables = ForwardTables(
      GatewayDescription(ports: [], interfaces: interfaces),
      macs: [Self.insideMAC, Host.bobMAC].map { MACAddress($0)! }, neighbours: neighbours)
    defer {
      tables.deallocate()
      neighbours.deallocate()
    }
    try body(TestGateway(pair.near), TestGateway(pair.far, forward: tables))
  }

  @Test func `row 37: what was cut outside is outside's when it is whole`() throws {
    try live { near, far in
      let frame = clear(1400)
      let pieces = outerFragments(near.run(frame).octets, 800, identification: 9)
      let outcomes = far.run(pieces, from: .outside)
      #expect(outcomes.map(\.reason) == [.reassembled, .none])
      let isSame = outcomes.last?.octets == frame
      #expect(isSame)
      // Nobody inside has sent that.
      let others = outerFragments(near.run(frame).octets, 800, identification: 10)
      #expect(far.run(others, from: .inside).map(\.reason) == [.foreignMAC, .foreignMAC])
    }
  }
}
