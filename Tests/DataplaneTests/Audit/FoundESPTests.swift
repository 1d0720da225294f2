@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Where ESP is found, and what everything else is called.
@Suite struct FoundESPTests {
  static let sample = esp(spi: 0x1234, sequence: 9, iv: big(UInt64(77)), text("sealed payload"))

  /// What is found: ESP as its octets, all else by name.
  static func found(_ frame: [UInt8], missing: Int = 0, link: LinkType = .ethernet) -> (esp: [UInt8], name: String) {
    var answer: (esp: [UInt8], name: String) = ([], "")
    withBytes(frame) { bytes in
      switch FoundESP.find(in: bytes, wireLength: bytes.count + missing, link: link) {
      case .none(let what): answer.name = what.name
      case .esp(let found):
        answer.esp = Array(UnsafeRawBufferPointer(start: found.bytes.base, count: found.bytes.count))
        answer.name = found.isWhole ? "whole" : "part"
      }
    }
    return answer
  }

  static let inUDP = udp(from: 4500, to: 61_000, sample)

  @Test(arguments: LinkType.allCases, [false, true])
  func `on every link, in IPv4 and IPv6, bare and in UDP`(_ link: LinkType, _ isIPv6: Bool) {
    for (next, payload) in [(NextHeader.esp, Self.sample), (.udp, Self.inUDP), (.udp, udp(to: 4500, Self.sample))] {
      let packet = isIPv6 ? ipv6(next, payload) : ipv4(next, payload)
      #expect(Self.found(linkFrame(link, isIPv6: isIPv6, packet), link: link) == (Self.sample, "whole"))
    }
  }

  @Test func `behind options, tags and extension headers, and without the frame's padding`() {
    let padding: [UInt8] = [0, 0, 0, 0, 0]
    let v4 = ipv4(.esp, options: [1, 1, 1, 0], Self.sample)
    #expect(Self.found(tagged(2, .ipv4, v4 + padding)) == (Self.sample, "whole"))
    for header in optionHeaders {
      let v6 = ipv6(header, extensionHeader(.destinationOptions, extensionHeader(.esp, Self.sample)))
      #expect(Self.found(ethernet(.ipv6, v6 + padding)) == (Self.sample, "whole"))
    }
    let longer = ipv4(.udp, udp(to: 4500, length: 8 + Self.sample.count, Self.sample + padding))
    #expect(Self.found(ethernet(.ipv4, longer)).esp == Self.sample)
    #expect(Self.found(ethernet(.ipv6, ipv6(.fragment, fragment(.esp, more: false, Self.sample)))).name == "whole")
  }

