import PacketMaking
import Testing
import Wire

@Suite("IPv6: the fixed header")
struct IPv6Tests {
  @Test("Every field of the header")
  func fields() {
    let packet = ipv6(
      .esp, from: "2001:db8:1:2:3:4:5:6", to: "2001:db8::99", trafficClass: 0xb8, flowLabel: 0xabcde,
      hopLimit: 3, text("body"))
    withBytes(packet) { bytes in
      let view = IPv6View(bytes)
      #expect(view?.trafficClass == 0xb8)
      #expect(view?.flowLabel == 0xabcde)
      #expect(view?.payloadLength == 4)
      #expect(view?.nextHeader == 50)
      #expect(view?.hopLimit == 3)
      #expect(view?.source == IPv6Address(high: 0x2001_0db8_0001_0002, low: 0x0003_0004_0005_0006))
      #expect(view?.destination == IPv6Address(high: 0x2001_0db8_0000_0000, low: 0x99))
      #expect(view.map { octets($0.payload) } == text("body"))
    }
  }

  @Test("What is wrong is named: too short, another version")
  func faults() {
    func fault(_ packet: [UInt8]) -> IPv6View.Fault? { withBytes(packet) { IPv6View.fault(in: $0) } }
    #expect(fault([]) == .truncated)
    #expect(fault(Array(ipv6(.udp).dropLast())) == .truncated)
    for version in UInt8(0)...15 {
      #expect(fault([version << 4] + ipv6(.udp).dropFirst()) == (version == 6 ? nil : .version))
    }
  }

  @Test("The payload ends where its length says, as far as it is there; 0 means all that is there")
  func payloadLength() {
    let body = text("0123456789")
    for length in 0...20 {
      withBytes(ipv6(.udp, payloadLength: length, body)) { bytes in
        let expected = length == 0 ? body : Array(body.prefix(length))
        #expect(IPv6View(bytes).map { octets($0.payload) } == expected)
        #expect(IPv6View(bytes)?.payloadLength == length)
      }
    }
  }
}

/// What the walk found, as one value to compare. By default: reached the end, met no fragment.
struct Walk: Equatable {
  var next: UInt8
  var offset: Int
  var headers: Int
  var isFragment = false
  var isFirst = true
  var isBroken = false

  init(
    _ next: NextHeader, at offset: Int, headers: Int, isFragment: Bool = false, isFirst: Bool = true,
    isBroken: Bool = false
  ) {
    (self.next, self.offset, self.headers) = (next.value, offset, headers)
    (self.isFragment, self.isFirst, self.isBroken) = (isFragment, isFirst, isBroken)
  }

  init?(_ packet: [UInt8]) {
    guard let chain = withBytes(packet, { IPv6View($0).map(IPv6Chain.init) }) else { return nil }
    (next, offset, headers) = (chain.protocolNumber, chain.offset, chain.headers)
    (isFragment, isFirst, isBroken) = (chain.isFragment, chain.isFirstFragment, chain.isBroken)
  }
}
