import CWorkSet
package import Contract
import Wire

/// All that the packet path knows about who it is and what is its work. Immutable once published.
package struct ClassifySnapshot {
  let hash: HashKind
  let acceptance: Acceptance
  let outsideAcceptance: Acceptance
  let cluster: ClusterAddresses
  /// Of a live gateway; none in a replay.
  let locals: ClusterAddresses
  /// Whom senders hear who are told what fits: the first of a family, from inside if there is one.
  let answering: ClusterAddresses
  let policies: PolicyTable
  let spis: SPITable
  let outbound: OutboundTable
  /// The subkeys lie apart, on a cache line of their own.
  let keyPointer: UnsafePointer<hauberk_work_set_key>
  /// What becomes of each work set, which changes with the cluster and not with the configuration.
  let ownership: OwnershipCell
  /// Whether the cell goes with the snapshot.
  let ownsOwnership: Bool
  /// IPv4 destinations whose bit is set here leave the short path: they may be ours, or may take a tunnel.
  let shortPathFilter: UInt64
  /// What seals and opens; nil leaves packets as they are.
  let tables: AssociationTables?

  /// One for every work set. Good until the worker's next quiescent point.
  @inline(__always) var dispositions: UnsafePointer<Disposition> { ownership.load() }

  /// Whether a packet goes further than its owner only as a policy says.
  @inline(__always) var hasSecurity: Bool { tables != nil }
  /// Where packets go; nil in a replay, where they go back to whence they came.
  let forward: ForwardTables?

  @inline(__always) var isLive: Bool { forward != nil }
}

/// Makes snapshots out of descriptions. Runs on the control thread, before publication.
package enum ClassifySnapshotBuilder {
  /// With an ownership of its own, that stays as it is. `associations` are those of the same description, and outlive
  /// the snapshot, as the forwarding tables do.
  package static func build(
    _ description: ClassifyDescription, _ ownership: OwnershipDescription, _ associations: Associations? = nil,
    forward: ForwardTables? = nil
  ) -> UnsafePointer<ClassifySnapshot> {
    build(description, OwnershipCell(ownership), owned: true, associations, forward)
  }

  /// By an ownership that outlives the snapshot.
  package static func build(
    _ description: ClassifyDescription, _ ownership: OwnershipCell, _ associations: Associations?,
    forward: ForwardTables?
  ) -> UnsafePointer<ClassifySnapshot> {
    build(description, ownership, owned: false, associations, forward)
  }

  private static func build(
    _ description: ClassifyDescription, _ ownership: OwnershipCell, owned: Bool, _ associations: Associations?,
    _ forward: ForwardTables?
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
        answering: ClusterAddresses(answering(description)),
        policies: policies,
        spis: SPITable(inbound(secured, plan, associations?.tables)),
        outbound: OutboundTable(outbound),
        keyPointer: UnsafePointer(key),
        ownership: ownership,
        ownsOwnership: owned,
        shortPathFilter: cluster.filter | locals.filter,
        tables: associations?.tables,
        forward: forward))
    return UnsafePointer(snapshot)
  }

  /// The cluster's addresses may be of one family only, and packets of the other are sealed all the same.
  private static func answering(_ description: ClassifyDescription) -> [IPAddress] {
    let all =
      description.localAddresses.filter { address in
        if case .v6(let address) = address { !address.isLinkLocal } else { true }
      } + description.clusterAddresses
    return [false, true].compactMap { isIPv6 in all.first { $0.isIPv6 == isIPv6 } }
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
    snapshot.pointee.answering.deallocate()
    snapshot.pointee.policies.deallocate()
    snapshot.pointee.spis.deallocate()
    snapshot.pointee.outbound.deallocate()
    if snapshot.pointee.ownsOwnership { snapshot.pointee.ownership.deallocate() }
    pointer.deinitialize(count: 1)
    pointer.deallocate()
  }
}
