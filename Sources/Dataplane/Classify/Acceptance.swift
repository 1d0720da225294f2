import Contract
import Wire

/// Which destination MACs are ours. Every member of a cluster sees every frame; the rest is someone else's.
///
/// Addresses are kept as eight bytes of a frame give them, masked to the six that count: comparing needs no swap.
struct Acceptance {
  /// Zero when every MAC is accepted, and the addresses with it: then everything is equal.
  let mask: UInt64
  let clusterMulticast: UInt64
  let clusterUnicast: UInt64
  let unit: UInt64
  let groups: UnsafeMutablePointer<UInt64>
  let groupCount: Int

  init(_ description: AcceptDescription?) {
    mask = description == nil ? 0 : Self.bitsOfAddress
    let unit = description.map { Self.inMemoryOrder($0.unitMAC) } ?? 0
    self.unit = unit
    // What is not configured repeats the unit's, so that the hot path compares without asking.
    clusterMulticast = description?.clusterMulticastMAC.map(Self.inMemoryOrder) ?? unit
    clusterUnicast = description?.clusterUnicastMAC.map(Self.inMemoryOrder) ?? unit
    let list = [MACAddress.broadcast] + (description?.groups ?? [])
    groupCount = list.count
    groups = .allocate(capacity: groupCount)
    for (index, group) in list.enumerated() {
      (groups + index).initialize(to: Self.inMemoryOrder(group))
    }
  }

  /// The first six of eight bytes, in this machine's order.
  private static let bitsOfAddress = UInt64(bigEndian: 0xffff_ffff_ffff_0000)

  func deallocate() { groups.deallocate() }

  private static func inMemoryOrder(_ mac: MACAddress) -> UInt64 {
    UInt64(bigEndian: mac.value << 16) & bitsOfAddress
  }

  var acceptsAll: Bool { mask == 0 }

  /// A frame of at least an Ethernet header.
  func accepts(_ frame: Bytes) -> Bool {
    let mac = frame.uint64InMemoryOrder(at: 0) & mask
    if mac == clusterMulticast || mac == clusterUnicast || mac == unit { return true }
    var index = 0
    while index < groupCount {
      if groups[index] == mac { return true }
      index &+= 1
    }
    return false
  }
}

extension AcceptDescription {
  /// As it is for frames that come from outside.
  var outside: AcceptDescription {
    var outside = self
    outside.unitMAC = outsideMAC ?? unitMAC
    return outside
  }
}
