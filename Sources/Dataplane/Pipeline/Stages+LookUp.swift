import CKernel
import CWorkSet
import Contract
import Memory
import Wire

/// The stages that a gateway has and a bare cluster has not: policies and SAs are looked up before ownership is asked,
/// because the SA's work set is the packet's (X5, X7).
///
/// Every look-up is asked for one stage before it is read: with thousands of SAs its lines are not in the cache.
extension Stages {
  /// As `parse`, and what ESP for us needs: its SPI, and the sender's part of the IV.
  @inline(__always)
  func parseForLookup(_ burst: Burst, _ classifier: Classifier) -> Parsed {
    var parsed = Parsed()
    let snapshot = classifier.snapshot
    let addresses = scratch.addresses, ports = scratch.ports
    let cluster = snapshot.pointee.cluster
    var index = 0
    while index < burst.count {
      if index &+ Self.framesAhead < burst.count { prefetchFrame(burst.refs[index &+ Self.framesAhead]) }
      let ref = burst.refs + index
      let frame = Bytes(memory.address(start: ref.pointee.start), count: Int(ref.pointee.length))
      parsed.bytes &+= frame.count
      let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: index)
      if let words = classifier.shortPath.words(frame) {
        addresses[index] = words.addresses
        ports[index] = words.ports
        parsed.hasWords |= bit
        scratch.places[index] = PacketPlaces(ip: UInt8(truncatingIfNeeded: ShortPath.ipOffset))
        snapshot.pointee.policies.prefetch4(
          source: words.addresses >> 32, destination: words.addresses & 0xffff_ffff)
      } else {
        let spi = classifier.shortPath.spi(frame, cluster)
        if spi != 0 {
          addresses[index] = UInt64(spi)
          ports[index] = frame.uint64(at: ShortPath.espOffset)
          parsed.hasSPI |= bit
          snapshot.pointee.spis.prefetch(spi)
        } else {
          judgeFully(ref, index, frame, classifier, &parsed)
        }
      }
      index &+= 1
    }
    counters.add(burst.count, to: WorkerCounters.receivedPackets)
    counters.add(parsed.bytes, to: WorkerCounters.receivedBytes)
    return parsed
  }

  @inline(__always) private static var framesAhead: Int { 4 }

  /// The lines that sealing or opening writes: what is stored into lines of the second-level cache queues up.
  @inline(__always)
  private func prefetchFrame(_ ref: PacketRef) {
    let start = UnsafeRawPointer(memory.address(start: ref.start))
    hauberk_prefetch_for_write(start - Sealer.plainFront)
    hauberk_prefetch_for_write(start + EthernetView.length)
    hauberk_prefetch_for_write(start + Int(ref.length))
  }

  @inline(never)
  private func judgeFully(
    _ ref: UnsafeMutablePointer<PacketRef>, _ index: Int, _ frame: Bytes, _ classifier: Classifier,
    _ parsed: inout Parsed
  ) {
    let result = Classifier.judgeFully(frame, classifier.snapshot, classifier.link)
    ref.pointee.judgement = Judgement(workSet: result.workSet, verdict: result.reason.rawValue)
    scratch.actions[index] = result.action.general
    scratch.places[index] = PacketPlaces(ip: result.offset, esp: result.espOffset)
    // Where the SA has another set than the packet, as a fragment may, it goes to whom the SA belongs.
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: index)
    guard let tables = classifier.snapshot.pointee.tables else { return }
    if result.action.kindBits == SecureAction.Kind.seal.rawValue,
      (tables.outbound + result.action.index).pointee.serves(result.workSet)
    {
      parsed.sorted.seal |= bit
    } else if result.action.kindBits == SecureAction.Kind.open.rawValue,
      (tables.inbound + result.action.index).pointee.serves(result.workSet)
    {
      parsed.sorted.open |= bit
    } else {
      parsed.sorted.other |= bit
    }
  }

  /// From addresses to policies and from SPIs to SAs. A tunnel's packets take its work set in place of their own.
  @inline(__always)
  func lookUp(_ burst: Burst, _ classifier: Classifier, _ parsed: inout Parsed) {
    let policies = classifier.snapshot.pointee.policies
    let outbound = classifier.snapshot.pointee.tables?.outbound
    let commonWay: UInt32 = esp?.usesPlain ?? false ? .max : SecureAction(bits: .max).general.bits
    let actions = scratch.actions, sets = scratch.sets, addresses = scratch.addresses, ports = scratch.ports
    var left = parsed.hasWords
    var previous: UInt32 = .max
    var flows: UInt64 = 0, sealing: UInt64 = 0, others: UInt64 = 0, changes: UInt64 = 0
    while left != 0 {
      let bit = left & (0 &- left)
      let index = left.trailingZeroBitCount
      left &= left &- 1
      let entry = policies.find4(addresses[index], ports[index])
      let set = entry.pointee.workSet
      let action = SecureAction(bits: entry.pointee.action.bits & commonWay)
      actions[index] = action
      sets[index] = set
      flows |= set == PolicyTable.flow ? bit : 0
      let seals = action.kindBits == SecureAction.Kind.seal.rawValue
      sealing |= seals ? bit : 0
      others |= !seals && action.kindBits != SecureAction.Kind.bypass.rawValue ? bit : 0
      if action.bits != previous {
        previous = action.bits
        changes &+= 1
        if let outbound, seals {
          hauberk_prefetch(outbound + action.index)
          hauberk_prefetch(UnsafeRawPointer(outbound + action.index) + 64)
        }
      }
    }
    parsed.flows = flows
    parsed.sorted.seal |= sealing
    parsed.sorted.other |= others
    parsed.sorted.isVaried = changes > 1
    if parsed.hasSPI != 0 { findSPIs(burst, classifier, &parsed) }
  }

  @inline(__always)
  private func findSPIs(_ burst: Burst, _ classifier: Classifier, _ parsed: inout Parsed) {
    var left = parsed.hasSPI
    var previous: UInt32 = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      findSPI(burst, index, classifier, &parsed, &previous)
    }
  }

  /// The keyed hash, for those that need it.
  @inline(never)
  func hashFlows(_ flows: UInt64, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    var left = flows
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      scratch.sets[index] = ShortPath.workSet(
        ShortPath.Words(addresses: scratch.addresses[index], ports: scratch.ports[index]), snapshot.pointee.keyPointer)
    }
  }

  @inline(__always)
  private func findSPI(
    _ burst: Burst, _ index: Int, _ classifier: Classifier, _ parsed: inout Parsed, _ previous: inout UInt32
  ) {
    let snapshot = classifier.snapshot
    let entry = snapshot.pointee.spis.find(UInt32(truncatingIfNeeded: scratch.addresses[index]))
    guard entry.sa != 0 else {
      let ref = burst.refs + index
      judgeFully(
        ref, index, Bytes(memory.address(start: ref.pointee.start), count: Int(ref.pointee.length)), classifier,
        &parsed)
      return
    }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: index)
    parsed.hasWords |= bit
    parsed.sorted.open |= bit
    scratch.places[index] = PacketPlaces(
      ip: UInt8(truncatingIfNeeded: ShortPath.ipOffset), esp: UInt16(truncatingIfNeeded: ShortPath.espOffset))
    var action = SecureAction.open(Int(entry.sa &- 1))
    if entry.isPlain, esp?.usesPlain ?? false { action = action.plain }
    scratch.actions[index] = action
    if entry.senderIDBits == 0 {
      scratch.sets[index] = UInt16(truncatingIfNeeded: entry.spi & 1023)
    } else {
      // The IV's leading bits follow the sequence number.
      let sender = senderID(burst.refs[index], bits: entry.senderIDBits)
      scratch.sets[index] = UInt16(
        truncatingIfNeeded: hauberk_group(snapshot.pointee.keyPointer, entry.spi, sender))
    }
    if let tables = snapshot.pointee.tables, entry.sa != previous {
      parsed.sorted.isVaried = parsed.sorted.isVaried || previous != 0
      previous = entry.sa
      hauberk_prefetch(tables.inbound + action.index)
    }
  }

  @inline(__always)
  private func senderID(_ ref: PacketRef, bits: UInt32) -> UInt32 {
    let word = memory.address(start: ref.start).loadUnaligned(
      fromByteOffset: ShortPath.espOffset &+ 8, as: UInt32.self)
    return UInt32(bigEndian: word) &>> (32 &- bits)
  }
}
