import CKernel
import Contract
import Memory
import Nonces
import Wire

extension Stages {
  /// Seals and opens what is ours. Packets change their length here, so what goes out is counted here.
  @inline(__always)
  func protect(
    _ burst: inout Burst, _ protector: Protector, _ snapshot: UnsafePointer<ClassifySnapshot>,
    _ first: Protector.Sorted
  ) {
    var sorted = first
    if sorted.other != 0 { handleOthers(&burst, protector, snapshot, &sorted) }
    if let forward = snapshot.pointee.forward { age(burst, &sorted, forward.segments) }
    var unsure = ~(sorted.seal | sorted.open)
    var bytes = 0
    if sorted.seal != 0 {
      unsure |= protector.seal(
        burst, sorted.seal, isVaried: sorted.isVaried, scratch.actions, scratch.places, counters, &bytes)
    }
    if sorted.open != 0 {
      unsure |= protector.open(
        burst, sorted.open, isVaried: sorted.isVaried, scratch.actions, scratch.places, counters, &bytes)
    }
    if unsure & (.max &>> UInt64(truncatingIfNeeded: Burst.capacity &- burst.count)) == 0, burst.count > 0 {
      counters.add(burst.count, to: WorkerCounters.keptPackets)
      counters.add(bytes, to: WorkerCounters.keptBytes)
    } else {
      countKept(burst)
    }
  }

