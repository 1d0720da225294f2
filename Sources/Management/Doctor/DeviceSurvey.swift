internal import CMachine
internal import Glibc

/// Looks at network devices, those of this process's namespace.
package enum DeviceSurvey {
  private static let folder = "/sys/class/net"
  /// More would be no report any more.
  private static let most = 64

  static func devices(chosen: [String]) -> [DeviceFacts] {
    guard chosen.isEmpty else { return chosen.map { device($0, isChosen: true) } }
    let up = SystemFiles.names(in: folder).filter { $0 != "lo" }.map { device($0, isChosen: false) }.filter(\.isUp)
    return Array(up.prefix(most))
  }

  package static func device(_ name: String, isChosen: Bool) -> DeviceFacts {
    var facts = DeviceFacts(name)
    facts.isChosen = isChosen
    // A name is part of paths below.
    guard !name.isEmpty, name.utf8.count < Int(IFNAMSIZ), !name.contains("/"), name != ".", name != ".." else {
      return facts
    }
    var answer = hauberk_driver()
    facts.isThere = unsafe hauberk_driver_ask(name, &answer) == 0
    guard facts.isThere else { return facts }
    let place = "\(folder)/\(name)"
    let flags = SystemFiles.line(place + "/flags").flatMap { UInt32($0.dropFirst(2), radix: 16) } ?? 0
    facts.isUp = flags & UInt32(IFF_UP) != 0
    facts.hasCarrier = facts.isUp && SystemFiles.number(place + "/carrier") == 1
    facts.mtu = SystemFiles.number(place + "/mtu") ?? 1500
    facts.driver = text(&answer.driver)
    facts.node = SystemFiles.number(place + "/device/numa_node").flatMap { $0 < 0 ? nil : $0 }
    facts.rings = sizes(answer.receive_ring, answer.most_receive_ring)
    facts.queues =
      sizes(answer.combined_queues, answer.most_combined_queues)
      ?? sizes(answer.receive_queues, answer.most_receive_queues)
    facts.features = features(name)
    facts.xdp = xdp(name)
    if facts.driver == "veth" { facts.peer = peer(of: name) }
    stack(name, &facts)
    return facts
  }

  private static func sizes(_ now: UInt32, _ most: UInt32) -> DeviceFacts.Sizes? {
    most == 0 ? nil : DeviceFacts.Sizes(now: Int(now), most: Int(most))
  }

  private static func features(_ name: String) -> [String: DeviceFacts.Feature] {
    let empty = hauberk_driver_feature()
    var list = [hauberk_driver_feature](repeating: empty, count: 128)
    let count = unsafe hauberk_driver_features(name, &list, Int32(list.count))
    var features: [String: DeviceFacts.Feature] = [:]
    for var one in list.prefix(Int(count)) {
      features[text(&one.name)] = DeviceFacts.Feature(isOn: one.is_on, isFixed: one.is_fixed)
    }
    return features
  }

  private static func xdp(_ name: String) -> DeviceFacts.XDPFeatures? {
    var bits: UInt64 = 0
    return unsafe hauberk_driver_xdp(name, &bits) ? DeviceFacts.XDPFeatures(bits: bits) : nil
  }

  private static func peer(of name: String) -> DeviceFacts.Peer? {
    let number = unsafe hauberk_driver_peer(name)
    guard number > 0 else { return nil }
    // That number counts in the other end's namespace. It is this one if the device of that number here is a veth whose
    // other end is ours.
    let own = SystemFiles.number("\(folder)/\(name)/ifindex")
    let other = SystemFiles.names(in: folder).first { SystemFiles.number("\(folder)/\($0)/ifindex") == Int(number) }
    guard let other, unsafe Int(hauberk_driver_peer(other)) == own else { return DeviceFacts.Peer(name: nil) }
    var peer = DeviceFacts.Peer(name: other)
    peer.features = features(other)
    return peer
  }

  private static func stack(_ name: String, _ facts: inout DeviceFacts) {
    let v4 = "/proc/sys/net/ipv4/conf", v6 = "/proc/sys/net/ipv6/conf"
    facts.forwardsIPv4 = SystemFiles.number("\(v4)/\(name)/forwarding") == 1
    facts.forwardsIPv6 = SystemFiles.number("\(v6)/\(name)/forwarding") == 1
    // The kernel takes the larger of the two.
    facts.reversePathFilter = max(
      SystemFiles.number("\(v4)/all/rp_filter") ?? 0, SystemFiles.number("\(v4)/\(name)/rp_filter") ?? 0)
    facts.hasIPv6 = SystemFiles.number("\(v6)/\(name)/disable_ipv6") == 0
    var list = [CChar](repeating: 0, count: 16 * Int(HAUBERK_ADDRESS_BYTES))
    let count = unsafe hauberk_driver_addresses(name, &list, 16)
    facts.addresses = (0..<Int(count)).map { number in
      let first = number * Int(HAUBERK_ADDRESS_BYTES)
      let octets = list[first..<first + Int(HAUBERK_ADDRESS_BYTES)].prefix { $0 != 0 }
      return String(decoding: octets.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// Characters up to the first zero, out of an array of C's.
  private static func text<Characters>(_ characters: inout Characters) -> String {
    unsafe withUnsafeBytes(of: &characters) { octets in
      unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
