import Contract

/// Which numbers the SAs of a description get, before any of them exists.
///
/// Outbound: the tunnels', then every group's, one for each of its sites. Inbound: the tunnels', then the groups'.
/// A bundle is a tunnel or a group: its number says whose traffic a packet is.
struct AssociationPlan {
  /// By tunnel; nil where there is nothing to protect with.
  private(set) var tunnels: [Int?] = []
  /// By group, then by site.
  private(set) var sites: [[Int]] = []
  private(set) var inboundTunnels: [Int?] = []
  private(set) var inboundGroups: [Int?] = []
  private(set) var outboundCount = 0
  private(set) var inboundCount = 0

  init(_ description: ClassifyDescription, hasAssociations: Bool) {
    for tunnel in description.tunnels {
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

  func bundle(group: Int) -> UInt32 { UInt32(tunnels.count + group) }
}
