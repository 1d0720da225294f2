import ControlKit

/// Whose work is what, as the master deals it (C16, C17, C28, X11, X12).
extension ClusterUnit {
  /// Members that may be given work: all members know of them, so any of these could succeed us without overlooking one
  /// that works.
  func eligible(_ master: Master) -> [MemberNumber] {
    let staying = known(master).lazy.filter { !$0.isDraining }.map(\.unit)
    return (isDraining ? [] : [own]) + staying
  }

  private func known(_ master: Master) -> [Record] {
    let oldest = master.members.lazy.map(\.roster).min() ?? .max
    return master.members.filter { $0.hasReported && $0.admitted <= oldest }
  }

  /// To be called whenever something has changed that the table depends on.
  mutating func settle() {
    guard case .master(var master) = role else { return }
    let wasCollecting = master.isCollecting
    if master.isCollecting {
      // Who has not said yet what it runs may run anything.
      guard master.members.allSatisfy(\.hasReported) else { return }
      master.isCollecting = false
      master.assignment.adopt(holdings.running, of: own)
    }
    let eligible = eligible(master)
    // Who goes is better than nobody.
    master.assignment.distribute(eligible.isEmpty ? [own] + known(master).map(\.unit) : eligible)
    for record in master.members where record.isDraining {
      master.assignment.drain(record.unit, eligible, most: profile.movesPerRound)
    }
    if isDraining { master.assignment.drain(own, eligible, most: profile.movesPerRound) }
    role = .master(master)
    publish()
    // An old master that cannot be heard hears from this how many follow us.
    if wasCollecting { sendMasterKeepalive() }
  }

  private mutating func publish() {
    guard case .master(var master) = role, master.assignment.isChanged else { return }
    let table = master.assignment.publish(term: term)
    for place in master.members.indices { master.members[place].tableSentAt = now }
    role = .master(master)
    if !master.members.isEmpty { send(.table(table)) }
    apply(table)
    noteOwnWork()
  }

  /// The master's own report to itself.
  mutating func noteOwnWork() {
    guard case .master(var master) = role, !master.isCollecting else { return }
    master.assignment.note(own, runs: holdings.running, by: holdings.table.version)
    let isChanged = master.assignment.isChanged
    role = .master(master)
    if isChanged { settle() }
  }

  /// C16, with the correction of X1: every two seconds, and only as long as it helps.
  mutating func balance() {
    guard case .master(var master) = role else { return }
    var moved = 0
    if !master.isCollecting, !master.assignment.isMoving {
      moved = balanced(&master)
    }
    // Where one round is not enough, the next one follows as soon as this one is through.
    let isMore = moved == profile.movesPerRound || master.assignment.isMoving && moved == 0
    master.nextBalance = now + (isMore ? profile.detection / 4 : profile.balanceInterval)
    role = .master(master)
    if moved > 0 { tell(.moved(sets: moved)) }
    publish()
  }
}
