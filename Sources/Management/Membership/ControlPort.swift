import CKernel
import Contract
import Wire

/// One side's wire of the cluster: frames of the cluster's EtherType, from the unit's own MAC address to all units.
final class ControlPort {
  let side: Side
  private(set) var descriptor: Int32
  private let device: String
  private let mac: MACAddress
  private var room = [UInt8](repeating: 0, count: 2048)
  /// Frames that the kernel did not take.
  private(set) var unsent: UInt64 = 0

  /// A group of nobody else's: every switch floods it, and no host listens.
  static let group = MACAddress(0x0348_4155_4245)

  init(_ device: String, side: Side, mac: MACAddress) throws(MembershipRefusal) {
    self.side = side
    self.mac = mac
    self.device = device
    descriptor = Self.open(device)
    guard descriptor >= 0 else {
      throw MembershipRefusal("cannot listen to other units on \(device): \(words(for: -descriptor))")
    }
  }

  private static func open(_ device: String) -> Int32 {
    let group = (0..<6).map { UInt8(truncatingIfNeeded: Self.group.value >> UInt64(40 - 8 * $0)) }
    return unsafe hauberk_control_open(device, EtherType.clusterControl, group)
  }

  /// A device that has been away is another one under the same name. True: it is back, and was not there.
  func lookAfterDevice() -> Bool {
    if descriptor >= 0, unsafe hauberk_control_is_on(descriptor, device) { return false }
    let next = Self.open(device)
    guard next >= 0 else { return false }
    hauberk_control_close(descriptor)
    descriptor = next
    return true
  }

  var hasLink: Bool { unsafe descriptor >= 0 && hauberk_control_has_link(descriptor, device) }

  deinit { hauberk_control_close(descriptor) }

  func send(_ message: [UInt8]) {
    send(to: Self.group, EtherType.clusterControl, message.count) { bytes in
      for (place, octet) in message.enumerated() { bytes.set(octet, at: place) }
    }
  }

  /// Where an address's worker is, or whether it is (X19): by ARP or ND, of all members the unit's own. To everybody, or
  /// to those whose addresses end alike, where its MAC address is not known yet. For an IPv6 address the link's can ask.
  func ask(for target: IPAddress, at mac: MACAddress?, from sender: IPAddress, vlan: UInt16? = nil) {
    switch (target, sender) {
    case (.v4(let target), .v4(let sender)):
      let question = ARPMessage(ARPMessage.request, senderMAC: self.mac, sender: sender, target: target)
      send(to: mac ?? .broadcast, vlan: vlan, EtherType.arp, ARPView.length) { question.write(to: $0) }
    case (.v6(let target), _):
      let group = target.solicitedNode
      let sender = if case .v6(let sender) = sender { sender } else { IPv6Address(linkLocal: self.mac) }
      send(
        NeighbourMessage(solicit: target, linkAddress: self.mac), from: sender, to: mac == nil ? group : target,
        at: mac ?? MACAddress(group: group), vlan: vlan)
    case (.v4, .v6): return
    }
  }

  /// Gratuitous ARP or an unsolicited advertisement: where the cluster's address is from now on (C9).
  func announce(_ one: SharedAddress) {
    let shared = one.mac
    switch one.address {
    case .v4(let address):
      let announcement = ARPMessage(ARPMessage.request, senderMAC: shared, sender: address, target: address)
      send(to: .broadcast, vlan: one.vlan, EtherType.arp, ARPView.length) { announcement.write(to: $0) }
    case .v6(let address):
      let message = NeighbourMessage(
        advertise: address, linkAddress: shared, flags: NeighbourMessage.router | NeighbourMessage.override)
      send(message, from: address, to: .allNodes, at: MACAddress(group: .allNodes), vlan: one.vlan)
    }
  }

  private func send(
    _ message: NeighbourMessage, from source: IPv6Address, to destination: IPv6Address, at mac: MACAddress,
    vlan: UInt16? = nil
  ) {
    let header = IPv6Header(
      from: source, to: destination, IPProtocol.icmpv6, payloadLength: message.length, hopLimit: 255)
    send(to: mac, vlan: vlan, EtherType.ipv6, IPv6View.length + message.length) { bytes in
      header.write(to: bytes)
      message.write(
        to: bytes.dropFirst(IPv6View.length),
        pseudo: InternetChecksum.pseudo(from: source, to: destination, IPProtocol.icmpv6, length: message.length))
    }
  }

  private func send(
    to: MACAddress, vlan: UInt16? = nil, _ type: UInt16, _ length: Int, _ write: (WritableBytes) -> Void
  ) {
    let header = EthernetHeader(to: to, from: mac, vlan: vlan, type: type)
    var frame = [UInt8](repeating: 0, count: max(60, header.length + length))
    let count = frame.count
    let code = unsafe frame.withUnsafeMutableBytes { buffer -> Int32 in
      guard let base = buffer.baseAddress else { return 0 }
      let bytes = unsafe WritableBytes(base, count: count)
      header.write(to: bytes)
      write(bytes.dropFirst(header.length))
      return unsafe hauberk_control_send(descriptor, base, UInt32(count))
    }
    if code != 0 { unsent &+= 1 }
  }

  /// The next message, without its frame, and whose frame it was; nil where none waits.
  func receive() -> (octets: [UInt8], from: MACAddress)? {
    while true {
      let length = unsafe hauberk_control_receive(descriptor, &room, UInt32(room.count))
      if length < 0 { return nil }
      if length <= 14 { continue }
      let from = room[6..<12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return (Array(room[14..<Int(length)]), MACAddress(from))
    }
  }
}
