import CKernel
import Wire

/// What stands in front of a frame whose sender has left work to a device (struct virtio_net_hdr).
struct Offload {
  var flags: UInt8
  var kind: UInt8
  /// The payload of each segment.
  var segmentSize: UInt16
  /// From where to the end of the frame the checksum counts, and where it goes, from there.
  var checksumStart: UInt16
  var checksumOffset: UInt16

  @inline(__always) static var needsChecksum: UInt8 { 1 }
  @inline(__always) static var noSegments: UInt8 { 0 }
  @inline(__always) static var tcp4: UInt8 { 1 }
  @inline(__always) static var tcp6: UInt8 { 4 }
  @inline(__always) static var udp: UInt8 { 5 }
  /// Beside one of TCP's: the first segment has CWR.
  @inline(__always) static var congestion: UInt8 { 0x80 }

  @inline(__always) static var placeInTCP: Int { 16 }
  @inline(__always) static var placeInUDP: Int { 6 }
  @inline(__always) static var placeInSCTP: Int { 8 }

  init(
    flags: UInt8 = 0, kind: UInt8 = 0, segmentSize: UInt16 = 0, checksumStart: UInt16 = 0, checksumOffset: UInt16 = 0
  ) {
    self.flags = flags
    self.kind = kind
    self.segmentSize = segmentSize
    self.checksumStart = checksumStart
    self.checksumOffset = checksumOffset
  }

  @inline(__always)
  init(_ header: hauberk_offload) {
    self.init(
      flags: header.flags, kind: header.kind, segmentSize: header.segment_size, checksumStart: header.checksum_start,
      checksumOffset: header.checksum_offset)
  }

  @inline(__always) var isWhole: Bool { kind == Self.noSegments }
  @inline(__always) var hasChecksum: Bool { flags & Self.needsChecksum == 0 }

  /// Whether segments of this kind are made of that protocol.
  @inline(__always)
  func fits(protocolNumber: UInt8, isIPv4: Bool) -> Bool {
    switch kind & ~Self.congestion {
    case Self.tcp4: protocolNumber == IPProtocol.tcp && isIPv4
    case Self.tcp6: protocolNumber == IPProtocol.tcp && !isIPv4
    case Self.udp: protocolNumber == IPProtocol.udp
    default: false
    }
  }

  /// Whether the checksum is where it has to be for the upper layer that was found. Without one there is no doubt.
  @inline(__always)
  func agrees(transport: Int, isTCP: Bool) -> Bool {
    hasChecksum
      || Int(checksumStart) == transport && Int(checksumOffset) == (isTCP ? Self.placeInTCP : Self.placeInUDP)
  }

  /// Finishes the checksum of a frame in memory; `shift` bytes have been put in front of what it counts from.
  /// False: it would lie outside of the frame.
  @inline(__always)
  func finish(_ frame: UnsafeMutableRawPointer, length: Int, shift: Int) -> Bool {
    let start = Int(checksumStart) &+ shift
    let place = start &+ Int(checksumOffset)
    guard place &+ 2 <= length else { return false }
    if Int(checksumOffset) == Self.placeInSCTP {
      // SCTP alone has it there, and it is another one (RFC 9260 section 6.8).
      guard place &+ 4 <= length else { return false }
      frame.storeBytes(of: 0, toByteOffset: place, as: UInt32.self)
      let crc = hauberk_crc32c(frame + start, length &- start)
      frame.storeBytes(of: crc.littleEndian, toByteOffset: place, as: UInt32.self)
      return true
    }
    // The sender has left the sum of the pseudo-header in its place, so it is counted with the rest.
    let checksum = InternetChecksum.fold(InternetChecksum.sum(Bytes(frame + start, count: length &- start)))
    frame.storeBytes(of: (checksum == 0 ? UInt16.max : checksum).bigEndian, toByteOffset: place, as: UInt16.self)
    return true
  }
}

/// Ethernet and the tags behind it, as far as ports have to know.
enum LinkLayer {
  @inline(__always) static var addressBytes: Int { 12 }
  /// The longest header in front of a packet.
  @inline(__always) static var most: Int { EthernetView.length &+ VLANTagView.most &* VLANTagView.length }

  /// Where the packet behind the link header begins; nil when there is none.
  @inline(__always)
  static func network(in frame: Bytes) -> Int? {
    guard frame.count >= EthernetView.length else { return nil }
    var at = EthernetView.length
    var tags = 0
    while EtherType.isTag(frame.uint16(at: at &- 2)) {
      guard tags < VLANTagView.most, at &+ VLANTagView.length <= frame.count else { return nil }
      at &+= VLANTagView.length
      tags &+= 1
    }
    return at
  }

  /// Copies the first `count` bytes of a frame, with a tag put behind the addresses unless it is 0. Returns by how much
  /// that moves the rest.
  @inline(__always)
  static func copyHead(of frame: Bytes, _ count: Int, tag: UInt32, to bytes: UnsafeMutableRawPointer) -> Int {
    guard tag != 0 else {
      hauberk_copy(bytes, frame.base, count)
      return 0
    }
    hauberk_copy(bytes, frame.base, addressBytes)
    bytes.storeBytes(of: tag.bigEndian, toByteOffset: addressBytes, as: UInt32.self)
    hauberk_copy(bytes + (addressBytes &+ VLANTagView.length), frame.base + addressBytes, count &- addressBytes)
    return VLANTagView.length
  }
}
