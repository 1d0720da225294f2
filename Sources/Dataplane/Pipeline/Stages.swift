import CKernel
import CWorkSet
import Contract
import Memory
import Rings
import Wire

/// The stages between receive and transmit. Each takes a burst: it decides per burst and loops per packet.
struct Stages {
  let memory: FrameAddresses
  let counters: WorkerCounters
  let crossing: Crossing
  let scratch: BurstScratch
  let worker: UInt8
  /// Nil where packets are only classified.
  let esp: ESPWorker?
  /// Nil where packets go on as they are sealed.
  var roundTrip: RoundTrip?
  /// Of a member: who the others are.
  var cluster: ClusterDesk?

  /// What every burst goes through between receive and transmit.
  @inline(__always)
  func judge<Clock: StageClock>(_ burst: inout Burst, _ classifier: Classifier, _ clock: inout Clock) {
    let snapshot = classifier.snapshot
    let hasPolicies = !snapshot.pointee.policies.isEmpty || snapshot.pointee.hasSecurity
    var parsed: Parsed
    if hasPolicies {
      parsed = parseForLookup(burst, classifier)
      counters.add(ticks: clock.lap(), to: .parse)
      lookUp(burst, classifier, &parsed)
      counters.add(ticks: clock.lap(), to: .lookUp)
      if parsed.flows != 0 { parsed.strays |= hashFlows(burst, parsed.flows, snapshot) }
    } else {
      parsed = parse(burst, classifier)
      counters.add(ticks: clock.lap(), to: .parse)
      if parsed.hasWords != 0 { hash(burst.count, snapshot) }
    }
    counters.add(ticks: clock.lap(), to: .hash)
    let isWhole = hasPolicies ? ownLookedUp(&burst, parsed, snapshot) : own(&burst, parsed, snapshot)
    counters.add(ticks: clock.lap(), to: .own)
    if let esp, let tables = snapshot.pointee.tables {
      let protector = Protector(tables, snapshot, esp)
      if let roundTrip {
        goThere(&burst, protector, snapshot, roundTrip)
        countKept(burst)
      } else {
        let sorted = isWhole ? parsed.sorted : protector.sort(burst, scratch.actions)
        protect(&burst, protector, snapshot, sorted)
      }
      counters.add(ticks: clock.lap(), to: .protect)
    }
  }

  /// Whose each work set is, for this burst.
  @inline(__always)
  func table(_ snapshot: UnsafePointer<ClassifySnapshot>) -> UnsafePointer<Disposition> {
    UnsafePointer(bitPattern: scratch.adopted.pointee) ?? snapshot.pointee.dispositions
  }

  struct Parsed {
    var bytes = 0
    /// A bit for every packet that left words for the hash.
    var hasWords: UInt64 = 0
    /// A bit for every packet that left an SPI.
    var hasSPI: UInt64 = 0
    /// A bit for every packet whose set is its flow's.
    var flows: UInt64 = 0
    /// What is to be done with them.
    var sorted = Protector.Sorted()
    /// Not 0: among those whose set has been looked up some are not this worker's.
    var strays: UInt16 = 0
  }

  /// Accepts or drops by MAC address, then parses as far as the work set needs. Most packets leave two words for the
  /// hash in the scratch; the others are judged here and now.
  @inline(__always)
  private func parse(_ burst: Burst, _ classifier: Classifier) -> Parsed {
    var parsed = Parsed()
    let addresses = scratch.addresses, ports = scratch.ports
    var index = 0
    while index < burst.count {
      let ref = burst.refs + index
      let frame = Bytes(memory.address(start: ref.pointee.start), count: Int(ref.pointee.length))
      parsed.bytes &+= frame.count
      if let words = classifier.shortPath.words(frame) {
        addresses[index] = words.addresses
        ports[index] = words.ports
        parsed.hasWords |= 1 &<< UInt64(truncatingIfNeeded: index)
      } else {
        let result = Classifier.judgeFully(frame, classifier.snapshot, classifier.link)
        ref.pointee.judgement = Judgement(workSet: result.workSet, verdict: result.reason.rawValue)
      }
      index &+= 1
    }
    counters.add(burst.count, to: WorkerCounters.receivedPackets)
    counters.add(parsed.bytes, to: WorkerCounters.receivedBytes)
    return parsed
  }

