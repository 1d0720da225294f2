import Contract
import Neighbours
import PacketMaking
import Testing
import Wire

@Suite("What another member of the cluster knows of neighbours")
struct MemberTests {
  private func learn(
    _ gateway: inout Gateway, _ address: String, mac: String = Host.aliceMAC, on interface: Int = Gateway.inside
  ) -> [Directive] {
    let neighbour = KnownNeighbour(interface: interface, IPAddress(address)!, MACAddress(mac)!)
    return gateway.path.learn(fromMember: neighbour, now: gateway.now)
  }

  @Test("Used at once, without a question, and asked within two seconds", arguments: Family.allCases)
  func known(_ family: Family) {
    var gateway = Gateway()
    let mac = MACAddress(Host.aliceMAC)!
    #expect(learn(&gateway, family.alice) == [.neighbour(interface: 0, family.address, mac)])
    #expect(gateway.state(family.alice) == .delay)
    // The workers have it: what comes up all the same goes on.
    let sent = family.ask(&gateway)
    #expect(!sent.contains(.send(frame: family.question(), interface: 0)) && gateway.path.heldPackets == 0)
    #expect(learn(&gateway, family.alice).isEmpty)
    // Nobody else vouches for it: it is no news for others.
    #expect(gateway.path.confirmedNeighbours.isEmpty)
    let asked = gateway.pass(seconds: 2)
    #expect(asked == [.send(frame: family.question(at: Host.aliceMAC), interface: 0)])
    _ = family.hear(&gateway)
    #expect(gateway.path.confirmedNeighbours == [KnownNeighbour(interface: 0, family.address, mac)])
    // Who does not answer is forgotten.
    var alone = Gateway()
    _ = learn(&alone, family.alice)
    #expect(alone.pass(seconds: 6).contains(.forget(interface: 0, family.address)))
  }

  @Test("Whose MAC address is known can be asked from an address of our own", arguments: Family.allCases)
  func askable(_ family: Family) throws {
    var gateway = Gateway()
    _ = learn(&gateway, family.alice)
    for isConfirmed in [false, true] {
      #expect(gateway.path.askable(on: Gateway.outside, most: 8).isEmpty)
      let one = try #require(gateway.path.askable(on: Gateway.inside, most: 8).first)
      let ours = IPAddress(family.address.isIPv6 ? Gateway.inside6 : Gateway.inside4)
      #expect(one.address == family.address && one.asker == ours && one.mac == MACAddress(Host.aliceMAC)!)
      #expect(gateway.neighbour(family.alice)?.isConfirmed == isConfirmed)
      _ = family.ask(&gateway)
      _ = gateway.pass(seconds: 2)
      _ = family.hear(&gateway)
    }
  }

  @Test("What waits for it goes", arguments: Family.allCases)
  func waiting(_ family: Family) {
    var gateway = Gateway()
    _ = family.ask(&gateway, 1)
    _ = family.ask(&gateway, 2)
    #expect(gateway.path.heldPackets == 2)
    let told = learn(&gateway, family.alice)
    #expect(told.count == 3 && gateway.path.heldPackets == 0)
  }

  @Test("Whoever has answered us a moment ago is believed more than that, and later less", arguments: Family.allCases)
  func contradiction(_ family: Family) {
    var gateway = Gateway()
    _ = family.ask(&gateway)
    _ = family.hear(&gateway)
    #expect(learn(&gateway, family.alice, mac: Host.bobMAC).isEmpty)
    _ = gateway.pass(seconds: 2)
    let moved = learn(&gateway, family.alice, mac: Host.bobMAC)
    #expect(moved.contains(.neighbour(interface: 0, family.address, MACAddress(Host.bobMAC)!)))
    #expect(gateway.state(family.alice) == .delay)
  }

  @Test(
    "Nobody is told of us, the cluster, groups, broadcasts or other networks",
    arguments: [Gateway.inside4, "192.0.2.255", "224.0.0.1", "0.0.0.0", "198.51.100.7", "2001:db8:b::1", "ff02::1"])
  func refused(_ address: String) {
    var gateway = Gateway()
    #expect(learn(&gateway, address).isEmpty && gateway.neighbour(address) == nil)
    #expect(learn(&gateway, Host.alice, mac: "01:00:5e:00:00:01").isEmpty)
    #expect(learn(&gateway, Host.alice, mac: "00:00:00:00:00:00").isEmpty)
    for interface in [-1, 3] { #expect(learn(&gateway, Host.alice, on: interface).isEmpty) }
  }
}
