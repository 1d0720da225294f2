import CKernel
import Contract
import Memory
import Wire

extension Opener {
  /// Padding, what is inside, whose traffic it is; then the link header moves to it.
  @inline(__always)
  func strip(
    _ ref: inout PacketRef, _ pending: PendingPacket, _ sa: UnsafeMutablePointer<InboundSA>
  ) -> DropReason {
    let frame = esp.address(of: ref)
    let payload = frame + Int(pending.payload)
    let encrypted = Int(pending.length)
    let end = UInt16(bigEndian: payload.loadUnaligned(fromByteOffset: encrypted &- 2, as: UInt16.self))
    let padding = Int(end >> 8), next = UInt8(truncatingIfNeeded: end)
    let carried = encrypted &- 2 &- padding
    guard carried >= 0, Self.isPadding(payload + carried, padding) else { return .badPadding }
    // RFC 4303 section 2.6: nothing inside, whatever it looks like.
    if next == IPProtocol.none { return .dummy }
    if sa.pointee.flags.contains(.isTransport) { return stripTransport(&ref, pending, sa, carried, next) }
    guard next == IPProtocol.ipv4 || next == IPProtocol.ipv6 else { return .innerProtocol }

    let isIPv6 = next == IPProtocol.ipv6
    guard carried >= (isIPv6 ? IPv6View.length : IPv4View.minimumLength) else { return .innerMalformed }
    let first = UInt64(bigEndian: payload.loadUnaligned(as: UInt64.self))
    guard first >> 60 == (isIPv6 ? 6 : 4) else { return .innerMalformed }
    var length = isIPv6 ? Int(first >> 16 & 0xffff) &+ IPv6View.length : Int(first >> 32 & 0xffff)
    // Segmentation offload leaves no length: then it is all there is.
    if isIPv6 ? length == IPv6View.length : length == 0 { length = carried }
    // What is behind the inner packet is traffic flow confidentiality.
    guard length <= carried, length >= (isIPv6 ? IPv6View.length : IPv4View.minimumLength) else {
      return .innerMalformed
    }
    if !sa.pointee.flags.contains(.acceptsAll) {
      guard isOurs(Bytes(payload, count: length), isIPv6: isIPv6, sa) else { return .selectorMismatch }
    }
    guard esp.onlyFamily == 0 || esp.onlyFamily == (isIPv6 ? 6 : 4) else { return .linkFamily }
    if pending.mark & 1 != 0, !sa.pointee.flags.contains(.hidesECN) {
      guard Self.carry(mark: pending.mark, into: payload, isIPv6: isIPv6) else { return .congestionLost }
    }

    let ip = Int(pending.ip)
    let step = Int(pending.payload) &- ip
    let start = frame + step
    Sealer.move(frame, to: start, count: ip)
    _ = esp.link.setFamily(isIPv6: isIPv6, start, ip: ip)
    ref.start &+= UInt32(truncatingIfNeeded: step)
    ref.offset &+= UInt16(truncatingIfNeeded: step)
    ref.length = UInt32(truncatingIfNeeded: ip &+ length)
    return .none
  }

  /// 1, 2, 3, ... (RFC 4303 section 2.4).
  @inline(__always)
  static func isPadding(_ at: UnsafeMutableRawPointer, _ count: Int) -> Bool {
    var index = 0
    while index < count {
      if at.load(fromByteOffset: index, as: UInt8.self) != UInt8(truncatingIfNeeded: index &+ 1) { return false }
      index &+= 1
    }
    return true
  }

