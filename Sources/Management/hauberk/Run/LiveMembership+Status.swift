import CKernel
import CLI
import Cluster
import Contract
import ControlKit
import Membership

/// What there is to show of the cluster.
extension LiveMembership {
  var status: ClusterStatus {
    var status = ClusterStatus()
    status.name = description.name
    status.unit = own
    status.delivery = description.delivery.rawValue
    guard let desk = member?.desk else { return status }
    let now = hauberk_boot_nanoseconds()
    let shown = desk.shown
    status.sent = shown.sent
    status.unsent = shown.unsent
    status.passed = shown.passed
    status.oneSided = shown.oneSided
    status.refused = NamedCounts(
      // What is for another unit is no news.
      shown.refused.filter { $0.name != "notForUs" }.map { ($0.name, $0.count) })
    status.latestMilliseconds = Double(shown.latest) / 1e6
    status.detectionMilliseconds = description.pace == .fast ? 20 : 100
    status.events = desk.events.map {
      ClusterEventStatus(secondsAgo: Double($0.at.age(at: now)) / 1e9, event: $0.event, isWarning: $0.isWarning)
    }
    status.ageMilliseconds = Double(shown.at.age(at: now)) / 1e6
    if let snapshot = shown.snapshot { show(snapshot, in: &status) }
    return status
  }

  private func show(_ snapshot: ClusterSnapshot, in status: inout ClusterStatus) {
    status.role = snapshot.role.rawValue
    status.term = snapshot.term >> 8
    status.master = snapshot.master.map(Int.init)
    status.deputy = snapshot.deputy.map(Int.init)
    status.isFenced = snapshot.isFenced
    status.leaseMilliseconds = Double(snapshot.leaseNanoseconds) / 1e6
    status.n = snapshot.n
    status.asksNewcomers = snapshot.isDoubting
    status.balance = description.balance.rawValue
    status.tableVersion = snapshot.table.version
    status.runs = (0..<WorkSets.count).filter { snapshot.running.contains($0) }
    status.running = status.runs.count
    for set in 0..<WorkSets.count {
      let entry = snapshot.table[set]
      status.work.append(entry.state == .unassigned ? nil : Int(entry.member))
      if entry.state == .pending { status.pending.append(set) }
    }
    status.units = description.units.map { unit in
      var row = MemberStatus()
      row.unit = unit.number
      row.inside = "\(unit.inside)"
      row.outside = "\(unit.outside)"
      row.isOwn = unit.number == own
      row.isDeputy = snapshot.deputy.map(Int.init) == unit.number
      row.sets = status.work.count { $0 == unit.number }
      let found = snapshot.members.first { Int($0.unit) == unit.number }
      row.packetsPerSecond = snapshot.packetsPerSecond[MemberNumber(unit.number)]
      row.loss = found?.loss
      row.isSuspected = found?.isSuspected ?? false
      row.isDraining = found?.isDraining ?? false
      if snapshot.master.map(Int.init) == unit.number {
        row.role = "master"
      } else if row.isOwn {
        row.role = snapshot.role == .client ? "member" : snapshot.role.rawValue
      } else if found != nil {
        row.role = "member"
      }
      return row
    }
  }
}
