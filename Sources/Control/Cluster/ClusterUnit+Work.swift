import ControlKit

/// Leases, fences and the sets that run here.
extension ClusterUnit {
  /// Longer, never shorter.
  mutating func extendLease(until moment: Moment) {
    guard moment > leaseUntil else { return }
    leaseUntil = moment
    direct(.lease(until: moment))
    if isFenced, moment > now { unfence() }
  }

  mutating func fence() {
    guard !isFenced else { return }
    isFenced = true
    direct(.fence)
    tell(.fenced)
  }

  private mutating func unfence() {
    isFenced = false
    direct(.unfence)
    tell(.unfenced)
  }

  /// Out of the cluster, at once: fenced, and everything that runs has to end before we ask to be let in again.
  mutating func abandon() {
    fence()
    leaseUntil = 0
    perform(holdings.abandon())
  }

  /// The authoritative table, from the master or from ourselves (X12).
  mutating func apply(_ table: OwnershipTable) {
    guard table.isNewer(than: holdings.table) else { return }
    let change = holdings.apply(table, now: now, profile.handover)
    direct(.ownership(table))
    perform(change)
  }

  /// The master waits for this word: it is not kept for the next keepalive.
  mutating func report() {
    switch role {
    case .client: sendKeepalive()
    case .master: noteOwnWork()
    case .outside, .joining: break
    }
  }

  /// Not for each of many sets a word, and a table after it.
  mutating func reportSoon() {
    guard case .client(var client) = role else { return }
    client.nextKeepalive = min(client.nextKeepalive, now + profile.detection / 50)
    role = .client(client)
  }
}
