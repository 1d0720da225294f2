import CKernel
import Contract
import Wire

/// Outer fragments on their way to being whole packets again: so many at once, and no longer than half a minute.
///
/// A handle on memory of its own. Where a datagram's bytes are is known to the unit of eight octets: fragments that
/// overlap are refused (RFC 5722), and so is all that came of that datagram.
struct Reassembly: @unchecked Sendable {
  enum Outcome {
    /// Kept, or known already: of the datagram with this number.
    case held(Int)
    case refused(DropReason)
    /// The datagram with this number is whole: `copy` it, then `release` it.
    case whole(Int)
  }

  private struct Datagram {
    var sourceHigh: UInt64 = 0
    var sourceLow: UInt64 = 0
    var destinationHigh: UInt64 = 0
    var destinationLow: UInt64 = 0
    var identification: UInt32 = 0
    var protocolNumber: UInt8 = 0
    var isIPv6 = false
    var isUsed = false
    var hasFirst = false
    var hasCongestion = false
    /// Its fragments overlap: what else comes of it is refused as well.
    var isRefused = false
    var headerLength = 0
    /// Where the number of what follows the header stands, in IPv6.
    var nextOffset = 0
    var received = 0
    /// Where the furthest fragment ends.
    var furthest = 0
    /// Fragments that are in here.
    var held = 0
    /// Of the payload, once its last fragment is there; -1 before.
    var length = -1
    var since: Int64 = 0

    func has(_ fragment: Fragment, _ pair: AddressPair) -> Bool {
      identification == fragment.identification && protocolNumber == fragment.protocolNumber
        && isIPv6 == fragment.isIPv6 && sourceLow == pair.sourceLow && destinationLow == pair.destinationLow
        && sourceHigh == pair.sourceHigh && destinationHigh == pair.destinationHigh
    }
  }

  static let capacity = 64
  static let mostSeconds: Int64 = 30
  /// Where there is no room, whoever has waited that long gives way: fragments of one packet come together.
  static let mostSecondsWhenFull: Int64 = 2
  private static let headerBytes = 512
  private static let payloadBytes = 65536 + 8
  private static let units = payloadBytes / 8

  private let datagrams: UnsafeMutablePointer<Datagram>
  private let buffers: UnsafeMutableRawPointer
  private let seen: UnsafeMutablePointer<UInt64>

  init() {
    datagrams = .allocate(capacity: Self.capacity)
    datagrams.initialize(repeating: Datagram(), count: Self.capacity)
    // What is never written is never there.
    buffers = .allocate(byteCount: Self.capacity * (Self.headerBytes + Self.payloadBytes), alignment: 64)
    seen = .allocate(capacity: Self.capacity * (Self.units / 64 + 1))
    seen.initialize(repeating: 0, count: Self.capacity * (Self.units / 64 + 1))
  }

  func deallocate() {
    datagrams.deallocate()
    buffers.deallocate()
    seen.deallocate()
  }

  private func header(_ number: Int) -> UnsafeMutableRawPointer {
    buffers + number &* (Self.headerBytes &+ Self.payloadBytes)
  }

  private func payload(_ number: Int) -> UnsafeMutableRawPointer { header(number) + Self.headerBytes }
  private func seen(_ number: Int) -> UnsafeMutablePointer<UInt64> { seen + number &* (Self.units / 64 &+ 1) }

  /// What a fragment says of itself.
  struct Fragment {
    var headerLength: Int
    var nextOffset: Int
    var identification: UInt32
    var protocolNumber: UInt8
    var offset: Int
    var hasMore: Bool
    var payload: Bytes
    var isIPv6: Bool
    var isCongested: Bool