  @Test func `port 4500 is shared with IKE and keepalives`() {
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, ikeBehindMarker(ike())))).name == "ike")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, udp(to: 4500, [0, 0, 0, 0])))).name == "ike")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, udp(from: 4500, [0xff])))).name == "keepalives")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, udp(from: 4500, [0xfe])))).name == "runts")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, udp(from: 4500, [])))).name == "runts")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, udp(from: 4500, [0xff, 1, 2, 3])))).name == "whole")
  }

  @Test func `everything else is not ESP`() {
    for frame in [
      ethernet(.arp, arp()), ethernet(0x88b5, [1, 2, 3]), ethernet(.ipv4, ipv4(.udp, udp(from: 500, to: 500, ike()))),
      ethernet(.ipv4, ipv4(.tcp, tcp(to: 4500))),
      ethernet(.ipv4, ipv4(.icmp, icmpError(quoting: ipv4(.esp, Self.sample)))),
      ethernet(.ipv6, ipv6(.none)),
    ] { #expect(Self.found(frame).name == "notESP") }
  }

  @Test func `of fragments, the first is audited as far as it goes`() {
    let first = ipv4(.esp, moreFragments: true, Array(Self.sample.prefix(24)))
    #expect(Self.found(ethernet(.ipv4, first)) == (Array(Self.sample.prefix(24)), "part"))
    #expect(Self.found(ethernet(.ipv4, ipv4(.esp, fragmentOffset: 3, Self.sample))).name == "fragments")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, fragmentOffset: 3, Self.sample))).name == "fragments")
    #expect(Self.found(ethernet(.ipv4, ipv4(.tcp, fragmentOffset: 3, Self.sample))).name == "notESP")
    let first6 = ipv6(.fragment, fragment(.udp, more: true, udp(to: 4500, Self.sample)))
    #expect(Self.found(ethernet(.ipv6, first6)) == (Self.sample, "part"))
    let later6 = ipv6(.fragment, fragment(.esp, offset: 3, more: false, Self.sample))
    #expect(Self.found(ethernet(.ipv6, later6)).name == "fragments")
    let hidden = ipv6(.fragment, fragment(.destinationOptions, more: true, extensionHeader(.esp, Self.sample)))
    #expect(Self.found(ethernet(.ipv6, hidden)).name == "fragments")
    let tiny = ipv4(.udp, moreFragments: true, udp(to: 4500))
    #expect(Self.found(ethernet(.ipv4, tiny)).name == "fragments")
  }

  @Test func `short and broken packets have names`() {
    #expect(Self.found([1, 2, 3]).name == "malformed" && Self.found([1, 2, 3], missing: 60).name == "cut")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, [1, 2, 3]))).name == "runts")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, udp(to: 4500)))).name == "runts")
    #expect(Self.found(ethernet(.ipv4, ipv4(.udp, udp(to: 4500, length: 100))), missing: 92).name == "cut")
    let keepaliveOrMore = ipv4(.udp, totalLength: 128, udp(to: 4500, length: 108, [0xff]))
    #expect(Self.found(ethernet(.ipv4, keepaliveOrMore), missing: 99).name == "cut")
  }

  @Test(arguments: 0..<16)
  func `ESP without room for SPI, number and IV is a runt, or cut by the capture`(_ octets: Int) {
    let frame = ethernet(.ipv4, ipv4(.esp, Array(Self.sample.prefix(octets))))
    #expect(CaptureAuditTests.audit([(frame, 0)]).count(of: .runts) == 1)
    #expect(CaptureAuditTests.audit([(frame, 20)]).count(of: .cut) == 1)
  }

  /// Cut at `kept` octets of the ESP packet.
  static func cut(_ packet: [UInt8], _ kept: Int, tags: Int = 0) -> (octets: [UInt8], missing: Int) {
    let frame = tagged(tags, .ipv4, ipv4(.esp, packet))
    let missing = packet.count - kept
    return (Array(frame.dropLast(missing)), missing)
  }

  @Test(arguments: [16, 17, 31, 32, 33, 50, 79, 80], [16, 17, 31, 32, 33, 50, 79, 80])
  func `a packet is its own duplicate, wherever its copies are cut`(_ one: Int, _ other: Int) {
    let packet = esp(sequence: 1, iv: big(UInt64(1)), [UInt8](0..<64))
    let audit = CaptureAuditTests.audit([Self.cut(packet, one), Self.cut(packet, other, tags: 1)])
    #expect(audit.streams[0].duplicates == 1 && audit.streams[0].repeats == 0)
  }

  @Test(arguments: [33, 50, 79], [33, 50, 79])
  func `packets that differ in what is there repeat an IV`(_ one: Int, _ other: Int) {
    let packet = esp(sequence: 1, iv: big(UInt64(1)), [UInt8](0..<64))
    var changed = packet
    changed[20] ^= 1
    let audit = CaptureAuditTests.audit([Self.cut(packet, one), Self.cut(changed, other)])
    #expect(audit.streams[0].repeats == 1 && audit.streams[0].duplicates == 0)
  }

  @Test func `a whole packet is no part of a longer one`() {
    let long = esp(sequence: 1, iv: big(UInt64(1)), [UInt8](0..<64))
    let short = Array(long.prefix(60))
    let cut = Self.cut(long, 70), whole = Self.cut(short, 60)
    #expect(CaptureAuditTests.audit([whole, cut]).streams[0].repeats == 1)
    #expect(CaptureAuditTests.audit([cut, whole]).streams[0].repeats == 1)
  }
}
