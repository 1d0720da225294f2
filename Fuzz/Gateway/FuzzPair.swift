package import Contract
import PacketMaking
package import Wire

@testable import Dataplane

/// Two ends of one tunnel or of one group, over a link of that type.
package struct FuzzPair {
  package let near: FuzzGateway
  package let far: FuzzGateway
  package let link: LinkType
  package let esp: ESPDescription
  package let isOuterIPv6: Bool
  private let isGroup: Bool
  /// Whether IPv6 is this tunnel's traffic.
  private let takesIPv6: Bool

  /// The ends' own addresses.
  package var from: String { isOuterIPv6 ? "2001:db8:1::1" : "203.0.113.1" }
  package var to: String { isOuterIPv6 ? "2001:db8:2::1" : "203.0.113.2" }

  init(
    _ esp: ESPDescription, link: LinkType = .ethernet, isOuterIPv6: Bool = false, isGroup: Bool = false,
    networks: [[String]] = [["0.0.0.0/0", "::/0"], ["0.0.0.0/0", "::/0"]], engine: CryptoEngine.Kind? = nil,
    stories: Bool = false
  ) throws {
    self.esp = esp
    self.link = link
    self.isOuterIPv6 = isOuterIPv6
    self.isGroup = isGroup
    takesIPv6 = networks[0].contains { $0.contains(":") }
    let ends = (isOuterIPv6 ? ["2001:db8:1::1", "2001:db8:2::1"] : ["203.0.113.1", "203.0.113.2"]).map {
      IPAddress($0)!
    }
    let prefixes = networks.map { $0.map { IPPrefix($0)! } }
    let keys = [11, 12].map { seed in
      KeyDescription(Secret((0..<esp.suite.materialBytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ seed) }), born: 1)
    }
    func gateway(_ here: Int) throws -> FuzzGateway {
      var description = ClassifyDescription()
      description.clusterAddresses = [ends[here]]
      if isGroup {
        var group = GroupDescription(name: "group", spi: 0x7001, senderIDBits: 8)
        group.security = GroupSecurity(
          esp, address: ends[here], key: keys[0], units: 2, maxSenders: 4, local: prefixes[here],
          sites: [GroupSite(gateway: ends[1 - here], networks: prefixes[1 - here])])
        description.groups = [group]
      } else {
        var tunnel = TunnelDescription(
          name: "pair", inboundSPI: 0x1001 + UInt32(here) * 0x1000, outboundSPI: 0x2001 - UInt32(here) * 0x1000,
          peer: ends[1 - here], local: prefixes[here], remote: prefixes[1 - here])
        tunnel.security = TunnelSecurity(esp, address: ends[here], inboundKey: keys[here], outboundKey: keys[1 - here])
        description.tunnels = [tunnel]
      }
      return try FuzzGateway(description, link: link, engine: engine, unit: here, stories: stories)
    }
    near = try gateway(0)
    far = try gateway(1)
  }

  /// A clear frame for the tunnel, or between the gateways themselves where the mode is transport.
  package func clear(isIPv6: Bool, _ length: Int, options: Int = 0, trafficClass: UInt8 = 0, dontFragment: Bool = false)
    -> [UInt8]
  {
    let isTransport = esp.mode == .transport
    let isIPv6 = isTransport ? isOuterIPv6 : isIPv6 && takesIPv6 && link != .rawIPv4
    let datagram = udp(from: 4000, to: 5000, (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    if isIPv6 {
      let from = isTransport ? from : Host.alice6, to = isTransport ? to : Host.bob6
      return frame(
        isIPv6: true, ipv6(.udp, from: from, to: to, trafficClass: UInt32(trafficClass), datagram))
    }
    let from = isTransport ? from : Host.alice, to = isTransport ? to : Host.bob
    return frame(
      isIPv6: false,
      ipv4(
        .udp, from: from, to: to, options: [UInt8](repeating: 1, count: options * 4), trafficClass: trafficClass,
        dontFragment: dontFragment, datagram))
  }

  package func frame(isIPv6: Bool, _ packet: [UInt8]) -> [UInt8] {
    let type: EtherNumber = isIPv6 ? .ipv6 : .ipv4
    switch link {
    case .ethernet: return ethernet(type, packet)
    case .raw, .rawIPv4, .rawIPv6: return packet
    // The family that a tunnel leaves.
    case .null, .loop: return loopback(family: isIPv6 ? 30 : 2, { big($0) }, packet)
    case .ppp: return ppp(isIPv6 ? 0x57 : 0x21, packet)
    case .linuxCooked: return cooked(type, packet)
    case .linuxCooked2: return cooked2(type, packet)
    }
  }

  /// From the frame's beginning to the IP header, of frames that are made here.
  package var linkBytes: Int { frame(isIPv6: false, []).count }
}

package enum FuzzPairs {
  nonisolated(unsafe) private static var made: [Int: FuzzPair] = [:]

  /// Any number is a pair; each is made when it is first asked for.
  package static func pair(_ number: Int) -> FuzzPair {
    let number = number % makers.count
    if let pair = made[number] { return pair }
    guard let pair = try? makers[number]() else { preconditionFailure("pair \(number) cannot be made") }
    made[number] = pair
    return pair
  }

  private static let makers: [@Sendable () throws -> FuzzPair] = [
    { try FuzzPair(suite(.aesGCM)) },
    { try FuzzPair(suite(.aesGCM), networks: [["192.0.2.0/24"], ["198.51.100.0/24"]]) },
    { try FuzzPair(suite(.aesGCM), stories: true) },
    { try FuzzPair(suite(.aesGCM) { $0.isExtended = true }) },
    { try FuzzPair(suite(.aesGCM) { $0.mode = .transport }) },
    { try FuzzPair(suite(.aesGCM) { $0.encapsulation = ESPDescription.Encapsulation() }) },
    { try FuzzPair(suite(.aesGCM) { $0.paddedLength = 300 }) },
    { try FuzzPair(suite(.aesGCM), isOuterIPv6: true) },
    { try FuzzPair(suite(.aesGCM), isGroup: true) },
    { try FuzzPair(suite(.aesGCM) { $0.mode = .transport }, isOuterIPv6: true) },
    { try FuzzPair(suite(.aesGCM) { $0.encapsulation = ESPDescription.Encapsulation() }, isOuterIPv6: true) },
    {
      try FuzzPair(
        suite(.aesGCM) {
          $0.mode = .transport
          $0.encapsulation = ESPDescription.Encapsulation()
        })
    },
    { try FuzzPair(suite(.aesCBC, .hmacSHA256) { $0.isExtended = true }) },
    { try FuzzPair(suite(.null, .hmacSHA1) { $0.window = 4096 }) },
    { try FuzzPair(suite(.chacha20Poly1305) { $0.paddedLength = 100 }) },
    { try FuzzPair(suite(.aesGMAC) { $0.isExtended = true }, isOuterIPv6: true) },
    { try FuzzPair(suite(.aesCTR, .hmacSHA512) { $0.window = 131_072 }) },
    { try FuzzPair(suite(.aesCBC, .hmacSHA384) { $0.mode = .transport }) },
    {
      try FuzzPair(
        suite(.aesGCM) {
          $0.dscp = .set(11)
          $0.dontFragment = .set
          $0.ecn = .compatibility
          $0.hopLimit = .copy
          $0.flowLabel = .copy
        }, isOuterIPv6: true)
    },
    {
      try FuzzPair(
        suite(.aesGCM), networks: [["192.0.2.0/25", "2001:db8::/32"], ["198.51.100.0/24", "2001:db8::/32"]],
        engine: .openSSL)
    },
    { try FuzzPair(suite(.aesGCM), link: .null, isOuterIPv6: true) },
    { try FuzzPair(suite(.aesGCM), link: .raw) },
    { try FuzzPair(suite(.aesGCM), link: .linuxCooked2, isOuterIPv6: true) },
    { try FuzzPair(suite(.aesGCM), link: .ppp) },
    { try FuzzPair(suite(.aesGCM), link: .rawIPv4) },
  ]

  private static func suite(
    _ cipher: Cipher, _ integrity: Integrity = .none, _ change: (inout ESPDescription) -> Void = { _ in }
  ) throws -> ESPDescription {
    var esp = ESPDescription(
      try CipherSuite(cipher, keyBits: cipher.keyBits[0], integrity: integrity))
    change(&esp)
    return esp
  }
}

extension FuzzPair {
  /// Octets to the far end behind headers that are right: as ESP, or as a datagram to the port where ESP may come.
  package func outer(_ octets: [UInt8], isDatagram: Bool, to port: UInt16 = 4500) -> [UInt8] {
    let number: NextHeader = isDatagram ? .udp : .esp
    let payload = isDatagram ? udp(from: 4500, to: port, octets) : octets
    return frame(
      isIPv6: isOuterIPv6,
      isOuterIPv6 ? ipv6(number, from: from, to: to, payload) : ipv4(number, from: from, to: to, payload))
  }

  /// Whether a frame looks like one that the far end has sealed.
  package func isSealedThere(_ frame: [UInt8]) -> Bool {
    frame.withUnsafeBytes { octets in
      let packet = Dissection(frame: Bytes(octets), link: link)
      let inside = packet.protocolNumber == IPProtocol.udp ? packet.upper.dropFirst(UDPView.length) : packet.upper
      guard packet.fault == .none, let esp = ESPView(inside) else { return false }
      return esp.spi == (isGroup ? 0x7001 : 0x1001)
    }
  }

  /// From a frame's beginning to its IP header, tags and all, of any frame that this pair seals or opens.
  package func linkBytes(of frame: [UInt8]) -> Int {
    frame.withUnsafeBytes { Dissection(frame: Bytes($0), link: link).offset }
  }
}
