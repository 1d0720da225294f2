import CWorkSet
import CXDP
package import Contract
import Wire

/// By what the kernel can tell a packet's work set, before a worker sees it (C24): what stays the same while work sets
/// change their owners. One for each side.
package final class EarlyRules: Sendable {
  struct Address: Equatable {
    var address: IPAddress
    var isClusters: Bool
  }

  let key: WorkSetKey
  /// Whose frames are judged; nil: all.
  let macs: [MACAddress]?
  /// The cluster's first.
  let addresses: [Address]
  /// What is neither to the cluster nor to this gateway is judged, too.
  let judgesForwarded: Bool
  /// SPIs of ours, and for a group's the width of its sender ids.
  let spis: [UInt32: UInt32]

  /// Nil where packets cannot be told apart like this: then all of them are workers' to judge.
  package init?(_ description: ClassifyDescription, from side: Side) {
    guard description.hash == .keyed,
      description.clusterAddresses.count + description.localAddresses.count <= Int(HAUBERK_EARLY_ADDRESSES)
    else { return nil }
    key = description.key
    macs = description.accept.map { Self.macs($0, side) }
    addresses =
      description.clusterAddresses.map { Address(address: $0, isClusters: true) }
      + description.localAddresses.map { Address(address: $0, isClusters: false) }
    judgesForwarded = description.clusterAddresses.isEmpty || !Self.tunnelsTakeTraffic(description)
    var spis: [UInt32: UInt32] = [:]
    for tunnel in description.tunnels { spis[tunnel.inboundSPI] = 0 }
    for group in description.groups { spis[group.spi] = UInt32(group.senderIDBits) }
    spis[0] = nil
    self.spis = spis
  }

  /// What is sent to a group on the link is a worker's to judge, unless the group is the cluster.
  private static func macs(_ accept: AcceptDescription, _ side: Side) -> [MACAddress] {
    let unit = side == .inside ? accept.unitMAC : accept.outsideMAC ?? accept.unitMAC
    let group = accept.clusterMulticastMAC ?? unit
    return [group] + [unit, accept.clusterUnicastMAC ?? unit].filter { $0.value >> 40 & 1 == 0 }
  }

  /// Clear traffic of a unicast tunnel has its SPI's work set (X5), which is a policy's to say.
  private static func tunnelsTakeTraffic(_ description: ClassifyDescription) -> Bool {
    let names = Set(description.tunnels.map(\.name))
    return description.tunnels.contains { !$0.local.isEmpty && !$0.remote.isEmpty }
      || description.policies.contains {
        if case .protect(let name) = $0.action { names.contains(name) } else { false }
      }
  }

  // MARK: - As the kernel reads them

  func write(
    to rules: UnsafeMutablePointer<hauberk_early_rules>, _ buckets: UnsafeMutableBufferPointer<hauberk_early_bucket>
  ) {
    rules.pointee = hauberk_early_rules()
    rules.pointee.key = hauberk_work_set_expand(key.high, key.low)
    rules.pointee.mac_mask = macs == nil ? 0 : 0xffff_ffff_ffff
    withUnsafeMutableBytes(of: &rules.pointee.macs) { bytes in
      let places = bytes.bindMemory(to: UInt64.self)
      for place in places.indices {
        // What there is no third of repeats the first.
        let mac = macs.map { $0[place < $0.count ? place : 0].value } ?? 0
        places[place] = (mac << 16).byteSwapped
      }
    }
    rules.pointee.judges_forwarded = judgesForwarded ? 1 : 0
    rules.pointee.address_count = UInt32(addresses.count)
    withUnsafeMutableBytes(of: &rules.pointee.addresses) { bytes in
      let places = bytes.bindMemory(to: hauberk_early_address.self)
      for (place, address) in addresses.enumerated() { places[place] = Self.entry(address) }
    }
    for address in addresses {
      let halves = address.address.halves
      rules.pointee.filter |= hauberk_early_bit_of(halves.high, halves.low)
    }
    write(to: buckets)
  }

  private static func entry(_ one: Address) -> hauberk_early_address {
    let halves = one.address.halves
    let kind =
      (halves.isIPv6 ? HAUBERK_EARLY_IS_IPV6 : 0)
      | (one.isClusters ? HAUBERK_EARLY_IS_CLUSTERS : HAUBERK_EARLY_IS_LOCAL)
    return hauberk_early_address(high: halves.high, low: halves.low, kind: UInt64(kind))
  }

  /// What a bucket has no room for is not judged.
  private func write(to buckets: UnsafeMutableBufferPointer<hauberk_early_bucket>) {
    for place in buckets.indices { buckets[place] = hauberk_early_bucket() }
    for (spi, bits) in spis {
      let place = Int(hauberk_early_bucket_of(spi)) & (buckets.count - 1)
      withUnsafeMutableBytes(of: &buckets[place].entries) { bytes in
        let entries = bytes.bindMemory(to: UInt64.self)
        guard let free = entries.firstIndex(of: 0) else { return }
        entries[free] = UInt64(spi) | UInt64(bits) << 32
      }
    }
  }
}

/// What the kernel is to drop of what comes in on one side: another member's packets, where it can tell.
package struct EarlyFilter: Sendable {
  package var rules: EarlyRules
  /// One for every work set: true where it is another member's for certain. What nobody has, and what is being handed
  /// over, is not.
  package var foreign: [Bool]

  package init(_ rules: EarlyRules, isForeign: (Int) -> Bool) {
    self.rules = rules
    foreign = (0..<WorkSets.count).map(isForeign)
  }

  package init(_ rules: EarlyRules, _ ownership: OwnershipDescription) {
    self.init(rules) { set in
      ownership[set].state == .assigned && !ownership.played.contains(ownership[set].member)
    }
  }
}
