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
    let stop = holdings.abandon()
    if !stop.isEmpty { direct(.stop(stop)) }
  }

  /// The authoritative table, from the master or from ourselves (X12).
  mutating func apply(_ table: OwnershipTable) {
    guard table.isNewer(than: holdings.table) else { return }
    let change = holdings.apply(table)
    direct(.ownership(table))
    perform(change)
  }

  mutating func perform(_ change: Holdings.Change) {
    for (set, octets) in change.states {
      for place in applications.indices { applications[place].take(octets, of: set) }
    }
    if !change.stop.isEmpty { direct(.stop(change.stop)) }
    if !change.start.isEmpty { direct(.start(change.start)) }
  }

  mutating func haveStopped(_ sets: WorkSetBitmap) {
    var applications = applications
    let change = holdings.stopped(sets, now: now, keepFor: profile.detection / 2) { set in
      for place in applications.indices {
        if let state = applications[place].state(of: set) { return state }
      }
      return nil
    }
    self.applications = applications
    perform(change)
    sendParcels()
    report()
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

  mutating func sendParcels() {
    let parcels = holdings.parcels
    guard !parcels.isEmpty else { return }
    var expired: [Int] = []
    for (place, parcel) in parcels.enumerated() {
      if parcel.deadline <= now {
        expired.append(parcel.set)
      } else if parcel.nextSend <= now {
        let table = holdings.table
        send(
          .state(set: UInt16(parcel.set), term: table.term, version: table.version, octets: parcel.octets),
          to: parcel.to)
        holdings.sent(parcel: place, next: now + profile.probeInterval)
      }
    }
    for set in expired { perform(holdings.dispose(set)) }
    if !expired.isEmpty { report() }
  }

  mutating func receiveState(_ octets: [UInt8], set: Int, term: UInt64, version: UInt64, _ from: Sender) {
    // A set that runs here already has its state, or never will: the sender need not wait.
    let isHere = term == holdings.table.term && holdings.running.contains(set)
    guard isHere || holdings.arrive(octets, of: set, term: term, version: version) else { return }
    send(.stateTaken(set: UInt16(set), term: term, version: version), to: from.unit)
  }
}
