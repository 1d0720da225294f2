import CCrypto
package import Contract
package import Nonces

/// Gives workers the nonces they seal with: a lease for each sender and worker, a block at start, another when a worker
/// asks. Control's thread alone.
package final class NonceSupply {
  /// How unicast SAs, whose keys two units may share over a takeover, divide their sender ids.
  package static let unicastUnits = UnitNumber.most + 1
  package static let unicastWidth = SenderIDWidth.sixteen

  private let associations: Associations
  /// By outbound SA, then by worker.
  private var leases: [Int: [Int: NonceLease]] = [:]
  private let workerOfSet: [UInt8]
  private let workers: Int

  /// `open` finds the nonce state of a key: on disk for keys that live on, in memory for those that do not.
  package init(
    _ associations: Associations, _ ownership: OwnershipDescription, workers: Int, unit: Int,
    open: (NonceKey, SenderIDs) throws(NonceRefusal) -> KeyNonces
  ) throws(NonceRefusal) {
    self.associations = associations
    self.workers = workers
    workerOfSet = ownership.workers
    for sender in associations.senders where sender.isCounterMode {
      guard let width = SenderIDWidth(rawValue: sender.senderIDBits) else { continue }
      let units = sender.isGroup ? sender.units : Self.unicastUnits
      let ids = try SenderIDs(width: width, units: units, unit: unit, workers: workers)
      guard let key = Self.key(sender.key) else { continue }
      let nonces = try open(key, ids)
      let users = sender.isGroup ? Array(0..<workers) : [Int(ownership.workers[Int(sender.workSet)])]
      for worker in users {
        let lease = try nonces.lease(worker: worker)
        leases[sender.outbound, default: [:]][worker] = lease
        let state = (associations.tables.outbound + sender.outbound).pointee.state(of: worker)
        state.pointee.nonces = try lease.nextBlock()
      }
    }
  }

  package static func key(_ description: KeyDescription) -> NonceKey? {
    var fingerprint = [UInt8](repeating: 0, count: NonceKey.fingerprintBytes)
    description.material.withOctets { octets in
      hauberk_fingerprint(octets.baseAddress?.assumingMemoryBound(to: UInt8.self), octets.count, &fingerprint)
    }
    return NonceKey(fingerprint: fingerprint, born: description.born)
  }

  /// The order that answers a worker's report, or nil where there is nothing to give.
  package func order(for report: Report) throws(NonceRefusal) -> Order? {
    guard report.kind == .nonces else { return nil }
    let outbound = Int(report.value)
    guard outbound < associations.tables.outboundCount else { return nil }
    // All SAs of a group share the states of its first.
    let first = associations.senders.first { sender in
      (associations.tables.outbound + sender.outbound).pointee.state
        == (associations.tables.outbound + outbound).pointee.state
    }
    guard let first, let lease = leases[first.outbound]?[Int(report.worker)] else { return nil }
    return Order(.nonces, sa: UInt32(outbound), nonces: try lease.nextBlock())
  }
}
