import CKernel
import Contract
import Memory
import Wire

/// What a worker does for the cluster besides its share: nothing while it has no lease, and answers to those who ask
/// whether it works.
extension LiveWorker {
  /// Before every receive of a member's: what is said meanwhile counts from the next one on.
  @inline(__always)
  mutating func prepareReceive() {
    tables?.look()
    lease?.prepare()
  }

  /// Behind every receive of a member's.
  @inline(__always)
  mutating func watchLease(
    _ side: Side, _ received: Int, _ snapshot: UnsafePointer<ClassifySnapshot>, _ seconds: Int64
  ) {
    guard var watch = lease else { return }
    if let table = tables?.table(side, received) { stages.scratch.adopted.pointee = UInt(bitPattern: table) }
    let wasAside = watch.isAside
    let beginsAnew = watch.look()
    if beginsAnew { leaving.beginAnew(watch.epoch) }
    if received > 0 { watch.desk.noteHearing(by: number, hauberk_boot_nanoseconds()) }
    lease = watch
    lookForDoubts(watch.desk)
    if watch.isAside != wasAside { turnAsideIfNeeded() }
    if beginsAnew || !watch.isOpen, let newcomers = handover?.pointee.newcomers, !newcomers.isEmpty {
      newcomers.throwAway(.fenced)
    }
    guard let holding = handover?.pointee.holding, !holding.isEmpty else { return }
    if beginsAnew || !watch.isOpen {
      holding.throwAway(.fenced)
    } else if holding.count(side) > 0 {
      releaseHeld(side, holding, snapshot, seconds)
    }
  }

  /// When everything of a round has left.
  @inline(__always)
  func tellTable() {
    guard let settled = tables?.settled, let desk = lease?.desk else { return }
    desk.noteTable(UInt64(UInt(bitPattern: settled)), by: number)
  }

  /// Throws a burst away where it may be somebody else's work. Answers to probes are heard all the same, and who asks.
  mutating func fenceOff(_ burst: inout Burst, _ side: Side, _ fullness: Int) {
    guard lease?.refuses(side, fullness) == true else { return turnAsideIfNeeded() }
    turnAsideIfNeeded()
    var bytes = 0
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      bytes &+= Int(ref.length)
      overhear(ref, side)
      frames.give(ref)
      index &+= 1
    }
    stages.counters.add(burst.count, to: WorkerCounters.receivedPackets)
    stages.counters.add(bytes, to: WorkerCounters.receivedBytes)
    stages.counters.add(burst.count, to: .fenced)
    burst.count = 0
  }

  /// True: what others have sent over was received before everything began anew, and is gone.
  @inline(__always)
  mutating func fenceOffCrossed(_ burst: Burst) -> Bool {
    guard lease?.refusesCrossed(burst.count) == true else { return false }
    throwAway(burst)
    return true
  }

  @inline(never)
  private func throwAway(_ crossed: Burst) {
    var index = 0
    while index < crossed.count {
      frames.give(crossed.refs[index])
      index &+= 1
    }
    stages.counters.add(crossed.count, to: WorkerCounters.crossedIn)
    stages.counters.add(crossed.count, to: .fenced)
  }

  /// Whoever asks for an address can be asked in turn, by a unit without a cluster that has to know whether it hears.
  private func overhear(_ ref: PacketRef, _ side: Side) {
    guard let desk = lease?.desk, let speech = speech(ref, desk.mac(side)), !speech.sender.isNone else { return }
    if let unit = desk.unit(at: speech.sender, side) {
      if speech.isAnswer { desk.noteAnswer(of: unit, side) }
    } else if !speech.isAnswer {
      desk.noteAsker(speech.mac, speech.sender, side, by: number)
    }
  }

  private func speech(_ ref: PacketRef, _ own: MACAddress) -> UnitSpeech? {
    UnitSpeech(Bytes(stages.memory.address(start: ref.start), count: Int(ref.length)), own: own)
  }

  /// Of what units ask each other: an answer is noted, and a question for our own address is answered here and now, by
  /// the worker, whatever becomes of control (X19). False: it is not of that kind, or the slow path wants to see it as
  /// well.
  mutating func takeProbe(_ ref: PacketRef, _ side: Side) -> Bool {
    guard let desk = lease?.desk, let speech = speech(ref, desk.mac(side)), !desk.isOwn(speech.sender, side),
      let unit = desk.unit(at: speech.sender, side)
    else { return false }
    if speech.isAnswer {
      desk.noteAnswer(of: unit, side)
      return false
    }
    guard desk.isOwn(speech.target, side), desk.isOpen else { return false }
    let answer = UnitAnswer(to: speech, desk.mac(side))
    guard Int(ref.length) >= answer.length else { return false }
    answer.write(to: WritableBytes(stages.memory.address(start: ref.start), count: answer.length))
    side == .inside ? leaving.add(ref, .inside, inside) : leaving.add(ref, .outside, outside)
    return true
  }
}
