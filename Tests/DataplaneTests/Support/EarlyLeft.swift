import Contract
import PacketMaking
import Wire

/// What the early filter leaves to workers, whosever it is (C24). `ARCHITECTURE.md` has the same list in the same words.
enum EarlyLeft: String, CaseIterable {
  case everything = "everything under the `compat` hash, and with more addresses than there is room for"
  case elsewhere = "what is sent to another MAC address than the cluster's"
  case otherType = "VLAN tags and EtherTypes that are not IP's"
  case header = "IPv4 options, and headers or lengths that cannot be"
  case extensionHeader = "IPv6 extension headers, and a fragment that is the whole packet"
  case local = "what is for this gateway's own addresses"
  case error = "ICMP errors"
  case discovery = "neighbour solicitations and advertisements"
  case unknownSPI = "ESP to the cluster whose SPI is not known there"
  case short = "what ends before the octets that tell"
  case policy = "forwarded packets where a tunnel takes some and the policy has no room"
}

extension EarlyLeft {
  /// Nil where the filter has to judge as workers do. It reads octets for itself: what it shares with the filter or with
  /// workers could be wrong in both.
  init?(_ frame: [UInt8], _ description: ClassifyDescription, hasRoomForPolicy: Bool) {
    guard let kind = Self.kind(Octets(frame), description, hasRoomForPolicy) else { return nil }
    self = kind
  }

  private struct Octets {
    var all: [UInt8]
    init(_ all: [UInt8]) { self.all = all }
    subscript(_ at: Int) -> Int { Int(all[at]) }
    func two(_ at: Int) -> Int { self[at] << 8 | self[at + 1] }
    func four(_ at: Int) -> UInt32 { UInt32(two(at)) << 16 | UInt32(two(at + 2)) }
    func slice(_ at: Int, _ count: Int) -> [UInt8] { Array(all[at..<at + count]) }
  }

  private static func octets(_ address: IPAddress) -> [UInt8] {
    switch address {
    case .v4(let address): big(address.value)
    case .v6(let address): big(address.high) + big(address.low)
    }
  }

  private static func kind(
    _ frame: Octets, _ description: ClassifyDescription, _ hasRoomForPolicy: Bool
  ) -> EarlyLeft? {
    let addresses = description.clusterAddresses + description.localAddresses
    if description.hash == .compat || addresses.count > 128 { return .everything }
    guard frame.all.count >= 34 else { return .short }
    if let accept = description.accept {
      let mac = frame.slice(0, 6).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      guard mac == accept.clusterMulticastMAC?.value || mac == accept.clusterUnicastMAC?.value else {
        return .elsewhere
      }
    }
    let isIPv6 = frame.two(12) == 0x86dd
    guard isIPv6 || frame.two(12) == 0x0800 else { return .otherType }
    if isIPv6 {
      guard frame.all.count >= 54 else { return .short }
      guard frame[14] >> 4 == 6 else { return .header }
    } else {
      guard frame[14] == 0x45, frame.two(16) >= 20 else { return .header }
    }
    let destination = isIPv6 ? frame.slice(38, 16) : frame.slice(30, 4)
    let isClusters = description.clusterAddresses.contains { octets($0) == destination }
    if !isClusters, description.localAddresses.contains(where: { octets($0) == destination }) { return .local }
    let next = isIPv6 ? frame[20] : frame[23], begin = isIPv6 ? 54 : 34
    // As much of the upper layer as the header promises and is there.
    let count = min(frame.all.count - begin, isIPv6 ? frame.two(18) : frame.two(16) - 20)
    if !isIPv6, frame.two(20) & 0x3fff != 0 { return nil }
    if isIPv6, next == 44 {
      guard count >= 8 else { return .short }
      return frame.two(begin + 2) & 0xfff9 == 0 ? .extensionHeader : nil
    }
    if isIPv6, [0, 43, 51, 60, 135, 139, 140].contains(next) { return .extensionHeader }
    let upper = Upper(frame: frame, next: next, begin: begin, count: count, isIPv6: isIPv6)
    if let kind = isClusters ? toCluster(upper, description) : named(upper) { return kind }
    return isClusters || hasRoomForPolicy ? nil : .policy
  }

  private struct Upper {
    var frame: Octets
    var next, begin, count: Int
    var isIPv6: Bool
  }

  private static func named(_ upper: Upper) -> EarlyLeft? {
    switch upper.next {
    case 6, 17: return upper.count < 8 ? .short : nil
    case upper.isIPv6 ? 58 : 1:
      guard upper.count >= 8 else { return .short }
      let type = upper.frame[upper.begin]
      if upper.isIPv6, type == 135 || type == 136 { return .discovery }
      return (upper.isIPv6 ? [1, 2, 3, 4] : [3, 4, 5, 11, 12]).contains(type) ? .error : nil
    default: return nil
    }
  }

  private static func toCluster(_ upper: Upper, _ description: ClassifyDescription) -> EarlyLeft? {
    func sealed(_ begin: Int, _ count: Int) -> EarlyLeft? {
      guard count >= 12 else { return .short }
      let spi = upper.frame.four(begin)
      let isKnown =
        description.tunnels.contains { $0.inboundSPI == spi } || description.groups.contains { $0.spi == spi }
      return isKnown && spi != 0 ? nil : .unknownSPI
    }
    if upper.next == 50 { return sealed(upper.begin, upper.count) }
    guard upper.next == 17, upper.count >= 8 else { return named(upper) }
    let payload = upper.begin + 8, count = upper.count - 8
    switch upper.frame.two(upper.begin + 2) {
    case 500, 1701: return count < 8 ? .short : nil
    case 4500:
      // IKE stands behind four zeros.
      return count >= 12 && upper.frame.four(payload) == 0 ? nil : sealed(payload, count)
    default: return nil
    }
  }
}
