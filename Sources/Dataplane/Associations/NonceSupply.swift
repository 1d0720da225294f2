import CCrypto
package import Contract
package import Nonces

/// Gives workers the nonces they seal with: a lease for each sender and worker, a block at start, another when a worker
/// asks. Control's thread alone.
package final class NonceSupply {
  /// How unicast SAs, whose keys two units may share over a takeover, divide their sender ids.
  package static let unicastUnits = UnitNumber.most + 1
  package static let unicastWidth = SenderIDWidth.sixteen

  /// By outbound SA and worker.
  private var leases: [NonceLease?]
  /// All SAs of a group share the states of its first.
  private var firstOfGroup: [Int: Int] = [:]
  private let workers: Int
  private let generation: UInt32
  /// From the numbers of the generation before to those of this one, of SAs that go on; `max` of others.
  private var numbers: [UInt32]

  /// `directory` has the nonce state of all keys: on disk for keys that live on, in memory for those that do not. Nil
  /// where no suite needs any. `history`: what is known of the keys' past.
  package init(
    _ associations: Associations, _ ownership: OwnershipDescription, workers: Int, unit: Int,
    from directory: NonceStateDirectory?, _ history: KeyHistory, after old: NonceSupply? = nil
  ) throws(NonceRefusal) {
    self.workers = workers
    generation = associations.tables.generation
    leases = Array(repeating: nil, count: associations.tables.outboundCount * workers)
    numbers = Array(repeating: .max, count: old.map { $0.leases.count / workers } ?? 0)
    defer { associations.forgetBefore() }
    for sites in associations.plan.sites {
      for site in sites { firstOfGroup[site] = sites[0] }
    }
    var senders: [(outbound: Int, users: [Int], width: SenderIDWidth)] = []
    var openings: [KeyOpening] = []
    for sender in associations.senders where sender.isCounterMode {
      guard let width = SenderIDWidth(rawValue: sender.senderIDBits), let key = Self.key(sender.key) else { continue }
      let units = sender.isGroup ? sender.units : Self.unicastUnits
      let ids = try SenderIDs(width: width, units: units, unit: unit, workers: workers)
      let users = sender.isGroup ? Array(0..<workers) : [Int(ownership.workers[Int(sender.workSet)])]
      // Who goes on, goes on with what he has.
      if let old, let before = sender.before {
        for worker in users { leases[place(sender.outbound, worker)] = old.leases[old.place(before, worker)] }
        numbers[before] = UInt32(sender.outbound)
        continue
      }
      senders.append((sender.outbound, users, width))
      openings.append(KeyOpening(key, history, ids: ids, workers: users))
    }
    guard let first = openings.first else { return }
    guard let directory else {
      throw NonceRefusal(.missing, "there is no state directory for the nonces of key \(first.key.name): name one")
    }
    for (sender, opened) in zip(senders, directory.open(openings)) {
      let nonces = try opened.get()
      for worker in sender.users {
        let lease = try nonces.lease(worker: worker)
        leases[place(sender.outbound, worker)] = lease
        let state = (associations.tables.outbound + sender.outbound).pointee.state(of: worker)
        state.pointee.nonces = try lease.nextBlock()
        // No packet without a nonce, so numbers that go on from there are new to every peer: one whose window we were in
        // before a restart would take the old ones for replays.
        state.pointee.sequence.resume(after: state.pointee.nonces.used(sender.width))
      }
    }
  }

  private func place(_ outbound: Int, _ worker: Int) -> Int { outbound * workers + worker }

  package static func key(_ description: KeyDescription) -> NonceKey? {
    var fingerprint = [UInt8](repeating: 0, count: NonceKey.fingerprintBytes)
    description.material.withOctets { octets in
      hauberk_fingerprint(octets.baseAddress?.assumingMemoryBound(to: UInt8.self), octets.count, &fingerprint)
    }
    return NonceKey(fingerprint: fingerprint, born: description.born)
  }

  /// The outbound SA that is meant, by the numbers of now. Nil: it is gone.
  package func number(in report: Report) -> Int? {
    let number = Int(report.sa)
    if report.generation == generation { return number }
    guard report.generation &+ 1 == generation, number < numbers.count, numbers[number] != .max else { return nil }
    return Int(numbers[number])
  }

  /// The same request by the numbers of now. Nil: its SA is gone.
  package func renumbered(_ report: Report) -> Report? {
    number(in: report).map { Report(report.kind, worker: report.worker, sa: $0, generation: generation) }
  }

  /// The order that answers a worker's report, or nil where there is nothing to give.
  package func order(for report: Report) throws(NonceRefusal) -> Order? {
    guard report.kind == .nonces, report.worker < workers, let outbound = number(in: report) else { return nil }
    let place = place(firstOfGroup[outbound] ?? outbound, Int(report.worker))
    guard place < leases.count, let lease = leases[place] else { return nil }
    return Order(.nonces, sa: UInt32(outbound), nonces: try lease.nextBlock())
  }
}