    init?(_ packet: Bytes) {
      if let view = IPv4View(packet), view.isFragment {
        headerLength = view.headerLength
        nextOffset = 9
        identification = UInt32(view.identification)
        protocolNumber = view.protocolNumber
        offset = view.fragmentOffset &* 8
        hasMore = view.moreFragments
        guard view.totalLength <= packet.count else { return nil }
        payload = packet.prefix(view.totalLength).dropFirst(headerLength)
        isIPv6 = false
        isCongested = view.trafficClass & 3 == 3
        return
      }
      guard let view = IPv6View(packet), view.payloadLength &+ IPv6View.length <= packet.count else { return nil }
      // Up to the Fragment header, which every fragment has.
      var number = view.nextHeader, at = IPv6View.length, place = 6
      let rest = packet.prefix(view.payloadLength &+ IPv6View.length)
      while number != IPProtocol.fragment {
        guard number == IPProtocol.hopByHop || number == IPProtocol.routing || number == IPProtocol.destinationOptions,
          rest.count >= at &+ 8
        else { return nil }
        place = at
        number = rest.uint8(at: at)
        at &+= (Int(rest.uint8(at: at &+ 1)) &+ 1) &* 8
      }
      guard rest.count >= at &+ 8 else { return nil }
      headerLength = at
      nextOffset = place
      protocolNumber = rest.uint8(at: at)
      let field = rest.uint16(at: at &+ 2)
      offset = Int(field & 0xfff8)
      hasMore = field & 1 != 0
      identification = rest.uint32(at: at &+ 4)
      payload = rest.dropFirst(at &+ 8)
      isIPv6 = true
      isCongested = view.trafficClass & 3 == 3
    }
  }

  func add(_ packet: Bytes, _ pair: AddressPair, seconds: Int64, _ timeouts: inout Int) -> Outcome {
    guard let fragment = Fragment(packet) else { return .refused(.fragmentMalformed) }
    let length = fragment.payload.count
    let isSound =
      length > 0 && (!fragment.hasMore || length & 7 == 0) && fragment.offset &+ length <= 65535
      && fragment.headerLength <= Self.headerBytes
    guard isSound else { return .refused(.fragmentMalformed) }
    guard let number = find(fragment, pair, seconds, &timeouts) else { return .refused(.reassemblyFull) }
    let datagram = datagrams + number
    if datagram.pointee.isRefused { return .refused(.fragmentOverlap) }
    let end = fragment.offset &+ length
    // The last fragment ends where all of it does: nothing lies beyond, whatever comes first.
    let isBeyond =
      datagram.pointee.length >= 0
      && (end > datagram.pointee.length || !fragment.hasMore && end != datagram.pointee.length)
    if isBeyond || !fragment.hasMore && end < datagram.pointee.furthest {
      release(number)
      return .refused(.fragmentMalformed)
    }
    switch mark(number, fragment.offset / 8, (end &+ 7) / 8) {
    case .new: break
    case .known:
      // The same once more, as mirrors send it: harmless if it says the same.
      let isSame = hauberk_is_same(payload(number) + fragment.offset, fragment.payload.base, length) != 0
      if isSame {
        datagram.pointee.held &+= 1
        return .held(number)
      }
      fallthrough
    case .overlapping:
      datagram.pointee.isRefused = true
      return .refused(.fragmentOverlap)
    }
    hauberk_copy(payload(number) + fragment.offset, fragment.payload.base, length)
    datagram.pointee.received &+= length
    if end > datagram.pointee.furthest { datagram.pointee.furthest = end }
    if fragment.isCongested { datagram.pointee.hasCongestion = true }
    if !fragment.hasMore { datagram.pointee.length = end }
    if fragment.offset == 0 {
      hauberk_copy(header(number), packet.base, fragment.headerLength)
      datagram.pointee.headerLength = fragment.headerLength
      datagram.pointee.nextOffset = fragment.nextOffset
      datagram.pointee.hasFirst = true
    }
    guard datagram.pointee.hasFirst, datagram.pointee.received == datagram.pointee.length else {
      datagram.pointee.held &+= 1
      return .held(number)
    }
    // What no header can say was no packet (RFC 791, RFC 8200 section 4.5).
    let front = datagram.pointee.isIPv6 ? IPv6View.length : 0
    if self.length(number) &- front > Int(UInt16.max) {
      release(number)
      return .refused(.fragmentMalformed)
    }
    return .whole(number)
  }

  private enum Mark { case new, known, overlapping }

  private func mark(_ number: Int, _ first: Int, _ end: Int) -> Mark {
    let bits = seen(number)
    var there = 0
    var unit = first
    while unit < end {
      there &+= Int(bits[unit / 64] &>> UInt64(truncatingIfNeeded: unit & 63) & 1)
      unit &+= 1
    }
    if there == end &- first { return .known }
    if there > 0 { return .overlapping }
    unit = first
    while unit < end {
      bits[unit / 64] |= 1 &<< UInt64(truncatingIfNeeded: unit & 63)
      unit &+= 1
    }
    return .new
  }

