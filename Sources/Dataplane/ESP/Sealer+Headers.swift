import CCrypto
import CKernel
import Contract
import Memory
import Nonces
import Wire

extension Sealer {
  /// Link headers are short and move by more than their length. Ethernet's fourteen octets are two words that overlap.
  @inline(__always)
  static func move(_ from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer, count: Int) {
    if count == EthernetView.length {
      let first = from.loadUnaligned(as: UInt64.self)
      let second = from.loadUnaligned(fromByteOffset: 6, as: UInt64.self)
      to.storeBytes(of: first, as: UInt64.self)
      to.storeBytes(of: second, toByteOffset: 6, as: UInt64.self)
    } else {
      hauberk_move(to, from, count)
    }
  }

  @inline(__always)
  func writeOuter(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ outer: UnsafeMutableRawPointer, _ inner: InnerHeader, total: Int,
    espLength: Int, sequence: UInt64
  ) {
    let flags = sa.pointee.flags
    if flags.contains(.isOuterIPv6) {
      Self.writeOuterIPv6(sa, outer, inner, total: total, espLength: espLength)
      return
    }
    var trafficClass = UInt32(flags.contains(.copiesDSCP) ? inner.trafficClass & 0xfc : 0)
    trafficClass |= UInt32(flags.contains(.copiesECN) ? inner.trafficClass & 3 : 0)
    let isFixed =
      flags.contains(.setsDontFragment) || (flags.contains(.copiesDontFragment) && inner.dontFragment)
    // An outer packet that may be fragmented needs a name of its own (RFC 6864); any other may have one.
    let middle = UInt32(isFixed ? 0x4000 : 0) | UInt32(truncatingIfNeeded: sequence & 0xffff) << 16
    let hopLimit = flags.contains(.copiesHopLimit) ? UInt32(inner.hopLimit) << 8 : 0
    let length = UInt32(truncatingIfNeeded: total)
    let first = UInt32(bigEndian: UInt32(truncatingIfNeeded: sa.pointee.header0)) | trafficClass << 16 | length
    let sum =
      UInt64(sa.pointee.headerSum) &+ UInt64(trafficClass) &+ UInt64(length) &+ UInt64(middle >> 16)
      &+ UInt64(middle & 0xffff) &+ UInt64(hopLimit)
    let third =
      UInt64(bigEndian: sa.pointee.header1) | UInt64(hopLimit) << 48
      | UInt64(InternetChecksum.fold(sum)) << 32
    outer.storeBytes(of: (UInt64(first) << 32 | UInt64(middle)).bigEndian, as: UInt64.self)
    outer.storeBytes(of: third.bigEndian, toByteOffset: 8, as: UInt64.self)
    outer.storeBytes(of: UInt32(truncatingIfNeeded: sa.pointee.header2), toByteOffset: 16, as: UInt32.self)
    if flags.contains(.isEncapsulated) {
      let ports = UInt32(truncatingIfNeeded: sa.pointee.header2 >> 32)
      Self.writeDatagram(outer + 20, ports, espLength)
    }
  }

  @inline(never)
  private static func writeOuterIPv6(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ outer: UnsafeMutableRawPointer, _ inner: InnerHeader, total: Int,
    espLength: Int
  ) {
    let flags = sa.pointee.flags
    var first = UInt64(bigEndian: sa.pointee.header0)
    if flags.contains(.copiesDSCP) { first |= UInt64(inner.trafficClass & 0xfc) << 52 }
    if flags.contains(.copiesECN) { first |= UInt64(inner.trafficClass & 3) << 52 }
    if flags.contains(.copiesFlowLabel) { first |= UInt64(inner.flowLabel) << 32 }
    if flags.contains(.copiesHopLimit) { first |= UInt64(inner.hopLimit) }
    first |= UInt64(truncatingIfNeeded: total &- IPv6View.length) << 16
    outer.storeBytes(of: first.bigEndian, as: UInt64.self)
    outer.storeBytes(of: sa.pointee.header1, toByteOffset: 8, as: UInt64.self)
    outer.storeBytes(of: sa.pointee.header2, toByteOffset: 16, as: UInt64.self)
    outer.storeBytes(of: sa.pointee.header3, toByteOffset: 24, as: UInt64.self)
    outer.storeBytes(of: sa.pointee.header4, toByteOffset: 32, as: UInt64.self)
    if flags.contains(.isEncapsulated) {
      writeDatagram(outer + 40, UInt32(truncatingIfNeeded: sa.pointee.header5), espLength)
    }
  }

  /// UDP (RFC 3948): the ports as they lie in memory, the length, and no checksum yet.
  static func writeDatagram(_ udp: UnsafeMutableRawPointer, _ ports: UInt32, _ espLength: Int) {
    udp.storeBytes(of: ports, as: UInt32.self)
    let length = UInt32(truncatingIfNeeded: espLength &+ UDPView.length) << 16
    udp.storeBytes(of: length.bigEndian, toByteOffset: 4, as: UInt32.self)
  }

