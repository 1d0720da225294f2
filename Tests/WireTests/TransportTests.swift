import PacketMaking
import Testing
import Wire

@Suite("UDP, TCP and ICMP say what the octets say")
struct TransportTests {
  @Test("Every field of UDP")
  func udpFields() {
    withBytes(hex("1f90 ea60 000c 0000 cafe")) { bytes in
      let view = UDPView(bytes)
      #expect(view?.sourcePort == 8080)
      #expect(view?.destinationPort == 60000)
      #expect(view?.datagramLength == 12)
      #expect(view.map { octets($0.payload) } == [0xca, 0xfe])
    }
  }

  @Test("Every field of TCP, the payload behind the options", arguments: 0...10)
  func tcpFields(_ words: Int) {
    let segment = tcp(
      from: 443, to: 50000, sequence: 0x0102_0304, acknowledgement: 0xa0b0_c0d0,
      flags: TCPFlag.push | TCPFlag.acknowledge, window: 0x7fff, options: noOperations(4 * words), text("GET")
    )
    withBytes(segment) { bytes in
      let view = TCPView(bytes)
      #expect(view?.sourcePort == 443)
      #expect(view?.destinationPort == 50000)
      #expect(view?.sequence == 0x0102_0304)
      #expect(view?.acknowledgement == 0xa0b0_c0d0)
      #expect(view?.headerLength == 20 + 4 * words)
      #expect(view?.flags == 0x18)
      #expect(view?.window == 0x7fff)
      #expect(view.map { octets($0.payload) } == text("GET"))
    }
  }

  @Test("A TCP header length below 20 or beyond the end is refused")
  func tcpHeaderLength() {
    for words in UInt8(0)...15 {
      var segment = tcp(options: noOperations(16))
      segment[12] = words << 4 | 0x0f
      #expect(withBytes(segment) { TCPView($0) != nil } == (5...9).contains(words), "\(words) words")
    }
  }

  @Test("UDP and TCP have their ports in one place")
  func ports() {
    for layer in [udp(from: 1, to: 65535), tcp(from: 1, to: 65535)] {
      withBytes(layer) { bytes in
        #expect(PortsView(bytes)?.source == 1)
        #expect(PortsView(bytes)?.destination == 65535)
      }
    }
  }

  @Test("An ICMP error quotes the packet that caused it")
  func icmpQuotes() {
    let culprit = ipv4(.udp, udp())
    withBytes(icmpError(type: 3, code: 4, quoting: culprit)) { bytes in
      let view = ICMPView(bytes)
      #expect(view?.type == 3)
      #expect(view?.code == 4)
      #expect(view.map { octets($0.quoted) } == culprit)
    }
  }

  @Test("Five ICMP types and four ICMPv6 types are errors that quote")
  func icmpErrors() {
    var errors: (v4: [UInt8], v6: [UInt8]) = ([], [])
    for type in UInt8.min...UInt8.max {
      withBytes(icmp(type: type)) { bytes in
        if ICMPView(bytes)?.isIPv4Error == true { errors.v4.append(type) }
        if ICMPView(bytes)?.isIPv6Error == true { errors.v6.append(type) }
      }
    }
    #expect(errors.v4 == [3, 4, 5, 11, 12])
    #expect(errors.v6 == [1, 2, 3, 4])
  }
}

@Suite("Tunnels: ESP, IKE, L2TP and GRE")
struct TunnelTests {
  @Test("SPI and sequence number stand in clear, the body behind them")
  func espFields() {
    withBytes(esp(spi: 0xdead_beef, sequence: 7, iv: [1, 2], [3])) { bytes in
      let view = ESPView(bytes)
      #expect(view?.spi == 0xdead_beef)
      #expect(view?.sequence == 7)
      #expect(view.map { octets($0.body) } == [1, 2, 3])
    }
  }

  @Test("Both SPIs of an IKE message, and its two ports")
  func ikeFields() {
    withBytes(ike(initiator: 0x0102_0304_0506_0708, responder: 0xf0e0_d0c0_b0a0_9080)) { bytes in
      #expect(IKEView(bytes)?.initiatorSPI == 0x0102_0304_0506_0708)
      #expect(IKEView(bytes)?.responderSPI == 0xf0e0_d0c0_b0a0_9080)
    }
    #expect(IKEView.port == 500)
    #expect(IKEView.encapsulationPort == 4500)
  }

  @Test("The ids of L2TP move by two octets with the length flag", arguments: [false, true], [false, true])
  func l2tpFields(_ hasLength: Bool, _ isControl: Bool) {
    let message = l2tp(
      tunnel: 0x1122, session: 0x3344, isControl: isControl, hasLength: hasLength, [0xff, 0xff])
    withBytes(message) { bytes in
      #expect(L2TPView(bytes)?.isControl == isControl)
      #expect(L2TPView(bytes)?.tunnel == 0x1122)
      #expect(L2TPView(bytes)?.session == 0x3344)
    }
  }

  @Test("Only version 2 of L2TP is L2TP here", arguments: UInt8(0)...15)
  func l2tpVersion(_ version: UInt8) {
    let message = l2tp(tunnel: 1, session: 2, version: version)
    #expect(withBytes(message) { L2TPView($0) != nil } == (version == 2))
  }

  @Test("Every combination of the optional fields of GRE, at its length and one octet short of it")
  func greFields() {
    for combination in 0..<8 {
      let key = combination & 2 != 0 ? UInt32(0xcafe_f00d) : nil
      let header = gre(
        .ipv6, checksum: combination & 1 != 0 ? 0xffff : nil, key: key,
        sequence: combination & 4 != 0 ? 0x0102_0304 : nil)
      #expect(header.count == 4 + 4 * combination.nonzeroBitCount)
      withBytes(header + text("in")) { bytes in
        let view = GREView(bytes)
        #expect(view?.type == 0x86dd)
        #expect(view?.hasChecksum == (combination & 1 != 0))
        #expect(view?.hasKey == (combination & 2 != 0))
        #expect(view?.hasSequence == (combination & 4 != 0))
        #expect(view?.key == key)
        #expect(view.map { octets($0.payload) } == text("in"))
      }
      #expect(withBytes(Array(header.dropLast())) { GREView($0) == nil })
    }
  }

  @Test("Numbers of IANA")
  func numbers() {
    let numbers: [(UInt8, NextHeader)] = [
      (IPProtocol.hopByHop, .hopByHop), (IPProtocol.icmp, .icmp), (IPProtocol.ipv4, .ipv4),
      (IPProtocol.tcp, .tcp), (IPProtocol.udp, .udp), (IPProtocol.ipv6, .ipv6),
      (IPProtocol.routing, .routing),
      (IPProtocol.fragment, .fragment), (IPProtocol.gre, .gre), (IPProtocol.esp, .esp), (IPProtocol.ah, .ah),
      (IPProtocol.icmpv6, .icmpv6), (IPProtocol.none, .none), (IPProtocol.sctp, .sctp),
      (IPProtocol.destinationOptions, .destinationOptions), (IPProtocol.mobility, .mobility),
      (IPProtocol.hip, .hip), (IPProtocol.shim6, .shim6),
    ]
    for (found, expected) in numbers { #expect(found == expected.value) }
    #expect(IPProtocol.igmp == 2)
    #expect(IPProtocol.name(of: 50) == "ESP")
    #expect(IPProtocol.name(of: 253) == "protocol 253")
  }
}
