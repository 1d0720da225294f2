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
          judgeFully(ref, index, frame, classifier)
        }
      }
      index &+= 1
    }
    counters.add(burst.count, to: WorkerCounters.receivedPackets)
    counters.add(parsed.bytes, to: WorkerCounters.receivedBytes)
    return parsed
  }

  @inline(never)
  private func judgeFully(
    _ ref: UnsafeMutablePointer<PacketRef>, _ index: Int, _ frame: Bytes, _ classifier: Classifier
  ) {
    let result = Classifier.judgeFully(frame, classifier.snapshot, classifier.link)
    ref.pointee.judgement = Judgement(workSet: result.workSet, verdict: result.reason.rawValue)
    scratch.actions[index] = result.action
    scratch.places[index] = PacketPlaces(ip: result.offset, esp: result.espOffset)
  }

  /// From addresses to policies and from SPIs to SAs. A tunnel's packets take its work set in place of their own.
  @inline(__always)
  func lookUp(_ burst: Burst, _ classifier: Classifier, _ parsed: inout Parsed) {
    let policies = classifier.snapshot.pointee.policies
    var left = parsed.hasWords
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      let entry = policies.find(Selector(words: scratch.addresses[index], scratch.ports[index]))
      scratch.actions[index] = entry.pointee.action
      if entry.pointee.workSet != PolicyTable.flow { scratch.sets[index] = entry.pointee.workSet }
      prefetch(entry.pointee.action, classifier.snapshot)
    }
    left = parsed.hasSPI
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      findSPI(burst, index, classifier, &parsed)
    }
  }

  @inline(__always)
  private func findSPI(_ burst: Burst, _ index: Int, _ classifier: Classifier, _ parsed: inout Parsed) {
    let snapshot = classifier.snapshot
    let entry = snapshot.pointee.spis.find(UInt32(truncatingIfNeeded: scratch.addresses[index]))
    guard entry.sa != 0 else {
      let ref = burst.refs + index
      judgeFully(
        ref, index, Bytes(memory.address(start: ref.pointee.start), count: Int(ref.pointee.length)), classifier)
      return
    }
    parsed.hasWords |= 1 &<< UInt64(truncatingIfNeeded: index)
    scratch.places[index] = PacketPlaces(
      ip: UInt8(truncatingIfNeeded: ShortPath.ipOffset), esp: UInt16(truncatingIfNeeded: ShortPath.espOffset))
    let action = SecureAction.open(Int(entry.sa &- 1))
    scratch.actions[index] = action
    if entry.senderIDBits == 0 {
      scratch.sets[index] = UInt16(truncatingIfNeeded: entry.spi & 1023)
    } else {
      // The IV's leading bits follow the sequence number.
      let sender = senderID(burst.refs[index], bits: entry.senderIDBits)
      scratch.sets[index] = UInt16(
        truncatingIfNeeded: hauberk_group(snapshot.pointee.keyPointer, entry.spi, sender))
    }
    prefetch(action, snapshot)
  }

  @inline(__always)
  private func senderID(_ ref: PacketRef, bits: UInt32) -> UInt32 {
    let word = memory.address(start: ref.start).loadUnaligned(
      fromByteOffset: ShortPath.espOffset &+ 8, as: UInt32.self)
    return UInt32(bigEndian: word) &>> (32 &- bits)
  }

  @inline(__always)
  private func prefetch(_ action: SecureAction, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    guard let tables = snapshot.pointee.tables else { return }
    if action.kindBits == SecureAction.Kind.seal.rawValue {
      let sa = tables.outbound + action.index
      hauberk_prefetch(sa)
      hauberk_prefetch(UnsafeRawPointer(sa) + 64)
    } else if action.kindBits == SecureAction.Kind.open.rawValue {
      hauberk_prefetch(tables.inbound + action.index)
    }
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
