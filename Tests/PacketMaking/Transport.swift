// UDP and TCP checksums are left 0: they need the layer outside, and nothing here reads them.

package func udp(
  from source: UInt16 = 4000, to destination: UInt16 = 5000, length: Int? = nil, _ payload: [UInt8] = []
) -> [UInt8] {
  big(source) + big(destination) + big(UInt16(length ?? 8 + payload.count)) + [0, 0] + payload
}

/// The flags of TCP in the order of their bits.
package enum TCPFlag {
  package static let fin: UInt8 = 1
  package static let syn: UInt8 = 2
  package static let reset: UInt8 = 4
  package static let push: UInt8 = 8
  package static let acknowledge: UInt8 = 16
}

package func tcp(
  from source: UInt16 = 4000, to destination: UInt16 = 5000, sequence: UInt32 = 1,
  acknowledgement: UInt32 = 0,
  flags: UInt8 = TCPFlag.syn, window: UInt16 = 65535, options: [UInt8] = [], _ payload: [UInt8] = []
) -> [UInt8] {
  precondition(options.count.isMultiple(of: 4) && options.count <= 40, "options come in words, ten at most")
  return big(source) + big(destination) + big(sequence) + big(acknowledgement)
    + [UInt8(5 + options.count / 4) << 4, flags] + big(window) + [0, 0, 0, 0] + options + payload
}

/// ICMP: a ping has identifier and sequence number in `rest`; an error has the packet it quotes behind it.
package func icmp(type: UInt8, code: UInt8 = 0, rest: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
  var message = [type, code, 0, 0] + big(rest) + payload
  message.replaceSubrange(2..<4, with: big(checksum(message)))
  return message
}

/// A neighbour solicitation (135) or advertisement (136) with its link address, and the checksum of what it travels in.
package func discovery(
  _ type: UInt8, flags: UInt8 = 0, _ target: String, _ mac: String, from source: String, to destination: String
) -> [UInt8] {
  var message: [UInt8] =
    [type, 0, 0, 0, flags, 0, 0, 0] + address(target) + [type == 135 ? 1 : 2, 1] + address(mac)
  let pseudo = address(source) + address(destination) + big(UInt32(message.count)) + big(UInt32(58))
  message.replaceSubrange(2..<4, with: big(checksum(pseudo + message)))
  return message
}

/// An ICMP error that quotes the beginning of a packet, as routers send it.
package func icmpError(type: UInt8 = 11, code: UInt8 = 0, quoting packet: [UInt8], octets: Int? = nil)
  -> [UInt8]
{
  icmp(type: type, code: code, Array(packet.prefix(octets ?? packet.count)))
}

/// ESP (RFC 4303): what is in clear, then the IV and the sealed rest as the test gives them.
package func esp(spi: UInt32 = 0x1000, sequence: UInt32 = 1, iv: [UInt8] = [], _ sealed: [UInt8] = [])
  -> [UInt8]
{
  big(spi) + big(sequence) + iv + sealed
}

/// ESP in UDP (RFC 3948): no marker in front, because an SPI is never 0.
package func espInUDP(spi: UInt32 = 0x1000, sequence: UInt32 = 1, _ sealed: [UInt8] = []) -> [UInt8] {
  udp(from: 4500, to: 4500, esp(spi: spi, sequence: sequence, sealed))
}

/// The header of an IKE message (RFC 7296 section 3.1), IKE_SA_INIT unless told otherwise.
package func ike(
  initiator: UInt64 = 0x0102_0304_0506_0708, responder: UInt64 = 0, exchange: UInt8 = 34, flags: UInt8 = 0x08,
  message: UInt32 = 0, _ payloads: [UInt8] = []
) -> [UInt8] {
  big(initiator) + big(responder) + [0, 0x20, exchange, flags] + big(message)
    + big(UInt32(28 + payloads.count)) + payloads
}

/// IKE on port 4500: four octets of zero stand where ESP has its SPI (RFC 3948 section 2.2).
package func ikeBehindMarker(_ message: [UInt8]) -> [UInt8] {
  udp(from: 4500, to: 4500, [0, 0, 0, 0] + message)
}

/// L2TP version 2 (RFC 2661 section 3.1).
package func l2tp(
  tunnel: UInt16, session: UInt16, isControl: Bool = false, hasLength: Bool = false, version: UInt8 = 2,
  _ payload: [UInt8] = []
) -> [UInt8] {
  let length = hasLength ? big(UInt16(8 + payload.count)) : []
  return [(isControl ? 0x80 : 0) | (hasLength ? 0x40 : 0), version] + length + big(tunnel) + big(session)
    + payload
}

/// GRE (RFC 2784, RFC 2890): each optional field is there if it has a value.
package func gre(
  _ type: EtherNumber, checksum: UInt16? = nil, key: UInt32? = nil, sequence: UInt32? = nil,
  _ payload: [UInt8] = []
) -> [UInt8] {
  let flags: UInt8 = (checksum == nil ? 0 : 0x80) | (key == nil ? 0 : 0x20) | (sequence == nil ? 0 : 0x10)
  return [flags, 0] + big(type.value)
    + (checksum.map { big($0) + [0, 0] } ?? []) + (key.map(big) ?? []) + (sequence.map(big) ?? []) + payload
}
