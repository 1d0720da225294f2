import CWorkSet
package import Contract
import Wire

/// What happens to a work set's packets at this member: a DropReason below, and above it, when that is none, the number
/// of the worker whose they are. The same halves as in a Judgement, so that one shift joins it to a work set.
struct Disposition: BitwiseCopyable {
  let bits: UInt16

  @inline(__always) init(worker: UInt8) { bits = UInt16(worker) << 8 }
  @inline(__always) init(_ reason: DropReason) { bits = UInt16(reason.rawValue) }

  @inline(__always) var verdict: UInt8 { UInt8(truncatingIfNeeded: bits) }
  @inline(__always) var worker: UInt8 { UInt8(truncatingIfNeeded: bits >> 8) }
}

/// All that the packet path knows about who it is and what is its work. Immutable once published.
package struct ClassifySnapshot {
  let hash: HashKind
  let acceptance: Acceptance
  let outsideAcceptance: Acceptance
  let cluster: ClusterAddresses
  /// Of a live gateway; none in a replay.
  let locals: ClusterAddresses
  let policies: PolicyTable
  let spis: SPITable
  let outbound: OutboundTable
  /// The subkeys lie apart, on a cache line of their own.
  let keyPointer: UnsafePointer<hauberk_work_set_key>
  /// One for every work set.
  let dispositions: UnsafePointer<Disposition>
  /// IPv4 destinations whose bit is set here leave the short path: they may be ours, or may take a tunnel.
  let shortPathFilter: UInt64
  /// What seals and opens; nil leaves packets as they are.
  let tables: AssociationTables?

  /// Whether a packet goes further than its owner only as a policy says.
  @inline(__always) var hasSecurity: Bool { tables != nil }
  /// Where packets go; nil in a replay, where they go back to whence they came.
  let forward: ForwardTables?

  @inline(__always) var isLive: Bool { forward != nil }
}

/// Makes snapshots out of descriptions. Runs on the control thread, before publication.
package enum ClassifySnapshotBuilder {
  /// `associations` are those of the same description, and outlive the snapshot, as the forwarding tables do.
  package static func build(
    _ description: ClassifyDescription, _ ownership: OwnershipDescription, _ associations: Associations? = nil,
    forward: ForwardTables? = nil
  ) -> UnsafePointer<ClassifySnapshot> {
    let key = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<hauberk_work_set_key>.stride, alignment: 64
    ).bindMemory(to: hauberk_work_set_key.self, capacity: 1)
    key.initialize(to: hauberk_work_set_expand(description.key.high, description.key.low))

    let cluster = ClusterAddresses(description.clusterAddresses)
    let locals = ClusterAddresses(description.localAddresses)
    // X7: everything takes the symmetric hash when no cluster address is given.
    let tunnels = description.clusterAddresses.isEmpty ? [] : description.tunnels
    var secured = description
    secured.tunnels = tunnels
    let plan = associations?.plan ?? AssociationPlan(secured, hasAssociations: false)
    let policies = PolicyTableBuilder(secured, plan, associations?.tables).build(refusing: associations != nil)
    let outbound = tunnels.map { tunnel in
      let peer = tunnel.peer.halves
      return OutboundTable.Entry(
        peerHigh: peer.high, peerLow: peer.low, outboundSPI: tunnel.outboundSPI,
        inboundSPI: tunnel.inboundSPI)
    }
    let snapshot = UnsafeMutablePointer<ClassifySnapshot>.allocate(capacity: 1)
    snapshot.initialize(
      to: ClassifySnapshot(
        hash: description.hash,
        acceptance: Acceptance(description.accept),
        outsideAcceptance: Acceptance(description.accept?.outside),
        cluster: cluster,
        locals: locals,
        policies: policies,
        spis: SPITable(inbound(secured, plan, associations?.tables)),
        outbound: OutboundTable(outbound),
        keyPointer: UnsafePointer(key),
        dispositions: dispositions(ownership),
        shortPathFilter: cluster.filter | locals.filter,
        tables: associations?.tables,
        forward: forward))
    return UnsafePointer(snapshot)
  }

  private static func inbound(
    _ description: ClassifyDescription, _ plan: AssociationPlan, _ tables: AssociationTables?
  ) -> [SPITable.Entry] {
    let unicast = zip(description.tunnels, plan.inboundTunnels).map { tunnel, sa in
      var entry = SPITable.Entry(spi: tunnel.inboundSPI, action: sa.map { .open($0) } ?? .none)
      if let sa, let tables, tables.inbound[sa].flags.contains(.isPlain) { entry.action = entry.action.plain }
      return entry
    }
    return unicast
      + zip(description.groups, plan.inboundGroups).map { group, sa in
        SPITable.Entry(
          spi: group.spi, senderIDBits: UInt32(group.senderIDBits), action: sa.map { .open($0) } ?? .none)
      }
  }

  package static func destroy(_ snapshot: UnsafePointer<ClassifySnapshot>) {
    let pointer = UnsafeMutablePointer(mutating: snapshot)
    let key = UnsafeMutablePointer(mutating: snapshot.pointee.keyPointer)
    key.update(repeating: hauberk_work_set_key(), count: 1)
    UnsafeMutableRawPointer(key).deallocate()
    snapshot.pointee.acceptance.deallocate()
    snapshot.pointee.outsideAcceptance.deallocate()
    snapshot.pointee.cluster.deallocate()
    snapshot.pointee.locals.deallocate()
    snapshot.pointee.policies.deallocate()
    snapshot.pointee.spis.deallocate()
    snapshot.pointee.outbound.deallocate()
    snapshot.pointee.dispositions.deallocate()
    pointer.deinitialize(count: 1)
    pointer.deallocate()
  }

  private static func dispositions(_ ownership: OwnershipDescription) -> UnsafePointer<Disposition> {
    let table = UnsafeMutablePointer<Disposition>.allocate(capacity: WorkSets.count)
    for set in 0..<WorkSets.count {
      let entry = ownership[set]
      let disposition =
        switch entry.state {
        case .unassigned: Disposition(.workSetUnassigned)
        case .assigned where !ownership.played.contains(entry.member): Disposition(.notMine)
        case .pending: Disposition(.workSetPending)
        case .assigned: Disposition(worker: ownership.workers[set])
        }
      (table + set).initialize(to: disposition)
    }
    return UnsafePointer(table)
  }
}
