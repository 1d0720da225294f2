import Contract
@testable import Dataplane
@testable import Nonces
import PacketMaking
import Testing
import Wire

/// A whole packet before and after ESP, as others have published it.
struct KnownPacket: Sendable, CustomTestStringConvertible {
  var source: String
  var suite: CipherSuite
  /// Key, salt, integrity key.
  var material: [UInt8]
  var mode = ESPDescription.Mode.tunnel
  /// All 64 bits; nil where the number has 32 and the packet says it.
  var extendedSequence: UInt64?
  /// Both from the IP header on.
  var clear, sealed: [UInt8]

  var testDescription: String { source }

  var isIPv6: Bool { sealed[0] >> 4 == 6 }
  var headerLength: Int { isIPv6 ? 40 : 20 }
  /// From the SPI to the tag.
  var esp: ArraySlice<UInt8> { sealed[headerLength...] }
  var spi: UInt32 { UInt32(number(headerLength, 4)) }
  var sequence: UInt64 { extendedSequence ?? number(headerLength + 4, 4) }
  /// Of a counter mode.
  var iv: UInt64 { number(headerLength + 8, 8) }

  private func number(_ at: Int, _ count: Int) -> UInt64 { sealed[at..<at + count].reduce(0) { $0 << 8 | UInt64($1) } }

  private func address(_ at: Int) -> IPAddress {
    let octets = sealed[at..<at + (isIPv6 ? 16 : 4)]
    let text =
      isIPv6
      ? stride(from: at, to: at + 16, by: 2).map { String(number($0, 2), radix: 16) }.joined(separator: ":")
      : octets.map(String.init).joined(separator: ".")
    return IPAddress(text)!
  }

  func frame(_ packet: [UInt8]) -> [UInt8] { ethernet(packet[0] >> 4 == 6 ? .ipv6 : .ipv4, packet) }

  /// The gateway that sends or receives it. What goes the other way has another key.
  private func description(_ use: CipherKey.Use) -> ClassifyDescription {
    let source = address(isIPv6 ? 8 : 12), destination = address(isIPv6 ? 24 : 16)
    let here = use == .seal ? source : destination, there = use == .seal ? destination : source
    // One pair of prefixes, so that the plain way is open.
    let everything = [IPPrefix(isIPv6 ? "::/0" : "0.0.0.0/0")!]
    var tunnel = TunnelDescription(
      name: "known", inboundSPI: use == .seal ? ~spi : spi, outboundSPI: use == .seal ? spi : ~spi, peer: there,
      local: everything, remote: everything)
    var esp = ESPDescription(suite)
    esp.mode = mode
    esp.isExtended = extendedSequence != nil
    esp.hopLimit = .set(sealed[isIPv6 ? 7 : 8])
    let known = KeyDescription(Secret(material), born: 1)
    let other = KeyDescription(Secret(material.map { ~$0 }), born: 1)
    tunnel.security = TunnelSecurity(
      esp, address: here, inboundKey: use == .seal ? other : known, outboundKey: use == .seal ? known : other)
    var description = ClassifyDescription()
    description.clusterAddresses = [here]
    description.tunnels = [tunnel]
    return description
  }

  /// Right before this packet: its number and its nonce are the next ones.
  func gateway(_ use: CipherKey.Use, _ engine: CryptoEngine.Kind, stories: Bool) throws -> TestGateway {
    let gateway = try TestGateway(description(use), engine: engine, stories: stories, hasNonces: false)
    let tables = gateway.associations.tables
    if use == .open {
      let window = tables.inbound[0].window
      _ = ReplayWindow(
        at: UnsafeMutableRawPointer(window.head), size: window.size, extended: extendedSequence != nil,
        after: sequence - 1)
    } else {
      let state = tables.outbound[0].state
      state.pointee.sequence = OutboundSequence(extended: extendedSequence != nil, after: sequence - 1)
      state.pointee.nonces = NonceBlock(
        id: UInt32(iv >> 48), first: iv & 0xffff_ffff_ffff, width: SenderIDWidth.sixteen)
      // Without it the first packet goes the general way.
      state.pointee.renewBudget()
    }
    return gateway
  }
}
