import PacketMaking
import Testing
import Wire

@Suite("IPv4: the view judges structure alone")
struct IPv4Tests {
  @Test("Every field of the header")
  func fields() {
    let packet = ipv4(
      .esp, from: "192.0.2.129", to: "203.0.113.254", trafficClass: 0xb8, identification: 0xbeef,
      dontFragment: true, timeToLive: 17, text("body"))
    withBytes(packet) { bytes in
      let view = IPv4View(bytes)
      #expect(view?.headerLength == 20)
      #expect(view?.totalLength == 24)
      #expect(view?.trafficClass == 0xb8)
      #expect(view?.identification == 0xbeef)
      #expect(view?.dontFragment == true)
      #expect(view?.moreFragments == false)
      #expect(view?.isFragment == false)
      #expect(view?.fragmentOffset == 0)
      #expect(view?.timeToLive == 17)
      #expect(view?.protocolNumber == 50)
      #expect(view?.source == 0xc000_0281)
      #expect(view?.destination == 0xcb00_71fe)
      #expect(view.map { octets($0.payload) } == text("body"))
      #expect(view?.options.count == 0)
    }
  }

  @Test("A header as the wire has it")
  func golden() {
    withBytes(hex("4500 003c 1c46 4000 4006 b1e6 ac10 0a63 ac10 0a0c")) { bytes in
      let view = IPv4View(bytes)
      #expect(view?.totalLength == 60)
      #expect(view?.identification == 0x1c46)
      #expect(view?.dontFragment == true)
      #expect(view?.timeToLive == 64)
      #expect(view?.protocolNumber == 6)
      #expect(view?.source == IPv4Address("172.16.10.99")?.value)
      #expect(view?.destination == IPv4Address("172.16.10.12")?.value)
      #expect(view?.payload.count == 0)
    }
  }

  @Test("First, middle and last fragments are fragments; the offset counts units of eight octets")
  func fragments() {
    for (more, offset) in [(true, 0), (true, 1), (true, 0x1fff), (false, 1), (false, 0x1fff)]
      as [(Bool, UInt16)]
    {
      withBytes(ipv4(.udp, moreFragments: more, fragmentOffset: offset)) { bytes in
        #expect(IPv4View(bytes)?.isFragment == true)
        #expect(IPv4View(bytes)?.moreFragments == more)
        #expect(IPv4View(bytes)?.fragmentOffset == Int(offset))
        #expect(IPv4View(bytes)?.dontFragment == false)
      }
    }
  }

  @Test("The reserved bit and the bit against fragmenting make no fragment")
  func noFragments() {
    var packet = ipv4(.udp, dontFragment: true)
    packet[6] |= 0x80
    #expect(withBytes(packet) { IPv4View($0)?.isFragment } == false)
  }

  @Test("Options of every length lie between the fixed header and the payload", arguments: 0...10)
  func options(_ words: Int) {
    let options = (0..<4 * words).map { UInt8(0x80 + $0) }
    withBytes(ipv4(.tcp, options: options, text("behind"))) { bytes in
      let view = IPv4View(bytes)
      #expect(view?.headerLength == 20 + 4 * words)
      #expect(view.map { octets($0.options) } == options)
      #expect(view.map { octets($0.payload) } == text("behind"))
    }
  }

  @Test("What is wrong is named: too short, another version, header length, total length")
  func faults() {
    func fault(_ packet: [UInt8]) -> IPv4View.Fault? { withBytes(packet) { IPv4View.fault(in: $0) } }
    #expect(fault([]) == .truncated)
    #expect(fault(Array(ipv4(.udp).dropLast())) == .truncated)
    #expect(fault(Array(ipv4(.udp, options: noOperations(4)).dropLast())) == .truncated)
    #expect(fault([UInt8](repeating: 0x65, count: 20)) == .version)
    #expect(fault([0x44] + ipv4(.udp).dropFirst()) == .headerLength)
    #expect(fault(ipv4(.udp, totalLength: 19)) == .totalLength)
    #expect(fault(ipv4(.udp, options: noOperations(8), totalLength: 27)) == .totalLength)
    #expect(fault(ipv4(.udp)) == nil)
  }

  @Test("The payload ends where the total length says, as far as it is there; 0 means all that is there")
  func totalLength() {
    let body = text("0123456789")
    for total in 20...40 {
      withBytes(ipv4(.udp, totalLength: total, body)) { bytes in
        #expect(IPv4View(bytes)?.totalLength == total)
        #expect(IPv4View(bytes).map { octets($0.payload) } == Array(body.prefix(total - 20)))
      }
    }
    withBytes(ipv4(.udp, totalLength: 0, body)) { bytes in
      #expect(IPv4View(bytes)?.totalLength == 30)
      #expect(IPv4View(bytes).map { octets($0.payload) } == body)
    }
  }

  @Test("Every header length, total length and number of octets there: accepted exactly when it is structure")
  func smallWorld() {
    for first in UInt8(0x3e)...0x52 {
      for there in 0...64 {
        var packet = [UInt8](repeating: 0, count: there)
        if there > 0 { packet[0] = first }
        for total in 0...70 {
          if there > 3 { packet[3] = UInt8(total) }
          let headerLength = Int(first & 15) * 4
          let isSound =
            there >= 20 && first >> 4 == 4 && headerLength >= 20 && there >= headerLength
            && (total == 0 || total >= headerLength)
          let seen = withBytes(packet) { bytes in IPv4View(bytes).map { octets($0.payload).count } }
          let end = total == 0 ? there : min(total, there)
          if seen != (isSound ? end - headerLength : nil) {
            Issue.record("first octet \(first), \(there) octets, total length \(total): \(seen ?? -1)")
            return
          }
        }
      }
    }
  }
}
