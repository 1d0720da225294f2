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
    // Copies of what the loop reads: its stores could change the originals, as far as the compiler knows.
    let snapshot = classifier.snapshot
    let path = classifier.shortPath
    let cluster = snapshot.pointee.cluster, policies = snapshot.pointee.policies
    let scratch = scratch
    scratch.prefetch()
    var parsed = Parsed()
    var bytes = 0
    var hasWords: UInt64 = 0, hasSPI: UInt64 = 0, bit: UInt64 = 1
    // As the packet before: for those who seal, most are to be sealed.
    var grows = true
    var index = 0
    while index < burst.count {
      if index &+ Self.framesAhead < burst.count {
        prefetchFrame(burst.refs[index &+ Self.framesAhead], grows: grows)
      }
      let ref = burst.refs + index
      let frame = Bytes(memory.address(start: ref.pointee.start), count: Int(ref.pointee.length))
      bytes &+= frame.count
      if let words = path.words(frame) {
        let words = path.turned(words)
        scratch.addresses[index] = words.addresses
        scratch.ports[index] = words.ports
        hasWords |= bit
        grows = true
        scratch.places[index] = PacketPlaces(ip: UInt8(truncatingIfNeeded: ShortPath.ipOffset))
        scratch.probes[index] = policies.prefetch4(words.addresses)
      } else {
        let spi = path.spi(frame, cluster)
        if spi != 0 {
          scratch.addresses[index] = UInt64(spi)
          hasSPI |= bit
          grows = false
          snapshot.pointee.spis.prefetch(spi)
        } else {
          judgeFully(ref, index, frame, classifier, &parsed)
        }
      }
      index &+= 1
      bit &<<= 1
    }
    counters.add(burst.count, to: WorkerCounters.receivedPackets)
    counters.add(bytes, to: WorkerCounters.receivedBytes)
    parsed.bytes = bytes
    parsed.hasWords = hasWords
    parsed.hasSPI = hasSPI
    return parsed
  }

  @inline(__always) private static var framesAhead: Int { 4 }

  /// The lines that are going to be written: what is stored into lines of the second-level cache queues up. Sealing writes
  /// in front of the packet and behind it; opening does not, and those lines would be fetched for nothing.
  @inline(__always)
  private func prefetchFrame(_ ref: PacketRef, grows: Bool) {
    let start = UnsafeRawPointer(memory.address(start: ref.start))
    hauberk_prefetch_for_write(start + EthernetView.length)
    hauberk_prefetch_for_write(start - (grows ? Sealer.plainFront : 0))
    hauberk_prefetch_for_write(start + (grows ? Int(ref.length) : 0))
  }

  @inline(never)
  private func judgeFully(
    _ ref: UnsafeMutablePointer<PacketRef>, _ index: Int, _ frame: Bytes, _ classifier: Classifier,
    _ parsed: inout Parsed
  ) {
    var result = Classifier.judgeFully(frame, classifier.snapshot, classifier.link, from: classifier.side)
    scratch.actions[index] = result.action.general
    scratch.places[index] = PacketPlaces(ip: result.offset, esp: result.espOffset)
    if result.reason == .none {
      parsed.strays |= assign(ref, &result, frame, classifier) ^ Disposition(worker: worker).bits
    } else {
      ref.pointee.judgement = Judgement(workSet: result.workSet, verdict: result.reason.rawValue)
      parsed.strays = .max
    }
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

  /// What another member has passed on is what its SA makes of it (X9).
  private func assign(
    _ ref: UnsafeMutablePointer<PacketRef>, _ result: inout Classification, _ frame: Bytes, _ classifier: Classifier
  ) -> UInt16 {
    let table = table(classifier.snapshot)
    let verdict = table[Int(result.workSet)].verdict
    let isOthers = verdict == DropReason.notMine.rawValue || verdict == DropReason.passedOn.rawValue
    if isOthers, isPassedOn(frame, classifier) { return take(ref, &result, classifier.snapshot, table) }
    return Self.assign(ref, result.workSet, table, counters)
  }

  /// From addresses to policies and from SPIs to SAs, and so to whose a packet is. A tunnel's packets take its work set
  /// in place of their own.
  @inline(__always)
  func lookUp(_ burst: Burst, _ classifier: Classifier, _ parsed: inout Parsed) {
    let snapshot = classifier.snapshot
    let policies = snapshot.pointee.policies
    let outbound = snapshot.pointee.tables?.outbound
    let dispositions = table(snapshot)
    let ours = Disposition(worker: worker).bits
    let commonWay: UInt32 = esp?.usesPlain ?? false ? .max : SecureAction(bits: .max).general.bits
    let scratch = scratch, counters = counters
    esp?.prefetchJobs()
    var left = parsed.hasWords
    var previous: UInt32 = .max
    var flows: UInt64 = 0, unsealed: UInt64 = 0
    var changes = 0
    var strays: UInt16 = 0
    // Nothing is sealed that comes from outside.
    let seals = classifier.side == .inside ? SecureAction.Kind.seal.rawValue : .max
    while left != 0 {
      let index = left.trailingZeroBitCount
      let bit = left & (0 &- left)
      left &= left &- 1
      let entry = policies.find4(
        scratch.addresses[index], scratch.ports + index, place: scratch.probes[index])
      let set = entry.pointee.workSet
      let action = SecureAction(bits: entry.pointee.action.bits & commonWay)
      scratch.actions[index] = action
      unsealed |= action.kindBits == seals ? 0 : bit
      if set == PolicyTable.flow {
        flows |= bit
      } else {
        strays |= Self.assign(burst.refs + index, set, dispositions, counters) ^ ours
      }
      if action.bits != previous {
        previous = action.bits
        changes &+= 1
        if let outbound, action.kindBits == SecureAction.Kind.seal.rawValue {
          hauberk_prefetch(outbound + action.index)
        }
      }
    }
    parsed.flows = flows
    parsed.strays |= strays
    parsed.sorted.seal |= parsed.hasWords & ~unsealed
    parsed.sorted.isVaried = changes > 1
    if unsealed != 0 { sortUnsealed(unsealed, &parsed) }
    if parsed.hasSPI != 0 { findSPIs(burst, classifier, &parsed) }
  }

  /// What passes in clear is done with; what does not pass has yet to be told.
  @inline(never)
  private func sortUnsealed(_ unsealed: UInt64, _ parsed: inout Parsed) {
    var left = unsealed
    while left != 0 {
      let index = left.trailingZeroBitCount
      // What is still to be sealed came from outside.
      if scratch.actions[index].kindBits == SecureAction.Kind.seal.rawValue {
        scratch.actions[index] = .refuse(.clearOutside)
      }
      if scratch.actions[index].kindBits != SecureAction.Kind.bypass.rawValue {
        parsed.sorted.other |= 1 &<< UInt64(truncatingIfNeeded: index)
      }
      left &= left &- 1
    }
  }

  /// The keyed hash, for those whose set is their flow's. Whether some are not ours.
  @inline(never)
  func hashFlows(_ burst: Burst, _ flows: UInt64, _ snapshot: UnsafePointer<ClassifySnapshot>) -> UInt16 {
    // All of them at once are faster than some of them one by one.
    hash(burst.count, snapshot)
    let dispositions = table(snapshot)
    let ours = Disposition(worker: worker).bits
    var strays: UInt16 = 0
    var left = flows
    while left != 0 {
      let index = left.trailingZeroBitCount
      strays |= Self.assign(burst.refs + index, scratch.sets[index], dispositions, counters) ^ ours
      left &= left &- 1
    }
    return strays
  }

  @inline(__always)
  private func findSPIs(_ burst: Burst, _ classifier: Classifier, _ parsed: inout Parsed) {
    let snapshot = classifier.snapshot
    let spis = snapshot.pointee.spis, dispositions = table(snapshot)
    let inbound = snapshot.pointee.tables?.inbound
    let ours = Disposition(worker: worker).bits
    let commonWay: UInt32 = esp?.usesPlain ?? false ? .max : SecureAction(bits: .max).general.bits
    let scratch = scratch, counters = counters
    var left = parsed.hasSPI
    var previous: UInt32 = 0
    var unknown: UInt64 = 0
    var strays: UInt16 = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      let bit = left & (0 &- left)
      left &= left &- 1
      let entry = spis.find(UInt32(truncatingIfNeeded: scratch.addresses[index]))
      if entry.action.kindBits != SecureAction.Kind.open.rawValue {
        unknown |= bit
        continue
      }
      scratch.places[index] = PacketPlaces(
        ip: UInt8(truncatingIfNeeded: ShortPath.ipOffset), esp: UInt16(truncatingIfNeeded: ShortPath.espOffset))
      scratch.actions[index] = SecureAction(bits: entry.action.bits & commonWay)
      var set = UInt16(truncatingIfNeeded: entry.spi & 1023)
      if entry.senderIDBits != 0 { set = self.set(ofGroup: entry, burst.refs[index], snapshot) }
      strays |= Self.assign(burst.refs + index, set, dispositions, counters) ^ ours
      if entry.action.bits != previous {
        parsed.sorted.isVaried = parsed.sorted.isVaried || previous != 0
        previous = entry.action.bits
        if let inbound { hauberk_prefetch(inbound + entry.action.index) }
      }
    }
    parsed.sorted.open |= parsed.hasSPI & ~unknown
    parsed.strays |= strays
    if unknown != 0 { judgeUnknown(burst, unknown, classifier, &parsed) }
  }

  /// SPIs of nobody, or of what cannot be opened here.
  @inline(never)
  private func judgeUnknown(_ burst: Burst, _ unknown: UInt64, _ classifier: Classifier, _ parsed: inout Parsed) {
    var left = unknown
    while left != 0 {
      let index = left.trailingZeroBitCount
      let ref = burst.refs + index
      judgeFully(
        ref, index, Bytes(memory.address(start: ref.pointee.start), count: Int(ref.pointee.length)), classifier,
        &parsed)
      left &= left &- 1
    }
  }

  /// By sender: the IV's leading bits, which follow the sequence number.
  @inline(__always)
  private func set(
    ofGroup entry: SPITable.Entry, _ ref: PacketRef, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) -> UInt16 {
    let word = memory.address(start: ref.start).loadUnaligned(
      fromByteOffset: ShortPath.espOffset &+ 8, as: UInt32.self)
    let sender = UInt32(bigEndian: word) &>> (32 &- entry.senderIDBits)
    return UInt16(truncatingIfNeeded: hauberk_group(snapshot.pointee.keyPointer, entry.spi, sender))
  }
}
