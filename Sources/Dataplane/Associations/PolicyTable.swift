import CKernel
import Contract
import Wire

/// The five fields of a clear packet, as policies ask for them. A packet without ports has 0 for both and fits no
/// policy that names ports.
struct Selector {
  var addresses: AddressPair
  var protocolNumber: UInt8
  var hasPorts: Bool
  var sourcePort: UInt16 = 0
  var destinationPort: UInt16 = 0

  /// The same traffic, seen from the other end.
  @inline(__always)
  var reversed: Selector {
    Selector(
      addresses: AddressPair(
        sourceHigh: addresses.destinationHigh, sourceLow: addresses.destinationLow,
        destinationHigh: addresses.sourceHigh, destinationLow: addresses.sourceLow, isIPv6: addresses.isIPv6),
      protocolNumber: protocolNumber, hasPorts: hasPorts, sourcePort: destinationPort,
      destinationPort: sourcePort)
  }
}

extension Selector {
  /// Out of the words that the short path leaves.
  @inline(__always)
  init(words addresses: UInt64, _ ports: UInt64) {
    self.init(
      addresses: AddressPair(sourceLow: addresses >> 32, destinationLow: addresses & 0xffff_ffff, isIPv6: false),
      protocolNumber: UInt8(truncatingIfNeeded: ports >> 32), hasPorts: true,
      sourcePort: UInt16(truncatingIfNeeded: ports >> 16), destinationPort: UInt16(truncatingIfNeeded: ports))
  }
}

/// From a clear packet to the first policy that fits it (RFC 4301 section 4.4.1), in a time that does not grow with
/// the number of policies.
///
/// Policies whose prefixes have the same two lengths form a shape. A shape is one probe of a hash table; real policies
/// have a handful of shapes, which are asked in the order of their first policy until none can come first any more.
/// Policies with the same prefixes, told apart by protocol and ports, are a chain in their order.
struct PolicyTable {
  /// One cache line.
  struct Entry: BitwiseCopyable {
    /// IPv4's pair is one word, source above, in `sourceLow`; the others are 0.
    var sourceHigh: UInt64 = 0
    var sourceLow: UInt64 = 0
    var destinationHigh: UInt64 = 0
    var destinationLow: UInt64 = 0
    var action = SecureAction.none
    /// The tunnel or group whose traffic this is; none for bypass and discard.
    var bundle: UInt32 = noBundle
    /// The place in the order, from 0: the lower comes first.
    var priority: UInt32 = 0
    /// Behind the table proper, or 0: the chain ends.
    var next: UInt32 = 0
    var sourcePorts: PortRange = .all
    var destinationPorts: PortRange = .all
    /// One more than the shape's number; 0 marks a free place.
    var shape: UInt8 = 0
    var anyProtocol = true
    var protocolNumber: UInt8 = 0
    var namesPorts = false
    /// A tunnel's work set (X7), or `flow`: by the packet's own hash.
    var workSet: UInt16 = flow
    /// Whoever has these addresses is meant: this is the head of its chain, and names neither protocol nor ports.
    var isFirst = false
    var spare: UInt8 = 0
  }

  struct PortRange: BitwiseCopyable {
    var low: UInt16
    var high: UInt16

    static let all = PortRange(low: 0, high: .max)

    init(low: UInt16, high: UInt16) {
      self.low = low
      self.high = high
    }

    init(_ range: ClosedRange<UInt16>?) {
      self = range.map { PortRange(low: $0.lowerBound, high: $0.upperBound) } ?? .all
    }

    @inline(__always) func contains(_ port: UInt16) -> Bool { low <= port && port <= high }
  }

  struct Shape: BitwiseCopyable {
    var sourceHigh: UInt64
    var sourceLow: UInt64
    var destinationHigh: UInt64
    var destinationLow: UInt64
    var isIPv6: Bool
    var firstPriority: UInt32
  }

  static let mostShapes = PolicyDescription.mostShapes
  @inline(__always) static var flow: UInt16 { 0xffff }
  @inline(__always) static var noBundle: UInt32 { .max }

  let memory: TableMemory
  let shapes: UnsafeMutablePointer<Shape>
  let shapeCount: Int
  let entries: UnsafeMutablePointer<Entry>
  let mask: Int
  /// What is left of a hash after this shift is a place.
  let shift: UInt64
  /// Chosen for the policies that there are, so that nearly all of IPv4's are where they are looked for first.
  let factor: UInt64
  /// The entry that fits everything: discard, where there are policies at all.
  let fallback: UnsafeMutablePointer<Entry>
  /// Where all IPv4 policies have one shape: its masks, destination above and source below.
  let reversedMask: UInt64
  /// The first shape's masks as `addresses` lie in the short path's words, where it is IPv4's.
  let firstMask: UInt64
  /// All policies are of one shape, and that is IPv4's.
  let isSimple: Bool

