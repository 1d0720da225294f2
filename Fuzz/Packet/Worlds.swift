import Contract
import Wire

@testable import Dataplane

/// The configurations that every frame meets: both hashes, each with all there is to know and with nothing.
enum Worlds {
  nonisolated(unsafe) static let all: [UnsafePointer<ClassifySnapshot>] = {
    let ownership = OwnershipDescription(members: 3, playing: [0], workers: 2)
    let descriptions = [plain, guarded, clustered, tunnelled].flatMap { description in
      HashKind.allCases.map { hash in
        var one = description
        one.hash = hash
        return one
      }
    }
    return descriptions.map { ClassifySnapshotBuilder.build($0, ownership) }
  }()

  private static var plain: ClassifyDescription {
    var description = ClassifyDescription()
    description.key = WorkSetKey(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
    return description
  }

  /// Takes only what is sent to its MAC addresses. tools/lib/seeds.py knows the unit's.
  private static var guarded: ClassifyDescription {
    var description = plain
    description.accept = AcceptDescription(
      unitMAC: MACAddress(0x0200_0000_0001), clusterMulticastMAC: MACAddress(0x0300_5e00_0001),
      groups: [MACAddress(0x3333_0000_0001)])
    return description
  }

  /// Cluster addresses and groups, but no selectors: the short path stays open.
  private static var clustered: ClassifyDescription {
    var description = guarded
    // tools/lib/seeds.py sends its seeds to the first of either kind.
    description.clusterAddresses = [
      .v4(IPv4Address(0xc633_6401)), .v4(IPv4Address(0xc633_6402)),
      .v6(IPv6Address(high: 0x2001_0db8_000b_0000, low: 1)),
    ]
    description.groups = [8, 12, 16].map { GroupDescription(spi: 0x6772_7000 | UInt32($0), senderIDBits: $0) }
    description.tunnels = [tunnel(0x7475_6e01, [], [])]
    return description
  }

  /// Tunnels with selectors besides: everything takes the full path.
  private static var tunnelled: ClassifyDescription {
    var description = clustered
    description.accept = nil
    description.tunnels += [
      tunnel(0x7475_6e02, ["10.0.0.0/8", "2001:db8:a::/48"], ["192.0.2.0/24", "2001:db8:b::/48"]),
      tunnel(0x7475_6e03, ["0.0.0.0/0"], ["198.51.100.0/24"]),
      tunnel(0x7475_6e04, ["::/0"], ["2001:db8:c::1/128"]),
    ]
    return description
  }

  private static func tunnel(_ spi: UInt32, _ local: [String], _ remote: [String]) -> TunnelDescription {
    TunnelDescription(
      inboundSPI: spi, outboundSPI: spi | 0x8000_0000, peer: .v4(IPv4Address(0xc000_0201)),
      local: local.compactMap { IPPrefix($0) }, remote: remote.compactMap { IPPrefix($0) })
  }
}