  /// Words to work sets: no branch, no call, no memory but the scratch, so the compiler does several at once. Packets
  /// without words are hashed along with the others; nobody reads what comes of it.
  @inline(__always)
  func hash(_ count: Int, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    // A copy: the stores below could change the original, as far as the compiler knows.
    var key = snapshot.pointee.keyPointer.pointee
    let addresses = scratch.addresses, ports = scratch.ports, sets = scratch.sets
    var index = 0
    while index < count {
      sets[index] = ShortPath.workSet(ShortPath.Words(addresses: addresses[index], ports: ports[index]), &key)
      index &+= 1
    }
  }

  /// Mine, another worker's, or another member's? Every packet is counted once: as kept, under its reason, or where
  /// it crosses to. True: the burst is as it was, all of it ours.
  @inline(__always)
  private func own(_ burst: inout Burst, _ parsed: Parsed, _ snapshot: UnsafePointer<ClassifySnapshot>) -> Bool {
    let dispositions = table(snapshot)
    let full: UInt64 = .max &>> UInt64(truncatingIfNeeded: Burst.capacity &- burst.count)
    if parsed.hasWords == full {
      assign(burst, dispositions)
    } else {
      assign(burst, dispositions, hasWords: parsed.hasWords)
    }
    var mine = 0, notMine = 0
    let ours = Disposition(worker: worker).bits, theirs = Disposition(.notMine).bits
    var index = 0
    while index < burst.count {
      mine &+= scratch.dispositions[index] == ours ? 1 : 0
      notMine &+= scratch.dispositions[index] == theirs ? 1 : 0
      index &+= 1
    }
    counters.add(notMine, to: .notMine)
    if mine == burst.count {
      counters.add(mine, to: WorkerCounters.keptPackets)
      counters.add(parsed.bytes, to: WorkerCounters.keptBytes)
      return true
    }
    if notMine != burst.count { settle(&burst, nil, snapshot) }
    return false
  }

  /// The same where each packet got its judgement along with its work set.
  @inline(__always)
  private func ownLookedUp(
    _ burst: inout Burst, _ parsed: Parsed, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) -> Bool {
    // With security, what is kept is known once it has been sealed or opened.
    let isSecured = snapshot.pointee.hasSecurity
    if parsed.strays != 0 {
      leaveStrays(&burst, isSecured ? snapshot.pointee.tables : nil, snapshot)
      return false
    }
    if !isSecured {
      counters.add(burst.count, to: WorkerCounters.keptPackets)
      counters.add(parsed.bytes, to: WorkerCounters.keptBytes)
    }
    return true
  }

  @inline(never)
  private func leaveStrays(
    _ burst: inout Burst, _ tables: AssociationTables?, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) {
    var notMine = 0
    var index = 0
    while index < burst.count {
      notMine &+= burst.refs[index].verdict == DropReason.notMine.rawValue ? 1 : 0
      index &+= 1
    }
    counters.add(notMine, to: .notMine)
    if notMine != burst.count { settle(&burst, tables, snapshot) }
  }

  /// Counts a packet under its set and says whose it is.
  @inline(__always)
  static func assign(
    _ ref: UnsafeMutablePointer<PacketRef>, _ set: UInt16, _ dispositions: UnsafePointer<Disposition>,
    _ counters: WorkerCounters
  ) -> UInt16 {
    counters.addPacket(toSet: set)
    let disposition = dispositions[Int(set)].bits
    ref.pointee.judgement = Judgement(workSet: set, disposition: disposition)
    return disposition
  }

  /// The common burst: every packet has a work set from the hash.
  @inline(__always)
  private func assign(_ burst: Burst, _ dispositions: UnsafePointer<Disposition>) {
    let sets = scratch.sets, results = scratch.dispositions
    var index = 0
    while index < burst.count {
      let set = sets[index]
      counters.addPacket(toSet: set)
      let disposition = dispositions[Int(set)].bits
      results[index] = disposition
      burst.refs[index].judgement = Judgement(workSet: set, disposition: disposition)
      index &+= 1
    }
  }