  /// The fragment's datagram, or a free place. What has waited too long makes room.
  private func find(
    _ fragment: Fragment, _ pair: AddressPair, _ seconds: Int64, _ timeouts: inout Int
  ) -> Int? {
    var free = -1, oldest = 0
    var number = 0
    while number < Self.capacity {
      let datagram = datagrams + number
      if datagram.pointee.since < datagrams[oldest].since { oldest = number }
      if datagram.pointee.isUsed, seconds &- datagram.pointee.since > Self.mostSeconds {
        if !datagram.pointee.isRefused { timeouts &+= 1 }
        release(number)
      }
      if !datagram.pointee.isUsed {
        if free < 0 { free = number }
      } else if datagram.pointee.has(fragment, pair) {
        return number
      }
      number &+= 1
    }
    if free < 0 {
      guard seconds &- datagrams[oldest].since >= Self.mostSecondsWhenFull else { return nil }
      if !datagrams[oldest].isRefused { timeouts &+= 1 }
      release(oldest)
      free = oldest
    }
    var datagram = Datagram()
    datagram.sourceHigh = pair.sourceHigh
    datagram.sourceLow = pair.sourceLow
    datagram.destinationHigh = pair.destinationHigh
    datagram.destinationLow = pair.destinationLow
    datagram.identification = fragment.identification
    datagram.protocolNumber = fragment.protocolNumber
    datagram.isIPv6 = fragment.isIPv6
    datagram.isUsed = true
    datagram.since = seconds
    datagrams[free] = datagram
    return free
  }

  /// Whether this is a fragment of a datagram of which others are here.
  func awaits(_ packet: Bytes, _ pair: AddressPair) -> Bool {
    guard let fragment = Fragment(packet) else { return false }
    var number = 0
    while number < Self.capacity {
      let datagram = datagrams + number
      if datagram.pointee.isUsed, !datagram.pointee.isRefused, datagram.pointee.has(fragment, pair) { return true }
      number &+= 1
    }
    return false
  }

  /// How many datagrams wait for fragments, and not for too long.
  func waiting(seconds: Int64, _ timeouts: inout Int) -> Int {
    var waiting = 0
    var number = 0
    while number < Self.capacity {
      if datagrams[number].isUsed {
        if seconds &- datagrams[number].since > Self.mostSeconds {
          if !datagrams[number].isRefused { timeouts &+= 1 }
          release(number)
        } else if !datagrams[number].isRefused {
          waiting &+= 1
        }
      }
      number &+= 1
    }
    return waiting
  }

  func release(_ number: Int) {
    datagrams[number].isUsed = false
    hauberk_clear(seen(number), (Self.units / 64 &+ 1) &* 8)
  }

  /// How many fragments waited for the one that makes it whole.
  func held(_ number: Int) -> Int { datagrams[number].held }

  /// Of the whole packet, header included.
  func length(_ number: Int) -> Int { datagrams[number].headerLength &+ datagrams[number].length }

  /// The whole packet, with a header that no longer speaks of fragments.
  func copy(_ number: Int, to packet: UnsafeMutableRawPointer) {
    let datagram = datagrams[number]
    hauberk_copy(packet, header(number), datagram.headerLength)
    hauberk_copy(packet + datagram.headerLength, payload(number), datagram.length)
    if datagram.isIPv6 {
      packet.storeBytes(of: datagram.protocolNumber, toByteOffset: datagram.nextOffset, as: UInt8.self)
      let length = UInt16(truncatingIfNeeded: datagram.headerLength &+ datagram.length &- IPv6View.length)
      packet.storeBytes(of: length.bigEndian, toByteOffset: 4, as: UInt16.self)
      if datagram.hasCongestion {
        let first = packet.load(fromByteOffset: 1, as: UInt8.self)
        packet.storeBytes(of: first | 0x30, toByteOffset: 1, as: UInt8.self)
      }
      return
    }
    let total = UInt16(truncatingIfNeeded: datagram.headerLength &+ datagram.length)
    packet.storeBytes(of: total.bigEndian, toByteOffset: 2, as: UInt16.self)
    packet.storeBytes(of: 0, toByteOffset: 6, as: UInt16.self)
    if datagram.hasCongestion {
      let first = packet.load(fromByteOffset: 1, as: UInt8.self)
      packet.storeBytes(of: first | 3, toByteOffset: 1, as: UInt8.self)
    }
    packet.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
    let sum = InternetChecksum.fold(InternetChecksum.sum(Bytes(packet, count: datagram.headerLength)))
    packet.storeBytes(of: sum.bigEndian, toByteOffset: 10, as: UInt16.self)
  }
}