  /// RFC 8200 section 8.1: over IPv6 a datagram has a checksum.
  @inline(never)
  static func sumDatagram(_ outer: UnsafeMutableRawPointer, at offset: Int) {
    let udp = outer + offset
    let length = Int(UInt16(bigEndian: udp.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
    var sum = InternetChecksum.sum(Bytes(outer + 8, count: 32))
    sum &+= UInt64(length) &+ UInt64(IPProtocol.udp)
    let checksum = InternetChecksum.fold(InternetChecksum.sum(Bytes(udp, count: length), sum))
    udp.storeBytes(of: (checksum == 0 ? 0xffff : checksum).bigEndian, toByteOffset: 6, as: UInt16.self)
  }

  /// 1, 2, 3, ..., how many, and what is inside (RFC 4303 section 2.4).
  @inline(__always)
  static func writeTrailer(_ at: UnsafeMutableRawPointer, padding: Int, next: UInt8) {
    // Up to seven octets of padding are one store; what is behind them is overwritten by the next.
    if padding <= 8 {
      at.storeBytes(of: UInt64(0x0807_0605_0403_0201).littleEndian, as: UInt64.self)
    } else {
      var octet = 0
      while octet < padding {
        at.storeBytes(of: UInt8(truncatingIfNeeded: octet &+ 1), toByteOffset: octet, as: UInt8.self)
        octet &+= 1
      }
    }
    let end = UInt16(truncatingIfNeeded: padding) << 8 | UInt16(next)
    at.storeBytes(of: end.bigEndian, toByteOffset: padding, as: UInt16.self)
  }

  /// SPI, sequence number and IV in one store, the nonce in another: the cipher reads them as one, and would wait for
  /// halves to meet.
  @inline(__always)
  func writeJob(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ header: UnsafeMutableRawPointer, _ payload: UnsafeMutableRawPointer,
    _ length: Int, _ numbers: Numbers, _ job: Int
  ) {
    let flags = sa.pointee.flags
    let slot = esp.slot(job)
    let front = UInt64(sa.pointee.spi) << 32 | numbers.sequence & 0xffff_ffff
    let iv = numbers.iv.value.bigEndian
    if flags.contains(.isCounterMode) {
      header.storeBytes(of: SIMD2<UInt64>(front.bigEndian, iv), as: SIMD2<UInt64>.self)
      let nonce = SIMD2<UInt64>(UInt64(sa.pointee.salt) | iv << 32, iv >> 32)
      slot.storeBytes(of: nonce, as: SIMD2<UInt64>.self)
    } else {
      header.storeBytes(of: front.bigEndian, as: UInt64.self)
      if flags.contains(.isRandomIV) {
        _ = esp.lane.writeUnpredictableIV(to: header + 8)
        hauberk_copy(slot, header + 8, 16)
      }
    }
    var aad = UnsafeRawPointer(header)
    var aadLength = flags.contains(.authenticatesIV) ? 8 &+ Int(sa.pointee.ivBytes) : 8
    var suffix: UnsafeRawPointer?
    if flags.contains(.isExtended) {
      let high = UInt32(truncatingIfNeeded: numbers.sequence >> 32).bigEndian
      if flags.contains(.hasSuffix) {
        (slot + ESPWorker.suffixOffset).storeBytes(of: high, as: UInt32.self)
        suffix = UnsafeRawPointer(slot + ESPWorker.suffixOffset)
      } else {
        ESPWorker.writeExtendedAAD(
          slot + ESPWorker.aadOffset, spi: sa.pointee.spi, sequence: numbers.sequence, iv: iv)
        aad = UnsafeRawPointer(slot + ESPWorker.aadOffset)
        aadLength = flags.contains(.authenticatesIV) ? 12 &+ Int(sa.pointee.ivBytes) : 12
      }
    }
    esp.jobs[job] = hauberk_packet(
      key: sa.pointee.key.key, nonce: Self.octets(slot), aad: Self.octets(aad),
      payload: payload.assumingMemoryBound(to: UInt8.self),
      tag: (payload + length).assumingMemoryBound(to: UInt8.self), suffix: suffix.map(Self.octets),
      aad_length: UInt32(truncatingIfNeeded: aadLength), length: UInt32(truncatingIfNeeded: length), is_good: 0,
      spare: 0)
  }

  @inline(__always)
  static func octets(_ pointer: UnsafeRawPointer) -> UnsafePointer<UInt8> {
    pointer.assumingMemoryBound(to: UInt8.self)
  }
}

extension ESPWorker {
  /// SPI, all 64 bits of the sequence number (RFC 4106 section 5), and the IV for those that authenticate it.
  @inline(__always)
  static func writeExtendedAAD(_ slot: UnsafeMutableRawPointer, spi: UInt32, sequence: UInt64, iv: UInt64) {
    let first = (UInt64(spi) << 32 | sequence >> 32).bigEndian
    let low = UInt64(UInt32(truncatingIfNeeded: sequence).bigEndian)
    slot.storeBytes(of: SIMD2<UInt64>(first, low | iv << 32), as: SIMD2<UInt64>.self)
    slot.storeBytes(of: UInt32(truncatingIfNeeded: iv >> 32), toByteOffset: 16, as: UInt32.self)
  }
}