  @inline(__always)
  private func assign(_ burst: Burst, _ dispositions: UnsafePointer<Disposition>, hasWords: UInt64) {
    var index = 0
    while index < burst.count {
      let judged = burst.refs[index].judgement
      let isHashed = hasWords &>> UInt64(truncatingIfNeeded: index) & 1 == 1
      let set = isHashed ? scratch.sets[index] : judged.workSet
      var disposition = UInt16(judged.verdict)
      if isHashed || disposition == 0 {
        counters.addPacket(toSet: set)
        disposition = dispositions[Int(set)].bits
      }
      scratch.dispositions[index] = disposition
      burst.refs[index].judgement = Judgement(workSet: set, disposition: disposition)
      index &+= 1
    }
  }

  /// The burst that is not all of one kind: sends over what is another worker's, puts aside what is held, counts what is
  /// kept and what has a reason, and closes the gaps.
  @inline(never)
  private func settle(
    _ burst: inout Burst, _ tables: AssociationTables?, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) {
    var remaining = 0, kept = 0, keptBytes = 0, crossed = 0
    var index = 0
    while index < burst.count {
      var ref = burst.refs[index]
      let action = scratch.actions[index], places = scratch.places[index]
      index &+= 1
      var digest: UInt64 = 0
      if ref.verdict >= Disposition.given {
        switch turn(&ref, tables == nil ? .none : action, snapshot) {
        case .held: continue
        case .goesOn(let found): digest = found
        }
      }
      if ref.verdict == 0, ref.judgement.worker != worker {
        note(action, places, ref, tables?.generation ?? 0)
        if crossing.send(ref, from: worker) {
          crossed &+= 1
          noteGiven(digest, set: ref.workSet, snapshot)
          continue
        }
        ref.judgement = Judgement(workSet: ref.workSet, verdict: DropReason.crossingFull.rawValue)
      }
      if ref.verdict == 0 {
        kept &+= 1
        keptBytes &+= Int(ref.length)
        noteGiven(digest, set: ref.workSet, snapshot)
      } else if ref.verdict != DropReason.notMine.rawValue, ref.verdict != DropReason.passedOn.rawValue {
        // Where it is passed on it is counted, if it is.
        counters.add(1, to: WorkerCounters.firstDrop &+ Int(ref.verdict))
      }
      burst.refs[remaining] = ref
      scratch.actions[remaining] = action
      scratch.places[remaining] = places
      remaining &+= 1
    }
    if tables == nil {
      counters.add(kept, to: WorkerCounters.keptPackets)
      counters.add(keptBytes, to: WorkerCounters.keptBytes)
    }
    counters.add(crossed, to: WorkerCounters.crossedOut)
    burst.count = remaining
  }

  /// For the worker that the packet crosses to.
  @inline(__always)
  func note(_ action: SecureAction, _ places: PacketPlaces, _ ref: PacketRef, _ generation: UInt32) {
    let header = (memory.address(start: ref.start) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
    header.pointee.action = action.bits
    header.pointee.places = places.bits
    header.pointee.generation = generation
    header.pointee.crossedFrom = UInt32(worker)
  }

  /// Packets that another worker has judged and sent over: they are kept, and counted here.
  @inline(__always)
  func take(_ crossed: inout Burst, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    counters.add(crossed.count, to: WorkerCounters.crossedIn)
    if let esp, let tables = snapshot.pointee.tables {
      recall(&crossed, snapshot, tables.generation)
      let protector = Protector(tables, snapshot, esp)
      if let roundTrip {
        goThere(&crossed, protector, snapshot, roundTrip)
        countKept(crossed)
      } else {
        protect(&crossed, protector, snapshot, protector.sort(crossed, scratch.actions))
      }
      return
    }
    var byteCount = 0
    var index = 0
    while index < crossed.count {
      byteCount &+= Int(crossed.refs[index].length)
      index &+= 1
    }
    counters.add(crossed.count, to: WorkerCounters.keptPackets)
    counters.add(byteCount, to: WorkerCounters.keptBytes)
  }
}
