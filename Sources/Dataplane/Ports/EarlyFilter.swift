import CWorkSet
import CXDP
package import Contract
import Wire

/// By what the kernel can tell a packet's work set, before a worker sees it (C24): what stays the same while work sets
/// change their owners.
package final class EarlyRules: Sendable {
  struct Address: Equatable {
    var address: IPAddress
    var isClusters: Bool
  }

  /// What becomes of a whole clear packet that is neither to the cluster nor to this gateway.
  enum Forwarded {
    /// A worker judges it.
    case left
    /// It has its own work set.
    case judged
    /// What the policy says, by the side that it comes from.
    case lookedUp(inside: EarlySelectors, outside: EarlySelectors)
  }

  let key: WorkSetKey
  /// Whose frames are judged; nil: all.
  let macs: [MACAddress]?
  /// In buckets, with the salt that leaves none of them too full. The cluster's come first.
  let addresses: [[Address]]
  let salt: UInt64
  let forwarded: Forwarded
  /// SPIs of ours, and for a group's the width of its sender ids.
  let spis: [UInt32: UInt32]

  /// Nil where packets cannot be told apart like this: then all of them are workers' to judge.
  init?(_ description: ClassifyDescription, _ forwarded: Forwarded) {
    guard description.hash == .keyed else { return nil }
    macs = description.accept.map(Self.macs)
    if let macs, macs.isEmpty { return nil }
    let addresses =
      description.clusterAddresses.map { Address(address: $0, isClusters: true) }
      + description.localAddresses.map { Address(address: $0, isClusters: false) }
    guard let (buckets, salt) = Self.buckets(addresses) else { return nil }
    self.addresses = buckets
    self.salt = salt
    key = description.key
    self.forwarded = forwarded
    var spis: [UInt32: UInt32] = [:]
    for tunnel in description.tunnels { spis[tunnel.inboundSPI] = 0 }
    for group in description.groups { spis[group.spi] = UInt32(group.senderIDBits) }
    spis[0] = nil
    self.spis = spis
  }

  /// Nil where there are too many.
  private static func buckets(_ addresses: [Address]) -> ([[Address]], salt: UInt64)? {
    guard addresses.count <= Int(HAUBERK_EARLY_MOST_ADDRESSES) else { return nil }
    for salt in UInt64(0)..<256 {
      var buckets = [[Address]](repeating: [], count: Int(HAUBERK_EARLY_ADDRESS_BUCKETS))
      for address in addresses {
        let halves = address.address.halves
        buckets[Int(hauberk_early_address_place(halves.high, halves.low, salt))].append(address)
      }
      if buckets.allSatisfy({ $0.count <= Int(HAUBERK_EARLY_ADDRESSES) }) { return (buckets, salt) }
    }
    return nil
  }

  /// What is sent to the cluster. To a unit's own address other members pass on what is to be worked on there, whatever
  /// its work set seems to be (X9), and to a group on the link a worker listens.
  private static func macs(_ accept: AcceptDescription) -> [MACAddress] {
    [accept.clusterMulticastMAC, accept.clusterUnicastMAC].compactMap { $0 }
  }

  // MARK: - As the kernel reads them

  /// Into the first rules' place or the second's, which is not current.
  func write(to memory: hauberk_early, _ half: Int, from side: Side) {
    guard let rules = memory.rules, let addresses = memory.addresses, let spis = memory.spis else { return }
    write(to: rules + half)
    switch forwarded {
    case .left: rules[half].forwarded = UInt64(HAUBERK_EARLY_LEAVES_FORWARDED)
    case .judged: rules[half].forwarded = UInt64(HAUBERK_EARLY_JUDGES_FORWARDED)
    case .lookedUp(let inside, let outside):
      let selectors = side == .inside ? inside : outside
      let hasRoom = selectors.write(to: memory, half)
      rules[half].forwarded = UInt64(hasRoom ? HAUBERK_EARLY_LOOKS_UP_FORWARDED : HAUBERK_EARLY_LEAVES_FORWARDED)
      rules[half].selector_mask = UInt64(selectors.buckets.count - 1)
      rules[half].selector_salt = selectors.salt
    }
    let count = Int(HAUBERK_EARLY_ADDRESS_BUCKETS), spiCount = Int(memory.spi_buckets)
    for (place, bucket) in self.addresses.enumerated() {
      withUnsafeMutableBytes(of: &addresses[half * count + place].entries) { bytes in
        let entries = bytes.bindMemory(to: hauberk_early_address.self)
        for entry in entries.indices {
          entries[entry] = entry < bucket.count ? Self.entry(bucket[entry]) : hauberk_early_address()
        }
      }
    }
    write(to: UnsafeMutableBufferPointer(start: spis + half * spiCount, count: spiCount))
  }

  private func write(to rules: UnsafeMutablePointer<hauberk_early_rules>) {
    rules.pointee.key = hauberk_work_set_expand(key.high, key.low)
    rules.pointee.mac_mask = macs == nil ? 0 : 0xffff_ffff_ffff
    rules.pointee.salt = salt
    withUnsafeMutableBytes(of: &rules.pointee.macs) { bytes in
      let places = bytes.bindMemory(to: UInt64.self)
      for place in places.indices {
        // What there is no third of repeats the first.
        let mac = macs.map { $0[place < $0.count ? place : 0].value } ?? 0
        places[place] = (mac << 16).byteSwapped
      }
    }
  }

  private static func entry(_ one: Address) -> hauberk_early_address {
    let halves = one.address.halves
    let kind =
      (halves.isIPv6 ? HAUBERK_EARLY_IS_IPV6 : 0)
      | (one.isClusters ? HAUBERK_EARLY_IS_CLUSTERS : HAUBERK_EARLY_IS_LOCAL)
    return hauberk_early_address(high: halves.high, low: halves.low, kind: UInt64(kind))
  }

  /// What a bucket has no room for is not judged.
  private func write(to buckets: UnsafeMutableBufferPointer<hauberk_early_spis>) {
    for place in buckets.indices { buckets[place] = hauberk_early_spis() }
    for (spi, bits) in spis {
      let place = Int(hauberk_early_spi_place(spi)) & (buckets.count - 1)
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
        && ownership.foreign != .forwarded
    }
  }
}
