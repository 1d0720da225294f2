import PacketMaking
import Testing
import Wire

@Suite("An address as text")
struct AddressTextTests {
  @Test("MAC addresses are read with colons or hyphens, and written with colons")
  func mac() {
    #expect(MACAddress("02:00:5e:10:Fa:0b")?.value == 0x0200_5e10_fa0b)
    #expect(MACAddress("02-00-5E-10-FA-0B")?.value == 0x0200_5e10_fa0b)
    #expect(MACAddress(0x0000_5e00_530a).description == "00:00:5e:00:53:0a")
    #expect(MACAddress.broadcast.description == "ff:ff:ff:ff:ff:ff")
    #expect(MACAddress(0xffff_0000_5e00_530a).description == "00:00:5e:00:53:0a", "48 bits count")
  }

  @Test(
    "What is no MAC address is refused",
    arguments: [
      "", ":", ":::::", "00:00:5e:00:53", "00:00:5e:00:53:0a:0b", "0:0:5e:0:53:a", "00:00:5e:00:53:0g",
      "00:00:5e:00:53:+a", "00:00:5e:00:53: a", "00005e00530a", "00:00:5e:00:53:0a ", "００:00:5e:00:53:0a",
      "00::5e:00:53:0a", "000:00:5e:00:53:0",
    ])
  func noMAC(_ text: String) { #expect(MACAddress(text) == nil) }

  @Test("The lowest bit of the first octet makes a group")
  func group() {
    for octet in UInt64(0)...255 { #expect(MACAddress(octet << 40).isGroup == (octet & 1 == 1)) }
    #expect(MACAddress.broadcast.isGroup)
  }

  @Test("IPv4 addresses in their one form")
  func v4() {
    #expect(IPv4Address("192.0.2.129")?.value == 0xc000_0281)
    #expect(IPv4Address(0).description == "0.0.0.0")
    #expect(IPv4Address(.max).description == "255.255.255.255")
  }

  @Test(
    "What is no IPv4 address is refused",
    arguments: [
      "", "192.0.2", "192.0.2.1.1", "192.0.2.256", "192.0.2.-1", "192.0.2.+1", "192.0.2.01", "192.0.2.1 ",
      " 192.0.2.1", "0xc0000201", "192.0.2.0x1", "3221225985", "192.0.2.1/24", "::1", "a.b.c.d",
    ])
  func noV4(_ text: String) { #expect(IPv4Address(text) == nil) }

  @Test(
    "IPv6 addresses are read in any form and written in one (RFC 5952)",
    arguments: [
      ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"), ("::", "::"), ("::1", "::1"), ("2001:db8::", "2001:db8::"),
      ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
      ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ])
  func v6(_ written: String, _ expected: String) {
    #expect(IPv6Address(written)?.description == expected)
  }

  @Test("The first octet of IPv6 is the highest")
  func v6Value() {
    #expect(
      IPv6Address("2001:db8:1:2:3:4:5:6")
        == IPv6Address(high: 0x2001_0db8_0001_0002, low: 0x0003_0004_0005_0006))
  }

  @Test(
    "What is no IPv6 address is refused",
    arguments: [
      "", ":", ":::", "2001:db8", "2001:db8::1::2", "2001:db8::g", "2001:db8::12345", "fe80::1%eth0",
      "1:2:3:4:5:6:7:8:9", "::192.0.2.256", "[::1]", "::1 ", "2001:db8::/32", "192.0.2.1",
    ])
  func noV6(_ text: String) { #expect(IPv6Address(text) == nil) }

  @Test("Ten thousand addresses of each kind survive being written and read")
  func roundTrips() {
    var random = Seeded(seed: 7)
    for _ in 0..<10_000 {
      let mac = MACAddress(random.next())
      let v4 = IPv4Address(UInt32(truncatingIfNeeded: random.next()))
      // Zero groups are likely, so that the double colon gets its turn.
      let v6 = IPv6Address(
        high: random.next() & zeroGroups(&random), low: random.next() & zeroGroups(&random))
      #expect(MACAddress(mac.description) == mac)
      #expect(IPv4Address(v4.description) == v4)
      #expect(IPv6Address(v6.description) == v6)
      #expect(IPAddress(v4.description) == .v4(v4))
      #expect(IPAddress(v6.description) == .v6(v6))
    }
  }

  private func zeroGroups(_ random: inout Seeded) -> UInt64 {
    (0..<4).reduce(0) { mask, _ in mask << 16 | (random.chance(of: 2) ? 0xffff : 0) }
  }

  @Test("Nothing behind a NUL counts", arguments: ["192.0.2.1\0", "192.0.2.1\0junk"])
  func nul(_ text: String) {
    #expect(IPv4Address(text) == nil)
  }
}

@Suite("A prefix as text")
struct PrefixTextTests {
  @Test(
    "Any length from 0 to the width; an address alone is the prefix of that one address",
    arguments: [
      ("192.0.2.0/24", "192.0.2.0/24"), ("0.0.0.0/0", "0.0.0.0/0"), ("192.0.2.1/32", "192.0.2.1/32"),
      ("192.0.2.1", "192.0.2.1/32"), ("2001:DB8::/32", "2001:db8::/32"), ("::/0", "::/0"),
      ("2001:db8::1/128", "2001:db8::1/128"), ("2001:db8::1", "2001:db8::1/128"),
    ])
  func read(_ written: String, _ expected: String) {
    #expect(IPPrefix(written)?.description == expected)
  }

  @Test(
    "What is no prefix is refused",
    arguments: [
      "", "/", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/24/24", "192.0.2.0/ 24",
      "192.0.2.0/0x18", "192.0.2.0/255.255.255.0", "2001:db8::/129", "192.0.2/24", "192.0.2.0/24 ",
      "192.0.2.0/99999999999999999999",
    ])
  func refused(_ text: String) { #expect(IPPrefix(text) == nil) }

  @Test("A length is digits alone", arguments: ["192.0.2.0/+24", "192.0.2.0/-0", "192.0.2.0/024"])
  func signs(_ text: String) {
    #expect(IPPrefix(text) == nil)
  }

  @Test("Every length of either width, and none beyond")
  func lengths() {
    for length in -1...129 {
      #expect((IPPrefix(.v4(IPv4Address(0)), length: length) != nil) == (0...32).contains(length))
      #expect(
        (IPPrefix(.v6(IPv6Address(high: 0, low: 0)), length: length) != nil) == (0...128).contains(length))
    }
  }
}
