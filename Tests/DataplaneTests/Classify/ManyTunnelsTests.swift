import Contract
@testable import Dataplane
import Testing
import Wire

/// Tables of many tunnels: what is looked up is found, and no search goes on for long.
@Suite struct ManyTunnelsTests {
  private static let count = 30_000

  private static func tunnel(_ number: Int) -> TunnelDescription {
    TunnelDescription(
      name: "t\(number)", inboundSPI: UInt32(0x1000 + number), outboundSPI: 0x1000,
      peer: .v4(IPv4Address(0xc633_0000 + UInt32(number))))
  }

  @Test func `one SPI that all peers have chosen is no long search in the table of quoted ESP`() {
    let table = OutboundTable(
      (0..<Self.count).map { number in
        let tunnel = Self.tunnel(number)
        return OutboundTable.Entry(
          peerLow: tunnel.peer.halves.low, outboundSPI: tunnel.outboundSPI, inboundSPI: tunnel.inboundSPI)
      })
    // Large enough to be mapped: it is given back as such, too.
    defer { table.deallocate() }
    var wrong = 0, run = 0, longest = 0
    for number in 0..<Self.count {
      let peer = Self.tunnel(number).peer.halves
      if table.inboundSPI(peerHigh: 0, peerLow: peer.low, outboundSPI: 0x1000) != UInt32(0x1000 + number) { wrong += 1 }
    }
    for place in 0...table.mask {
      run = table.entries[place].outboundSPI == 0 ? 0 : run + 1
      longest = max(longest, run)
    }
    #expect(wrong == 0 && longest < 200)
    #expect(table.inboundSPI(peerHigh: 0, peerLow: 1, outboundSPI: 0x1000) == 0)
    #expect(table.inboundSPI(peerHigh: 0, peerLow: 0xc633_0000, outboundSPI: 0x1001) == 0)
  }

  @Test func `a policy finds the tunnel of its name among many, and of two the first`() {
    var description = ClassifyDescription()
    description.clusterAddresses = [.v4(IPv4Address(0xc000_0201))]
    description.tunnels = (0..<Self.count).map(Self.tunnel)
    description.tunnels.append(
      TunnelDescription(name: "t7", inboundSPI: 0x90_0000, outboundSPI: 1, peer: .v4(IPv4Address(1))))
    description.policies = stride(from: 0, to: Self.count, by: 3).map { number in
      PolicyDescription(
        .protect("t\(number == 21 ? 7 : number)"), source: IPPrefix("10.0.0.0/8")!,
        destination: IPPrefix(.v4(IPv4Address(UInt32(0xac10_0000 + number * 16))), length: 28)!)
    }
    let snapshot = ClassifySnapshotBuilder.build(
      description, OwnershipDescription(members: 1, playing: [0], workers: 1))
    defer { ClassifySnapshotBuilder.destroy(snapshot) }
    var wrong = 0
    for number in stride(from: 0, to: Self.count, by: 3) {
      let found = snapshot.pointee.policies.find(
        Selector(
          addresses: AddressPair(sourceLow: 0x0a01_0203, destinationLow: UInt64(0xac10_0000 + number * 16 + 5)),
          protocolNumber: 17, hasPorts: true))
      if found.pointee.bundle != UInt32(number == 21 ? 7 : number) { wrong += 1 }
    }
    #expect(wrong == 0)
  }
}
