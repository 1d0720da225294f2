import Contract
import Memory
import Rings
import Wire

/// Where packets go that were judged: out by a route, up to control, or back to the pool.
extension LiveWorker {
  @inline(__always)
  mutating func depart<Watch: BurstWatch>(
    _ burst: Burst, _ snapshot: UnsafePointer<ClassifySnapshot>, _ watch: Watch
  ) {
    guard let tables = snapshot.pointee.forward else { return giveBack(burst) }
    let forwarder = Forwarder(tables: tables, memory: stages.memory)
    generation = UInt64(tables.generation) << ControlExchange.generationShift
    findRoutes(burst, tables.routes)
    var punts = 0
    var index = 0
    while index < burst.count {
      var ref = burst.refs[index]
      let offset = Int(stages.scratch.places[index].ip)
      let action = stages.scratch.actions[index]
      var next = header(of: ref).pointee.made
      let opened = action.kindBits == SecureAction.Kind.open.rawValue ? ControlExchange.openedBit : 0
      // Now: the frame may be somebody else's soon.
      let origin = header(of: ref).pointee.sequence & ControlExchange.originBits | opened
      if ref.verdict == 0 {
        send(&ref, offset, action, forwarder, route: stages.scratch.routes[index], &punts, watch)
      } else {
        // Of what is passed on, the member stands where the worker of other packets does.
        let hop = UInt32(ref.judgement.worker)
        watch.went(ref, action, DropReason(rawValue: ref.verdict) ?? .none, hop: hop, exit: nil)
        settle(ref, DropReason(rawValue: ref.verdict) ?? .none, &punts)
      }
      while next.length > 0 {
        var made = next
        next = header(of: made).pointee.made
        header(of: made).pointee.made.length = 0
        header(of: made).pointee.sequence = origin
        if ref.verdict == DropReason.passedOn.rawValue {
          made.judgement = ref.judgement
          passOn(made)
        } else {
          send(&made, offset, .none, forwarder, route: nil, &punts, watch)
        }
      }
      index &+= 1
    }
    if punts > 0 { exchange.wakeControl() }
  }

  /// IPv4 packets of a burst all at a time: with many routes each alone would wait for memory. Of every other packet what
  /// is found means nothing.
  @inline(__always)
  private func findRoutes(_ burst: Burst, _ routes: RouteTable) {
    let scratch = stages.scratch, addresses = scratch.destinations
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      // Where nothing was found, whatever stands there has been there for longer.
      let offset = ref.verdict == 0 ? Int(scratch.places[index].ip) : 0
      let ip = stages.memory.address(start: ref.start) + offset
      addresses[index] = UInt32(bigEndian: ip.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
      index &+= 1
    }
    routes.find4(addresses, scratch.routes, count: burst.count)
  }

  @inline(__always)
  mutating func send<Watch: BurstWatch>(
    _ ref: inout PacketRef, _ offset: Int, _ action: SecureAction, _ forwarder: Forwarder, route: UInt32?,
    _ punts: inout Int, _ watch: Watch
  ) {
    if action.kindBits == SecureAction.Kind.open.rawValue {
      header(of: ref).pointee.sequence |= ControlExchange.openedBit
      let ip = stages.memory.address(start: ref.start) + offset
      if !Forwarder.age(ip) {
        watch.went(ref, action, .hopLimitOver, hop: 0, exit: nil)
        return refuse(ref, .hopLimitOver, 0, &punts)
      }
      let segments = forwarder.tables.segments
      if segments.isOn { segments.apply(ip, available: Int(ref.length) &- offset) }
    }
    let outcome = forwarder.send(&ref, ip: offset, route: route)
    if outcome.reason == .none {
      watch.went(ref, action, .none, hop: outcome.hop, exit: outcome.side)
      outcome.side == .inside ? leaving.add(ref, .inside, inside) : leaving.add(ref, .outside, outside)
    } else if outcome.reason != .tooBigForLink
      || !sendInPieces(ref, offset, action, outcome.hop, forwarder, &punts, watch)
    {
      watch.went(ref, action, outcome.reason, hop: outcome.hop, exit: nil)
      refuse(ref, outcome.reason, outcome.hop, &punts)
    }
  }

  /// A packet of control's, behind a link header of its making.
  @inline(never)
  mutating func forward(_ made: PacketRef, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    guard let tables = snapshot.pointee.forward else { return frames.give(made) }
    generation = UInt64(tables.generation) << ControlExchange.generationShift
    var ref = made, punts = 0
    ref.judgement = Judgement()
    let forwarder = Forwarder(tables: tables, memory: stages.memory)
    send(&ref, EthernetView.length, .none, forwarder, route: nil, &punts, NoWatch())
    if punts > 0 { exchange.wakeControl() }
  }

  @inline(never)
  mutating func refuse(_ ref: PacketRef, _ reason: DropReason, _ hop: UInt32, _ punts: inout Int) {
    stages.counters.add(1, to: WorkerCounters.firstDrop &+ Int(reason.rawValue))
    header(of: ref).pointee.action = hop
    settle(ref, reason, &punts)
  }

  /// It is counted already. What control has to see goes there; all else is over.
  @inline(never)
  private mutating func settle(_ ref: PacketRef, _ reason: DropReason, _ punts: inout Int) {
    if ControlExchange.isOver(reason) { return frames.give(ref) }
    if reason == .passedOn { return passOn(ref) }
    if reason == .arp || reason == .forUs, lease != nil, takeProbe(ref, side(of: ref)) { return }
    var ref = ref
    ref.judgement = Judgement(workSet: ref.workSet, verdict: reason.rawValue)
    let origin = header(of: ref).pointee.sequence & ControlExchange.originBits
    header(of: ref).pointee.sequence = origin | generation
    if exchange.punted.enqueue(&ref, 1) == 1 {
      punts &+= 1
    } else {
      stages.counters.add(1, to: .controlBusy)
      frames.give(ref)
    }
  }

  func side(of ref: PacketRef) -> Side {
    header(of: ref).pointee.sequence & 1 == 1 ? .outside : .inside
  }

  private func giveBack(_ burst: Burst) {
    var index = 0
    while index < burst.count {
      frames.give(burst.refs[index])
      index &+= 1
    }
  }

  @inline(__always)
  mutating func leave() {
    leaving.send(.inside, inside)
    leaving.send(.outside, outside)
    inside.flush()
    outside.flush()
  }
}