  /// RFC 4301 section 5.2: what comes out of an SA is what would go into its other direction.
  @inline(__always)
  func isOurs(_ packet: Bytes, isIPv6: Bool, _ sa: UnsafeMutablePointer<InboundSA>) -> Bool {
    // IPv4 without options and no fragment: the five fields are where they always are.
    let isPlain = !isIPv6 && packet.uint8(at: 0) == 0x45 && packet.uint16(at: 6) & 0x3fff == 0 && packet.count >= 24
    if isPlain {
      let number = packet.uint8(at: 9)
      let hasPorts = number == IPProtocol.tcp || number == IPProtocol.udp
      let ports = packet.uint32(at: 20)
      let selector = Selector(
        addresses: AddressPair(
          sourceLow: UInt64(packet.uint32(at: 16)), destinationLow: UInt64(packet.uint32(at: 12)), isIPv6: false),
        protocolNumber: number, hasPorts: hasPorts,
        sourcePort: hasPorts ? UInt16(truncatingIfNeeded: ports) : 0,
        destinationPort: hasPorts ? UInt16(truncatingIfNeeded: ports >> 16) : 0)
      return policies.find(selector).pointee.bundle == sa.pointee.bundle
    }
    return isOursFully(packet, isIPv6: isIPv6, sa)
  }

  @inline(never)
  private func isOursFully(_ packet: Bytes, isIPv6: Bool, _ sa: UnsafeMutablePointer<InboundSA>) -> Bool {
    let dissection = Dissection(quoted: packet, isIPv6: isIPv6)
    guard dissection.fault == .none else { return false }
    return policies.find(dissection.selector.reversed).pointee.bundle == sa.pointee.bundle
  }

  /// RFC 6040 section 4.2: a mark that was made outside goes on inside. False: the inner packet cannot carry it, and
  /// dropping it is how its sender learns.
  @inline(never)
  static func carry(mark: UInt8, into header: UnsafeMutableRawPointer, isIPv6: Bool) -> Bool {
    let old = UInt16(bigEndian: header.loadUnaligned(as: UInt16.self))
    let shift: UInt16 = isIPv6 ? 4 : 0
    let inner = UInt8(truncatingIfNeeded: old >> shift) & 3
    // 0: not capable, 1: ECT(1), 2: ECT(0), 3: congestion experienced.
    let outer = mark & 3
    var result = inner
    if outer == 3 {
      guard inner != 0 else { return false }
      result = 3
    } else if outer == 1, inner == 2 {
      result = 1
    }
    guard result != inner else { return true }
    let new = old & ~(3 << shift) | UInt16(result) << shift
    header.storeBytes(of: new.bigEndian, as: UInt16.self)
    if !isIPv6 {
      let checksum = UInt16(bigEndian: header.loadUnaligned(fromByteOffset: 10, as: UInt16.self))
      let updated = InternetChecksum.updated(checksum, from: old, to: new)
      header.storeBytes(of: updated.bigEndian, toByteOffset: 10, as: UInt16.self)
    }
    return true
  }

  @inline(never)
  private func stripTransport(
    _ ref: inout PacketRef, _ pending: PendingPacket, _ sa: UnsafeMutablePointer<InboundSA>, _ carried: Int,
    _ next: UInt8
  ) -> DropReason {
    let frame = esp.address(of: ref)
    let ip = Int(pending.ip)
    guard let cut = TransportCut(Bytes(frame + ip, count: Int(ref.length) &- ip)) else { return .innerMalformed }
    let step = Int(pending.payload) &- ip &- cut.length
    guard step >= 0 else { return .innerMalformed }
    let start = frame + step
    hauberk_move(start, frame, ip &+ cut.length)
    let total = cut.length &+ carried
    cut.rewrite(start + ip, next: next, total: total)
    let isIPv6 = (start + ip).load(as: UInt8.self) >> 4 == 6
    if !sa.pointee.flags.contains(.acceptsAll) {
      guard isOursFully(Bytes(start + ip, count: total), isIPv6: isIPv6, sa) else { return .selectorMismatch }
    }
    ref.start &+= UInt32(truncatingIfNeeded: step)
    ref.offset &+= UInt16(truncatingIfNeeded: step)
    ref.length = UInt32(truncatingIfNeeded: ip &+ total)
    return .none
  }
}
