import Contract
import Wire

/// Which numbers the SAs of a description get, before any of them exists.
///
/// Outbound: the tunnels', then every group's, one for each of its sites. Inbound: the tunnels', then the groups'.
/// A bundle is a tunnel or a group: its number says whose traffic a packet is. Tunnels to one peer for one traffic are
/// one bundle: during a rekey the old SA and the new one both receive.
struct AssociationPlan {
  /// By tunnel; nil where there is nothing to protect with.
  private(set) var tunnels: [Int?] = []
  /// By group, then by site.
  private(set) var sites: [[Int]] = []
  private(set) var inboundTunnels: [Int?] = []
  private(set) var inboundGroups: [Int?] = []
  /// By tunnel: the number of the first that has the same ends and the same traffic.
  private(set) var bundles: [UInt32] = []
  private(set) var outboundCount = 0
  private(set) var inboundCount = 0

  init(_ description: ClassifyDescription, hasAssociations: Bool) {
    var first: [Traffic: UInt32] = [:]
    let count = description.tunnels.count
    first.reserveCapacity(count)
    tunnels.reserveCapacity(count)
    inboundTunnels.reserveCapacity(count)
    bundles.reserveCapacity(count)
    for (number, tunnel) in description.tunnels.enumerated() {
      let traffic = Traffic(tunnel)
      // What policies alone send into a tunnel is that tunnel's.
      let isNamed = tunnel.local.isEmpty || tunnel.remote.isEmpty
      let bundle = isNamed ? UInt32(number) : first[traffic, default: UInt32(number)]
      if !isNamed { first[traffic] = bundle }
      bundles.append(bundle)
      let exists = hasAssociations && tunnel.security != nil
      tunnels.append(exists ? outboundCount : nil)
      inboundTunnels.append(exists ? inboundCount : nil)
      outboundCount += exists ? 1 : 0
      inboundCount += exists ? 1 : 0
    }
    for group in description.groups {
      let count = hasAssociations ? group.security?.sites.count ?? 0 : 0
      sites.append(Array(outboundCount..<outboundCount + count))
      outboundCount += count
      let exists = hasAssociations && group.security != nil
      inboundGroups.append(exists ? inboundCount : nil)
      inboundCount += exists ? 1 : 0
    }
  }

  private struct Traffic: Hashable {
    let peer: IPAddress
    let address: IPAddress?
    let local: [IPPrefix]
    let remote: [IPPrefix]

    init(_ tunnel: TunnelDescription) {
      peer = tunnel.peer
      address = tunnel.security?.address
      local = tunnel.local
      remote = tunnel.remote
    }
  }

  func bundle(group: Int) -> UInt32 { UInt32(tunnels.count + group) }
}
