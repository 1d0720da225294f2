import Contract
import Glibc
import PacketMaking
import Testing
import Wire

@testable import Membership

@Suite(
  "One side's wire of the cluster, on a cable",
  .enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct ControlPortTests {
  private static let mac = "02:00:5e:00:53:01"
  private static let linkLocal = "fe80::5eff:fe00:5301"
  private static let shared = "03:00:00:00:00:01"
  private static let broadcast = "ff:ff:ff:ff:ff:ff"

  /// A port on one end of a cable, and what of its frames is at the other end.
  private func withPort(_ body: (ControlPort, (Int) -> [[UInt8]]) throws -> Void) throws {
    let here = try NetworkNamespace(), there = try NetworkNamespace()
    try here.shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
    try there.shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
    try here.connect("in", to: there, "far")
    // What a virtual cable keeps beside the frame would not be seen in it.
    try there.shell("ethtool -K far rxvlan off txvlan off 2>/dev/null || true")
    let socket = try there.run { frameSocket(on: "far") }
    try #require(socket >= 0)
    defer { close(socket) }
    let port = try here.run { () throws -> ControlPort in
      try ControlPort("in", side: .inside, mac: try #require(MACAddress(Self.mac)))
    }
    func next(_ milliseconds: Int32) -> [UInt8]? {
      var poll = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard Glibc.poll(&poll, 1, milliseconds) == 1 else { return nil }
      var octets = [UInt8](repeating: 0, count: 2048)
      let length = recv(socket, &octets, octets.count, 0)
      return length > 0 ? Array(octets.prefix(length)) : nil
    }
    // A cable that is new may take a while until it carries anything.
    for _ in 0..<250 {
      port.send([1])
      if next(20) != nil { break }
    }
    while next(20) != nil {}
    try body(port) { count in (0..<count).compactMap { _ in next(2000) } }
    #expect(port.unsent == 0)
  }

  @Test("A cable that is out at the other end is noticed, and so is its return")
  func link() throws {
    let here = try NetworkNamespace(), there = try NetworkNamespace()
    try here.connect("in", to: there, "far")
    let port = try here.run { () throws -> ControlPort in
      try ControlPort("in", side: .inside, mac: try #require(MACAddress(Self.mac)))
    }
    func becomes(_ wanted: Bool) -> Bool {
      for _ in 0..<500 {
        if port.hasLink == wanted { return true }
        usleep(10_000)
      }
      return false
    }
    #expect(becomes(true))
    try there.shell("ip link set far down")
    #expect(becomes(false))
    try there.shell("ip link set far up")
    #expect(becomes(true))
  }

  private func padded(_ frame: [UInt8]) -> [UInt8] {
    frame + [UInt8](repeating: 0, count: max(0, 60 - frame.count))
  }

  @Test("A question for a unit goes to his MAC address, or to all, and says the unit's own (X19, X20)")
  func probes() throws {
    try withPort { port, heard in
      let (own, target) = (IPAddress("192.0.2.1")!, IPAddress("192.0.2.2")!)
      port.ask(for: target, at: nil, from: own)
      port.ask(for: target, at: MACAddress(Host.bobMAC), from: own)
      let question = arp(sender: "192.0.2.1", senderMAC: Self.mac, target: "192.0.2.2")
      let wanted = [Self.broadcast, Host.bobMAC].map { padded(ethernet(.arp, to: $0, from: Self.mac, question)) }
      let found = heard(2)
      #expect((found == wanted) as Bool)
    }
  }

  @Test("Of an IPv6 address it is asked by solicitation, to the unit or to its group (X19)")
  func solicitations() throws {
    try withPort { port, heard in
      let (own, target) = (IPAddress("2001:db8::1")!, IPAddress("2001:db8::12:3456")!)
      port.ask(for: target, at: nil, from: own)
      // One that nobody could answer.
      port.ask(for: IPAddress("192.0.2.2")!, at: nil, from: own)
      port.ask(for: target, at: MACAddress(Host.bobMAC), from: own)
      // A unit that has no such address has the link's.
      port.ask(for: target, at: MACAddress(Host.bobMAC), from: IPAddress("192.0.2.1")!)
      let wanted = [
        ("33:33:ff:12:34:56", "ff02::1:ff12:3456", "2001:db8::1"), (Host.bobMAC, "2001:db8::12:3456", "2001:db8::1"),
        (Host.bobMAC, "2001:db8::12:3456", Self.linkLocal),
      ].map { mac, to, from in
        let question = discovery(135, "2001:db8::12:3456", Self.mac, from: from, to: to)
        return ethernet(
          .ipv6, to: mac, from: Self.mac, ipv6(.icmpv6, from: from, to: to, hopLimit: 255, question))
      }
      let found = heard(3)
      #expect((found == wanted) as Bool)
    }
  }

  @Test("Where the cluster's addresses are: the cluster's MAC address in the message, the unit's before it (C9, X20)")
  func announcements() throws {
    try withPort { port, heard in
      let mac = try #require(MACAddress(Self.shared))
      port.announce(SharedAddress(IPAddress("192.0.2.254")!, side: .inside, mac: mac))
      port.announce(SharedAddress(IPAddress("2001:db8::fe")!, side: .inside, mac: mac))
      let gratuitous = arp(sender: "192.0.2.254", senderMAC: Self.shared, target: "192.0.2.254")
      let advertisement = discovery(
        136, flags: 0xa0, "2001:db8::fe", Self.shared, from: "2001:db8::fe", to: "ff02::1")
      let wanted = [
        padded(ethernet(.arp, to: Self.broadcast, from: Self.mac, gratuitous)),
        ethernet(
          .ipv6, to: "33:33:00:00:00:01", from: Self.mac,
          ipv6(.icmpv6, from: "2001:db8::fe", to: "ff02::1", hopLimit: 255, advertisement)),
      ]
      let found = heard(2)
      #expect((found == wanted) as Bool)
    }
  }

  @Test("On a VLAN's link they are said in the VLAN")
  func tagged() throws {
    try withPort { port, heard in
      let mac = try #require(MACAddress(Self.shared))
      port.announce(SharedAddress(IPAddress("192.0.2.254")!, side: .inside, vlan: 7, mac: mac))
      let gratuitous = arp(sender: "192.0.2.254", senderMAC: Self.shared, target: "192.0.2.254")
      let tagged = padded(ethernet(.vlan, to: Self.broadcast, from: Self.mac, vlan(7, .arp, gratuitous)))
      let found = heard(1).first
      // A packet socket may have taken the tag off; untagged it would have to be filled up by four octets more.
      let bare = ethernet(.arp, to: Self.broadcast, from: Self.mac, gratuitous)
      #expect((found == tagged) as Bool || (found == bare + [UInt8](repeating: 0, count: 60 - 4 - bare.count)) as Bool)
    }
  }

  @Test("A question for somebody on a VLAN's link is asked in the VLAN")
  func taggedQuestion() throws {
    try withPort { port, heard in
      port.ask(
        for: IPAddress("192.0.2.2")!, at: MACAddress(Host.bobMAC), from: IPAddress("192.0.2.1")!, vlan: 7)
      let question = arp(sender: "192.0.2.1", senderMAC: Self.mac, target: "192.0.2.2")
      let tagged = padded(ethernet(.vlan, to: Host.bobMAC, from: Self.mac, vlan(7, .arp, question)))
      let found = heard(1).first
      let bare = ethernet(.arp, to: Host.bobMAC, from: Self.mac, question)
      #expect((found == tagged) as Bool || (found == bare + [UInt8](repeating: 0, count: 60 - 4 - bare.count)) as Bool)
    }
  }

  @Test("A message goes to the group of all units, and another port hears its octets and whose frame it was")
  func messages() throws {
    let here = try NetworkNamespace(), there = try NetworkNamespace()
    try here.connect("in", to: there, "far")
    let one = try here.run { try ControlPort("in", side: .inside, mac: MACAddress(0x0200_0000_0001)) }
    let other = try there.run { try ControlPort("far", side: .outside, mac: MACAddress(0x0200_0000_0002)) }
    let long = (0..<1494).map { UInt8(truncatingIfNeeded: $0) }
    for _ in 0..<250 {
      one.send([1])
      usleep(20_000)
      if other.receive() != nil { break }
    }
    while other.receive() != nil { usleep(20_000) }
    one.send(long)
    one.send(Array(long.prefix(104)))
    // Nothing of what is no message.
    one.ask(for: IPAddress("192.0.2.2")!, at: nil, from: IPAddress("192.0.2.1")!)
    var heard: [(octets: [UInt8], from: MACAddress)] = []
    for _ in 0..<200 where heard.count < 2 {
      if let found = other.receive() { heard.append(found) } else { usleep(10_000) }
    }
    try #require(heard.count == 2)
    #expect((heard[0].octets == long) as Bool && (heard[1].octets == Array(long.prefix(104))) as Bool)
    #expect(heard[0].from == MACAddress(0x0200_0000_0001))
    usleep(20_000)
    #expect(other.receive() == nil && one.receive() == nil)
  }

  @Test("A device that there is not is refused by name")
  func noDevice() throws {
    let network = try NetworkNamespace()
    let refusal = try network.run { () -> String in
      do {
        _ = try ControlPort("absent0", side: .inside, mac: MACAddress(1))
        return ""
      } catch { return "\(error)" }
    }
    #expect(refusal == "cannot listen to other units on absent0: No such device")
  }
}
