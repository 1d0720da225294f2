import ControlKit

/// What work costs, and how that decides whose it is (C16).
extension ClusterUnit {
  /// Our own means, for us and for all: whoever is master next needs them as much.
  mutating func haveMeasured(_ report: LoadReport) {
    loads.note(report, of: own, by: holdings.table, now)
    switch role {
    case .client, .master: send(.load(report))
    case .outside, .joining: break
    }
  }

  mutating func hearLoad(_ report: LoadReport, _ from: Sender) {
    guard from.term == term else { return }
    loads.note(report, of: from.unit, by: holdings.table, now)
  }

  /// Of a unit, as it is known now.
  func packetsPerSecond(of unit: MemberNumber) -> Int? {
    loads.rate(of: unit, within: profile.measuredWithin, now)
  }

  /// One round, by packets where that is wanted: then everybody who has work has to have said what it costs.
  func balanced(_ master: inout Master) -> Int {
    let eligible = eligible(master)
    guard description.balance == .packets else {
      return master.assignment.balance(eligible, most: profile.movesPerRound)
    }
    master.assignment.weigh(loads.loads, members: eligible.count)
    for unit in eligible where master.assignment.load[Int(unit)] > 0 && packetsPerSecond(of: unit) == nil { return 0 }
    return master.assignment.level(eligible, most: profile.movesPerRound, rest: profile.loadRest, now: now)
  }
}
