import ControlKit

extension ClusterUnit {
  /// Of all that waits for its time.
  var soonest: Moment? {
    var timer = Timer()
    if !isFenced { timer.include(leaseUntil + 1) }
    if let next = holdings.nextGift { timer.include(next) }
    if let next = holdings.nextConsignment { timer.include(next) }
    switch role {
    case .outside: break
    case .joining(let joining): if links.areWhole { timer.include(min(joining.nextTry, joining.nextLook)) }
    case .client(let client): include(client, in: &timer)
    case .master(let master): include(master, in: &timer)
    }
    return timer.moment
  }

  private func include(_ client: Client, in timer: inout Timer) {
    timer.include(client.nextKeepalive)
    timer.include(client.heardAt + profile.patience)
    timer.include(max(client.nextQuestion, leaseUntil > profile.shortLease ? leaseUntil - profile.shortLease + 1 : 0))
    if isFenced { timer.include(leaseUntil + profile.patience) }
    guard client.deputy == own else { return }
    timer.include(client.nextProbe)
    if let answeredAt = client.answeredAt {
      let succession = max(answeredAt + profile.succession, client.heardAt + profile.detection)
      // Where something else stands in the way, the next probe looks again.
      if succession > now { timer.include(succession) }
    }
  }

  private func include(_ master: Master, in timer: inout Timer) {
    timer.include(min(master.nextKeepalive, master.nextBalance))
    if seeks(master) { timer.include(master.nextSeek) }
    timer.include(master.renewedAt + profile.masterLease / 8)
    let lastHeard = max(master.heardAt, segmentHeardAt ?? 0)
    timer.include(lastHeard + profile.detection)
    timer.include(max(lastHeard + profile.detection / 4, master.nextListen))
    for record in master.members {
      timer.include(record.isSuspected ? record.nextQuestion : record.heardAt + profile.detection)
      timer.include(record.granted + 1)
    }
  }
}

/// The earliest of some moments.
private struct Timer {
  var moment: Moment?

  mutating func include(_ other: Moment) { moment = min(moment ?? other, other) }
}
