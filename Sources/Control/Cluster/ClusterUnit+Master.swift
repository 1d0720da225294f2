import ControlKit

/// The master's timer and its word to all (C13, C15–C17).
extension ClusterUnit {
  mutating func tickMaster() {
    guard case .master(var master) = role else { return }
    let lastHeard = max(master.heardAt, segmentHeardAt ?? 0)
    if lastHeard.age(at: now) >= profile.detection {
      // Whoever is alone with its silence may be the one that is cut off.
      return giveUp(.deaf)
    }
    if master.renewedAt.age(at: now) >= profile.masterLease / 8 {
      master.renewedAt = now
      extendLease(until: now + profile.masterLease)
    }
    if lastHeard.age(at: now) >= profile.detection / 4, master.nextListen <= now {
      master.nextListen = now + profile.detection / 4
      direct(.listen)
    }
    for place in master.members.indices { suspect(&master.members[place]) }
    role = .master(master)
    removeLapsed()
    if master.nextKeepalive <= now { sendMasterKeepalive() }
    seek()
    if master.nextBalance <= now { balance() }
    noteOwnWork()
    if isDraining { handOver() }
  }

  /// Silence is answered with a question, and by asking the data plane, long before it is a verdict (X19).
  private mutating func suspect(_ record: inout Record) {
    guard record.heardAt.age(at: now) >= profile.detection else { return }
    if !record.isSuspected {
      record.isSuspected = true
      tell(.suspected(record.unit))
    }
    guard record.nextQuestion <= now else { return }
    record.nextQuestion = now + profile.probeInterval
    send(.question(stamp: now), to: record.unit)
    direct(.probe(record.unit))
  }

  /// C17: whose lease has surely ended is no member.
  private mutating func removeLapsed() {
    guard case .master(let master) = role else { return }
    for record in master.members where record.granted < now { remove(record.unit, .lapsed) }
  }

  mutating func remove(_ unit: MemberNumber, _ reason: ClusterEvent.Reason) {
    guard case .master(var master) = role, let place = master.place(of: unit) else { return }
    master.members.remove(at: place)
    master.roster += 1
    master.assignment.remove(unit, eligible(master))
    if reason == .lapsed || reason == .linkLost {
      master.seeksUntil = now + profile.seekFor
      learnHostsAnew()
    }
    role = .master(master)
    tell(.left(unit, reason))
    for place in applications.indices { applications[place].left(unit) }
    settle()
    // With the roster goes the next deputy's name.
    sendMasterKeepalive()
  }

  mutating func sendMasterKeepalive() {
    guard case .master(var master) = role else { return }
    adapt(&master)
    number += 1
    master.nextKeepalive = now + profile.period(Int(master.n))
    role = .master(master)
    let entries = master.members.map {
      MasterKeepalive.Entry(
        unit: $0.unit, incarnation: $0.incarnation, echo: $0.stamp,
        sets: UInt16(master.assignment.load[Int($0.unit)]))
    }
    send(
      .masterKeepalive(
        MasterKeepalive(
          number: number, stamp: now, n: master.n, live: live(master), roster: master.roster,
          deputy: deputy(master), tableVersion: master.assignment.table.version, members: entries)))
  }

  /// C32: as many keepalives as the worst way needs.
  private mutating func adapt(_ master: inout Master) {
    var worst = 0.0
    var unit = own
    for record in master.members where max(record.loss.probability, record.itsLoss) > worst {
      worst = max(record.loss.probability, record.itsLoss)
      unit = record.unit
    }
    master.n = UInt8(LossEstimate.needed(at: worst))
    let isTooHigh = worst > LossEstimate.bearable
    if isTooHigh, !master.isAlarmed { tell(.lossTooHigh(unit)) }
    master.isAlarmed = isTooHigh
  }

  /// X18: the lowest address that lives. Who is silent now would be no help; but where all are, it may be us who hear
  /// nothing, and then somebody has to know that it is him.
  func deputy(_ master: Master) -> MemberNumber? {
    let able = master.members.filter { !$0.isDraining && $0.hasReported }
    return (able.first { !$0.isSuspected } ?? able.first)?.unit
  }

  /// X16: those alone that work under a lease of this term.
  func live(_ master: Master) -> UInt8 {
    UInt8(1 + master.members.count { $0.hasReported && $0.granted >= now })
  }

  /// Our own work is with the others, and our office goes to the deputy without a pause.
  private mutating func handOver() {
    guard case .master(let master) = role, !master.isCollecting else { return }
    // Where all go, nobody is left to give anything to.
    if master.members.allSatisfy(\.isDraining) { return giveUp(.asked) }
    // What we deal last has to be known to all: the next term would deal it once more, without its state. And who is a
    // member: one that we have put out would be let in again with what it had.
    guard holdings.running.isEmpty, !master.assignment.isConcerned(own), !master.assignment.isMoving,
      deputy(master) != nil,
      master.members.allSatisfy({ $0.table == master.assignment.table.version && $0.roster == master.roster })
    else { return }
    direct(.linger)
    direct(.retire)
    abandon()
    send(.succeed)
    role = .outside
    tell(.gaveUp(.asked))
    direct(.drained)
  }
}
