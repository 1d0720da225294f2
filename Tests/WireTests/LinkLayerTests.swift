import PacketMaking
import Testing
import Wire

@Suite("Ethernet, its tags and ARP say what the octets say")
struct LinkLayerTests {
  @Test("Destination, source and type of an Ethernet frame")
  func ethernetFields() {
    withBytes(hex("0123456789ab cdef01234567 88b5")) { bytes in
      let view = EthernetView(bytes)
      #expect(view?.destination == MACAddress(0x0123_4567_89ab))
      #expect(view?.source == MACAddress(0xcdef_0123_4567))
      #expect(view?.type == 0x88b5)
    }
  }

  @Test("A tag has three bits of priority, one that is ignored, and twelve of identifier")
  func tagFields() {
    withBytes(hex("bfff 86dd")) { bytes in
      let view = VLANTagView(bytes)
      #expect(view?.priority == 5)
      #expect(view?.identifier == 0xfff)
      #expect(view?.type == 0x86dd)
    }
    withBytes(vlan(7, priority: 6, .ipv4)) { bytes in
      #expect(VLANTagView(bytes)?.priority == 6)
      #expect(VLANTagView(bytes)?.identifier == 7)
      #expect(VLANTagView(bytes)?.type == 0x0800)
    }
  }

  @Test("Three types are tags, and no other number is")
  func tagTypes() {
    let tags = (UInt16.min...UInt16.max).filter(EtherType.isTag)
    #expect(tags == [0x8100, 0x88a8, 0x9100])
  }

  @Test("Both ends of an ARP request")
  func arpFields() {
    let request = arp(2, sender: "192.0.2.1", senderMAC: "02:00:00:00:00:01", target: "192.0.2.9")
    withBytes(request) { bytes in
      let view = ARPView(bytes)
      #expect(view?.operation == 2)
      #expect(view?.senderMAC == MACAddress(0x0200_0000_0001))
      #expect(view?.sender == IPv4Address("192.0.2.1"))
      #expect(view?.targetMAC == MACAddress(0))
      #expect(view?.target == IPv4Address("192.0.2.9"))
    }
  }

  @Test("ARP for anything but IPv4 over Ethernet is refused", arguments: [0, 1, 2, 3, 4, 5])
  func arpKinds(_ place: Int) {
    var request = arp()
    request[place] ^= 1
    #expect(withBytes(request) { ARPView($0) == nil })
  }
}

@Suite("A link header says what is behind it, for every link type of a capture")
struct LinkTypeTests {
  /// Every form that the header of a link type takes.
  private func forms(_ link: LinkType, _ isIPv4: Bool) -> [[UInt8]] {
    let type: EtherNumber = isIPv4 ? .ipv4 : .ipv6
    let families: [UInt32] = isIPv4 ? [2] : [10, 24, 28, 30]
    let proto: UInt16 = isIPv4 ? 0x21 : 0x57
    switch link {
    case .ethernet: return [ethernet(type)]
    case .linuxCooked: return [cooked(type)]
    case .linuxCooked2: return [cooked2(type)]
    case .null, .loop: return families.flatMap { [loopback(family: $0, big), loopback(family: $0, little)] }
    case .ppp:
      return [false, true].flatMap { marked in
        [false, true].map { ppp(proto, addressAndControl: marked, compressed: $0) }
      }
    case .raw, .rawIPv4, .rawIPv6: return [[]]
    }
  }

  @Test("IPv4 and IPv6 are found behind every form of the header, and a shorter one is refused")
  func everyForm() {
    for link in LinkType.allCases {
      for isIPv4 in [true, false] {
        for header in forms(link, isIPv4) {
          let packet = isIPv4 ? ipv4(.udp) : ipv6(.udp)
          withBytes(header + packet) { bytes in
            let payload = link.payload(of: bytes)
            #expect(payload.etherType == (isIPv4 ? 0x0800 : 0x86dd), "\(link.name)")
            #expect(payload.offset == header.count, "\(link.name)")
          }
          // Raw packets have no header: one octet has to be there to tell the version.
          for length in 0..<max(header.count, 1) where !isWholePPP(link, header, length) {
            let payload = withBytes(Array(header.prefix(length)), link.payload)
            #expect(payload.offset < 0, "\(link.name), \(length) octets")
          }
        }
      }
    }
  }

  /// FF without the 03 behind it reads as a protocol of one octet: unknown, but not too short.
  private func isWholePPP(_ link: LinkType, _ header: [UInt8], _ length: Int) -> Bool {
    link == .ppp && header[0] == 0xff && length == 1
  }

  @Test("Families of BSD loopback: 2 is IPv4, four numbers are IPv6, in either byte order")
  func families() {
    for link in [LinkType.null, .loop] {
      for family in UInt32(0)...255 {
        let expected: UInt16 = family == 2 ? 0x0800 : [10, 24, 28, 30].contains(family) ? 0x86dd : 0
        for order in [big, little] as [(UInt32) -> [UInt8]] {
          let payload = withBytes(loopback(family: family, order), link.payload)
          #expect(payload.etherType == expected, "family \(family)")
          #expect(payload.offset == 4)
        }
      }
    }
  }

  @Test("A raw packet is what its version says, and nothing for other versions")
  func rawVersions() {
    for version in UInt8(0)...15 {
      let expected: UInt16 = version == 4 ? 0x0800 : version == 6 ? 0x86dd : 0
      let payload = withBytes([version << 4 | 0x0f], LinkType.raw.payload)
      #expect(payload.etherType == expected)
      #expect(payload.offset == 0)
    }
  }

  @Test("Another PPP protocol is behind its header, but neither IPv4 nor IPv6")
  func otherPPP() {
    for (frame, offset) in [
      (ppp(0xc021, [1]), 4), (ppp(0xfd, addressAndControl: false, compressed: true), 1),
    ] {
      let payload = withBytes(frame, LinkType.ppp.payload)
      #expect(payload.etherType == 0)
      #expect(payload.offset == offset)
    }
  }

  @Test("Numbers of libpcap: three mean raw IP, 276 has a number of its own here, others are refused")
  func numbers() {
    let known: [Int32: LinkType] = [
      0: .null, 1: .ethernet, 9: .ppp, 12: .raw, 14: .raw, 101: .raw, 108: .loop, 113: .linuxCooked,
      228: .rawIPv4, 229: .rawIPv6, 276: .linuxCooked2,
    ]
    for number in Int32(-3)...600 { #expect(LinkType(libpcap: number) == known[number], "\(number)") }
    #expect(LinkType(libpcap: .max) == nil)
    #expect(LinkType(libpcap: .min) == nil)
  }

  @Test("Every link type has a name of its own")
  func names() {
    #expect(Set(LinkType.allCases.map(\.name)).count == LinkType.allCases.count)
  }
}