  /// A gateway that forwards is a hop for what it seals, and for what it lets pass in clear (RFC 2003 section 3.1). What
  /// it opens is aged when it leaves.
  @inline(never)
  private func age(_ burst: Burst, _ sorted: inout Protector.Sorted, _ segments: SegmentClamp) {
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      let isOpened = scratch.actions[index].kindBits == SecureAction.Kind.open.rawValue
      let offset = Int(scratch.places[index].ip), bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: index)
      let ip = memory.address(start: ref.start) + offset
      if ref.verdict == 0, !isOpened {
        if !Forwarder.age(ip) {
          Protector.refuse(burst, index, .hopLimitOver, counters)
          sorted.seal &= ~bit
        } else if segments.isOn, sorted.seal & bit != 0 {
          segments.apply(ip, available: Int(ref.length) &- offset)
        }
      }
      index &+= 1
    }
  }

  @inline(never)
  func countKept(_ burst: Burst) {
    var kept = 0, bytes = 0
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      kept &+= ref.verdict == 0 ? 1 : 0
      bytes &+= ref.verdict == 0 ? Int(ref.length) : 0
      index &+= 1
    }
    counters.add(kept, to: WorkerCounters.keptPackets)
    counters.add(bytes, to: WorkerCounters.keptBytes)
  }

  /// What the common burst has none of: refusals, fragments, and packets whose SA is another worker's (X9).
  @inline(never)
  private func handleOthers(
    _ burst: inout Burst, _ protector: Protector, _ snapshot: UnsafePointer<ClassifySnapshot>,
    _ sorted: inout Protector.Sorted
  ) {
    var remaining = 0
    var index = 0
    while index < burst.count {
      defer { index &+= 1 }
      let isOther = sorted.other &>> UInt64(truncatingIfNeeded: index) & 1 == 1
      if isOther, handle(burst, index, protector, snapshot) { continue }
      burst.refs[remaining] = burst.refs[index]
      scratch.actions[remaining] = scratch.actions[index]
      scratch.places[remaining] = scratch.places[index]
      remaining &+= 1
    }
    burst.count = remaining
    sorted = protector.sort(burst, scratch.actions)
  }

  /// True when the packet has gone: to another worker, or to what is held.
  private func handle(
    _ burst: Burst, _ index: Int, _ protector: Protector, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) -> Bool {
    let action = scratch.actions[index]
    if burst.refs[index].verdict != 0 { return false }
    switch action.kind {
    case .bypass: return false
    case .refuse:
      Protector.refuse(burst, index, action.reasonBits, counters)
      return false
    case .reassemble: return reassemble(burst, index, protector, snapshot)
    case .local:
      Protector.refuse(burst, index, .forUs, counters)
      return false
    case .seal: return cross(burst, index, toSet: protector.sealer.tables.outbound[action.index].workSet, snapshot)
    case .open: return cross(burst, index, toSet: protector.opener.tables.inbound[action.index].workSet, snapshot)
    default:
      // What came to no policy at all is refused like what no policy fits.
      Protector.refuse(burst, index, .noPolicy, counters)
      return false
    }
  }

  /// A fragment of what is for us: kept, or the packet that it makes whole takes its place.
  private func reassemble(
    _ burst: Burst, _ index: Int, _ protector: Protector, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) -> Bool {
    let worker = protector.esp
    let ref = burst.refs[index], ip = scratch.places[index].ip
    let note = worker.header(of: ref).pointee
    let packet = Bytes(worker.address(of: ref) + ip, count: Int(ref.length) &- ip)
    let dissection = Dissection(quoted: packet, isIPv6: packet.uint8(at: 0) >> 4 == 6)
    var timeouts = 0
    let outcome = worker.fragments.add(packet, dissection.addresses, seconds: note.seconds, &timeouts)
    counters.add(timeouts, to: WorkerCounters.reassemblyTimeouts)
    switch outcome {
    case .held(let number):
      noteWaiting(ref, number, isFirst: worker.fragments.held(number) == 1, snapshot)
      Protector.refuse(burst, index, .reassembled, counters)
    case .refused(let reason): Protector.refuse(burst, index, reason, counters)
    case .whole(let number):
      var whole = PacketRef(position: 0, offset: 0, length: 0)
      defer { worker.fragments.release(number) }
      guard worker.frames.take(length: ip &+ worker.fragments.length(number), &whole) else {
        Protector.refuse(burst, index, .noFrame, counters)
        return false
      }
      let start = worker.address(of: whole)
      hauberk_copy(start, worker.address(of: ref), ip)
      worker.fragments.copy(number, to: start + ip)
      worker.header(of: whole).pointee = note
      noteWhole(ref, number, snapshot)
      worker.frames.give(ref)
      burst.refs[index] = whole
      counters.add(worker.fragments.held(number), to: WorkerCounters.joinedFragments)
      let arePiecesOurs = table(snapshot)[Int(ref.workSet)].isOurs
      if judgeWhole(burst, index, worker.link, snapshot) { return true }
      if burst.refs[index].verdict == DropReason.passedOn.rawValue {
        // Others' pieces have been passed on once.
        guard arePiecesOurs else {
          Protector.refuse(burst, index, .notMine, counters)
          return false
        }
        cutToPass(burst, index, ip: ip, identification: worker.fragments.identification(number), snapshot, worker)
      }
    }
    return false
  }

  /// Whose the whole packet is, and what is to be done with it: more than its fragments could say.
  private func judgeWhole(
    _ burst: Burst, _ index: Int, _ link: LinkType, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) -> Bool {
    let ref = burst.refs[index]
    let result = Classifier.judgeFully(
      Bytes(memory.address(start: ref.start), count: Int(ref.length)), snapshot, link, from: side(of: ref, snapshot))
    burst.refs[index].judgement = Judgement(workSet: result.workSet)
    scratch.actions[index] = result.action.general
    scratch.places[index] = PacketPlaces(ip: result.offset, esp: result.espOffset)
    if result.reason != .none {
      Protector.refuse(burst, index, result.reason, counters)
      return false
    }
    switch result.action.kind {
    case .bypass, .seal, .open: return cross(burst, index, toSet: result.workSet, snapshot)
    case .local: Protector.refuse(burst, index, .forUs, counters)
    case .refuse: Protector.refuse(burst, index, result.action.reasonBits, counters)
    // A fragment of a fragment is nothing that anybody sends.
    case .reassemble: Protector.refuse(burst, index, .fragmentMalformed, counters)
    case .none: Protector.refuse(burst, index, .noPolicy, counters)
    }
    return false
  }

  /// A unicast SA lives on one worker of one member, whatever brought its packet here (X9).
  private func cross(
    _ burst: Burst, _ index: Int, toSet set: UInt16, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) -> Bool {
    var disposition = table(snapshot)[WorkSets.count &+ Int(set)]
    if disposition.isHeld {
      burst.refs[index].judgement = Judgement(workSet: set)
      if hold(burst.refs[index], snapshot) { return true }
      disposition = Disposition(.workSetPending)
    }
    // Whoever has the set next does not hold it: the packet came under another set, and is noted under that.
    if disposition.isGiving { disposition = Disposition(worker: disposition.worker) }
    burst.refs[index].judgement = Judgement(workSet: set, disposition: disposition.bits)
    if disposition.verdict != 0 {
      if disposition.verdict != DropReason.passedOn.rawValue {
        counters.add(1, to: WorkerCounters.firstDrop &+ Int(disposition.verdict))
      }
      return false
    }
    if disposition.worker == worker { return false }
    let generation = snapshot.pointee.tables?.generation ?? 0
    note(scratch.actions[index], scratch.places[index], burst.refs[index], generation)
    if crossing.send(burst.refs[index], from: worker) {
      counters.add(1, to: WorkerCounters.crossedOut)
      return true
    }
    Protector.refuse(burst, index, .crossingFull, counters)
    return false
  }

  /// What the worker that sent these over has found out about them.
  @inline(__always)
  func recall(_ crossed: inout Burst, _ snapshot: UnsafePointer<ClassifySnapshot>, _ generation: UInt32) {
    var hasGone = false
    var index = 0
    while index < crossed.count {
      let ref = crossed.refs[index]
      let header = (memory.address(start: ref.start) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
      scratch.actions[index] = SecureAction(bits: header.pointee.action)
      scratch.places[index] = PacketPlaces(bits: header.pointee.places)
      if header.pointee.generation != generation, judgeAgain(crossed, index, snapshot) {
        crossed.refs[index].length = 0
        hasGone = true
      }
      index &+= 1
    }
    if hasGone { closeGaps(&crossed) }
  }

  /// What has gone on to another worker is no part of the burst any more.
  @inline(never)
  private func closeGaps(_ burst: inout Burst) {
    var remaining = 0
    var index = 0
    while index < burst.count {
      if burst.refs[index].length > 0 {
        burst.refs[remaining] = burst.refs[index]
        scratch.actions[remaining] = scratch.actions[index]
        scratch.places[remaining] = scratch.places[index]
        remaining &+= 1
      }
      index &+= 1
    }
    burst.count = remaining
  }

  /// The worker that sent it over had other tables: its numbers mean nothing here. By the new tables its SA may be another
  /// worker's, who counts its numbers: true, it has gone there.
  @inline(never)
  private func judgeAgain(_ burst: Burst, _ index: Int, _ snapshot: UnsafePointer<ClassifySnapshot>) -> Bool {
    let ref = burst.refs[index]
    let frame = Bytes(memory.address(start: ref.start), count: Int(ref.length))
    let result = Classifier.judgeFully(
      frame, snapshot, esp?.link ?? .ethernet, from: side(of: ref, snapshot))
    scratch.actions[index] = result.action.general
    scratch.places[index] = PacketPlaces(ip: result.offset, esp: result.espOffset)
    if ref.isGiven, result.action.kind != .reassemble { noteWhole(ref, nil, snapshot) }
    burst.refs[index].judgement = Judgement(workSet: result.workSet)
    if result.reason != .none {
      Protector.refuse(burst, index, result.reason, counters)
      return false
    }
    guard result.action.kind == .seal || result.action.kind == .open else { return false }
    // Another member has seen it, too.
    guard table(snapshot)[WorkSets.count &+ Int(result.workSet)].isOurs else {
      Protector.refuse(burst, index, .workSetPending, counters)
      return false
    }
    return cross(burst, index, toSet: result.workSet, snapshot)
  }

  // MARK: Orders

  func takeNonces(_ order: Order, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    guard let tables = snapshot.pointee.tables, Int(order.sa) < tables.outboundCount else { return }
    let state = (tables.outbound + Int(order.sa)).pointee.state(of: Int(worker))
    state.pointee.nextNonces = order.nonces
  }

  func endLifetime(_ order: Order, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    guard let tables = snapshot.pointee.tables, Int(order.sa) < tables.outboundCount else { return }
    let state = (tables.outbound + Int(order.sa)).pointee.state(of: Int(worker))
    // What is lost already does not end by its time.
    if state.pointee.end == .none { state.pointee.close(.over) }
  }
}
