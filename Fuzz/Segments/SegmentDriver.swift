import FuzzKit
import PacketMaking
import Wire

@testable import Dataplane

/// Any bytes as a frame, and any word of the kernel's about it. Eleven octets are the word, the rest is the frame.
@main
enum SegmentDriver {
  /// So small that a short frame makes several segments.
  private static let leastLink = 68

  static func main() {
    fuzz { data, size in
      guard let data, size > 11 else { return }
      var input = FuzzInput(data, size)
      let mtu = leastLink + input.word() % 1500
      let tag = UInt32(input.byte() & 1) * 0x8100_0007
      let offload = Offload(
        flags: UInt8(input.byte()), kind: UInt8(input.byte()), segmentSize: UInt16(input.word()),
        checksumStart: UInt16(input.word()), checksumOffset: UInt16(input.word()))
      let frame = input.octets(size)
      withExactBytes(frame) { divide(Bytes($0), offload, tag, mtu) }
      finish(frame, offload, shift: input.isEmpty && tag != 0 ? 4 : 0)
    }
  }

  private static func divide(_ frame: Bytes, _ offload: Offload, _ tag: UInt32, _ mtu: Int) {
    var segmenter = Segmenter()
    guard segmenter.begin(frame, offload, tag: tag, mtu: mtu) else {
      precondition(!segmenter.isActive, "segments of what was refused")
      return
    }
    var count = 0
    var octets = 0
    while segmenter.isActive {
      let length = segmenter.nextLength
      let block = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
      defer { block.deallocate() }
      segmenter.next(into: block.baseAddress!)
      let segment = Bytes(UnsafeRawBufferPointer(block))
      let network = LinkLayer.network(in: segment)
      // One more tag than there may be is the only header that a segment could have too many of.
      guard let network else { return precondition(tag != 0, "a segment without a packet") }
      precondition(length - network <= mtu, "a segment that the link does not take")
      octets += length - check(segment.dropFirst(network), offload) - network
      count += 1
    }
    precondition(count > 0 && octets > 0 && octets < frame.count, "octets from nowhere")
  }

  /// Where the payload begins. The packet has to be one that a receiver takes.
  private static func check(_ packet: Bytes, _ offload: Offload) -> Int {
    let isIPv4 = packet.uint8(at: 0) >> 4 == 4
    var transport = 0, isPlain = false, addresses = Bytes(packet.base, count: 0), number: UInt8 = 0
    if isIPv4, let header = IPv4View(packet) {
      precondition(header.totalLength == packet.count, "a wrong length")
      precondition(
        InternetChecksum.fold(InternetChecksum.sum(packet.prefix(header.headerLength))) == 0, "a wrong header")
      (transport, isPlain) = (header.headerLength, header.headerLength == 20)
      (addresses, number) = (packet.dropFirst(12).prefix(8), header.protocolNumber)
    } else if let header = IPv6View(packet) {
      let chain = IPv6Chain(header)
      precondition(header.payloadLength + 40 == packet.count, "a wrong length")
      (transport, isPlain) = (chain.offset, chain.offset == 40)
      (addresses, number) = (packet.dropFirst(8).prefix(32), chain.protocolNumber)
    } else {
      preconditionFailure("no packet")
    }
    let upper = packet.dropFirst(transport)
    if isPlain || offload.hasChecksum {
      let pseudo = InternetChecksum.sum(addresses) + UInt64(number) + UInt64(upper.count)
      precondition(InternetChecksum.fold(InternetChecksum.sum(upper, pseudo)) == 0, "a wrong checksum")
    }
    return transport + (number == IPProtocol.tcp ? Int(upper.uint8(at: 12) >> 4) * 4 : 8)
  }

  private static func finish(_ frame: [UInt8], _ offload: Offload, shift: Int) {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: frame.count, alignment: 1)
    defer { block.deallocate() }
    block.copyBytes(from: frame)
    let isFinished = offload.finish(block.baseAddress!, length: frame.count, shift: shift)
    let place = Int(offload.checksumStart) + Int(offload.checksumOffset) + shift
    precondition(isFinished || place + 4 > frame.count, "room enough, and refused")
  }
}