  var isEmpty: Bool { shapeCount == 0 }

  @inline(__always)
  static func hash(_ shape: Int, _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> UInt64 {
    var hash = (a ^ UInt64(truncatingIfNeeded: shape)) &* 0x9e37_79b9_7f4a_7c15
    hash = (hash ^ hash >> 29 ^ b) &* 0xbf58_476d_1ce4_e5b9
    hash = (hash ^ hash >> 32 ^ c) &* 0x94d0_49bb_1331_11eb
    return (hash ^ hash >> 29 ^ d) &* 0x9e37_79b9_7f4a_7c15
  }

  /// IPv4's pair: one word, and one multiplication, of which the upper bits count.
  @inline(__always)
  static func hash(_ shape: Int, _ pair: UInt64, _ factor: UInt64) -> UInt64 {
    (pair &+ UInt64(truncatingIfNeeded: shape)) &* factor
  }

  @inline(__always)
  func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> shift) }

  /// Where `find4` looks first. Asks for that line, so that it is there in time.
  @inline(__always)
  func prefetch4(_ addresses: UInt64) -> UInt32 {
    let place = place(Self.hash(0, addresses & firstMask, factor))
    hauberk_prefetch(entries + place)
    return UInt32(truncatingIfNeeded: place)
  }

  /// Never nil: what no policy fits, the fallback does.
  @inline(__always)
  func find(_ packet: Selector) -> UnsafePointer<Entry> {
    var best = fallback
    var number = 0
    while number < shapeCount {
      let shape = shapes + number
      if shape.pointee.firstPriority >= best.pointee.priority { break }
      if shape.pointee.isIPv6 == packet.addresses.isIPv6 {
        let found = probe(shape.pointee, number, packet)
        if let found, found.pointee.priority < best.pointee.priority { best = found }
      }
      number &+= 1
    }
    return UnsafePointer(best)
  }

  /// The same for IPv4 with ports, out of the words that the short path leaves. Where all policies have one shape and the
  /// first that is met names neither protocol nor ports, that is all there is to ask. `place`: what `prefetch4` said.
  @inline(__always)
  func find4(_ addresses: UInt64, _ ports: UnsafePointer<UInt64>, place: UInt32) -> UnsafePointer<Entry> {
    let entry = entries + Int(place)
    if isSimple, entry.pointee.sourceLow == addresses & firstMask, entry.pointee.isFirst { return UnsafePointer(entry) }
    return findFully(addresses, ports.pointee)
  }

  @inline(never)
  private func findFully(_ addresses: UInt64, _ ports: UInt64) -> UnsafePointer<Entry> {
    find(Selector(words: addresses, ports))
  }

  @inline(__always)
  private func probe(_ shape: Shape, _ number: Int, _ packet: Selector) -> UnsafeMutablePointer<Entry>? {
    let a = packet.addresses.sourceHigh & shape.sourceHigh
    var b = packet.addresses.sourceLow & shape.sourceLow
    let c = packet.addresses.destinationHigh & shape.destinationHigh
    var d = packet.addresses.destinationLow & shape.destinationLow
    if !shape.isIPv6 { (b, d) = (b << 32 | d, 0) }
    let tag = UInt8(truncatingIfNeeded: number &+ 1)
    var place = place(shape.isIPv6 ? Self.hash(number, a, b, c, d) : Self.hash(number, b, factor))
    while true {
      let entry = entries + place
      if entry.pointee.shape == 0 { return nil }
      if entry.pointee.shape == tag, entry.pointee.sourceLow == b, entry.pointee.destinationLow == d,
        entry.pointee.sourceHigh == a, entry.pointee.destinationHigh == c
      {
        return first(entry, packet)
      }
      place = (place &+ 1) & mask
    }
  }

  @inline(__always)
  private func first(_ start: UnsafeMutablePointer<Entry>, _ packet: Selector) -> UnsafeMutablePointer<Entry>? {
    var entry = start
    while true {
      if Self.fits(entry, packet) { return entry }
      if entry.pointee.next == 0 { return nil }
      entry = entries + Int(entry.pointee.next)
    }
  }

  @inline(__always)
  private static func fits(_ entry: UnsafeMutablePointer<Entry>, _ packet: Selector) -> Bool {
    if entry.pointee.anyProtocol { return true }
    guard entry.pointee.protocolNumber == packet.protocolNumber else { return false }
    if !entry.pointee.namesPorts { return true }
    return packet.hasPorts && entry.pointee.sourcePorts.contains(packet.sourcePort)
      && entry.pointee.destinationPorts.contains(packet.destinationPort)
  }

  func deallocate() {
    shapes.deallocate()
    memory.deallocate()
    fallback.deallocate()
  }
}
