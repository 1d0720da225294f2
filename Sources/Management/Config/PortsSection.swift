import Contract
import Wire

/// `ports`: the devices of a live gateway, one for each side.
struct PortsSection {
  var ports: [PortDescription] = []
  var interfaces: [InterfaceDescription] = []

  static func read(_ reader: inout FieldReader) -> PortsSection? {
    let inside = reader.field("inside", .section { PortSection.read(&$0, .inside) })
    let outside = reader.field("outside", .section { PortSection.read(&$0, .outside) })
    guard let inside, let outside else { return nil }
    if inside.port.device == outside.port.device {
      reader.reject("outside", "found the device '\(outside.port.device)' again, expected one for each side")
    }
    let all = inside.interfaces + outside.interfaces
    var seen = Set<IPAddress>()
    for address in all.flatMap({ $0.addresses.map(\.address) }) where !seen.insert(address).inserted {
      reader.reject("outside", "found the address \(address) twice, expected each once")
    }
    if all.count > InterfaceDescription.most {
      reader.reject("outside", "found \(all.count) interfaces, expected at most \(InterfaceDescription.most)")
    }
    return PortsSection(ports: [inside.port, outside.port], interfaces: all)
  }
}

/// One of them: the port itself is an interface, and each of its VLANs is.
private struct PortSection {
  var port: PortDescription
  var interfaces: [InterfaceDescription]

  static func read(_ reader: inout FieldReader, _ side: Side) -> PortSection? {
    let device = reader.field(
      "device",
      .text("the name of a network device") { name in
        (1...15).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x2f } ? name : nil
      })
    let method = reader.optional("method", .portMethod).flatMap { $0 }
    let mac = reader.optional("mac", .mac.matching("a unicast MAC address") { !$0.isGroup })
    let takesAddresses = reader.field("takeAddresses", .bool, default: false)
    let own = interface(&reader, side, vlan: nil, mtu: nil)
    let vlans = reader.optional(
      "vlans",
      .list(
        of: .section { reader -> InterfaceDescription? in
          let vlan = reader.field("id", .integer(in: 1...UInt16(4094)))
          let description = interface(&reader, side, vlan: vlan, mtu: own.mtu)
          return vlan == nil ? nil : description
        }, count: 0...InterfaceDescription.most))
    guard let device else { return nil }
    var port = PortDescription(side: side, device: device)
    port.method = method
    port.mac = mac
    port.takesAddresses = takesAddresses
    return PortSection(port: port, interfaces: [own] + (vlans ?? []))
  }

  private static func interface(
    _ reader: inout FieldReader, _ side: Side, vlan: UInt16?, mtu: Int?
  ) -> InterfaceDescription {
    var interface = InterfaceDescription(side: side, vlan: vlan)
    interface.addresses = reader.field("addresses", .list(of: .interfaceAddress), default: [])
    interface.mtu = reader.field("mtu", .integer(in: 1280...9200), default: mtu ?? 1500)
    return interface
  }
}

/// One of `routes`.
enum RouteSection {
  static func read(_ reader: inout FieldReader) -> RouteDescription? {
    let network = reader.field("to", .prefix)
    let gateway = reader.optional("via", .address)
    let isUnreachable = reader.field("unreachable", .bool, default: false)
    if isUnreachable == (gateway != nil), !reader.contains("via") || isUnreachable {
      reader.reject("to", "expected 'via', the address of the next router, or 'unreachable: true'")
      return nil
    }
    guard let network else { return nil }
    if let gateway, gateway.isIPv6 != network.address.isIPv6 {
      reader.reject(
        "via", "found '\(gateway)', expected an \(network.address.isIPv6 ? "IPv6" : "IPv4") address, as the network has"
      )
    }
    return RouteDescription(network, via: gateway)
  }
}

/// `control`, `metrics` and `log`: how an operator gets to see a running gateway.
package struct OperationSection: Equatable, Sendable {
  /// The control socket.
  package var socket = "/run/hauberk/control.sock"
  /// Where metrics are asked for; nil for nowhere.
  package var metrics: String?
  package var logLevel = "info"
  package var logFormat = "text"

  package init() {}

  static func read(_ reader: inout FieldReader) -> OperationSection {
    var section = OperationSection()
    if let socket = reader.optional("control", .text("an absolute path") { $0.hasPrefix("/") ? $0 : nil }) {
      section.socket = socket
    }
    section.metrics = reader.optional("metrics", .text("an address and a port such as 127.0.0.1:9100") { listen($0) })
    section.logLevel = reader.field(
      "logLevel", .choice(of: ["debug": "debug", "info": "info", "warning": "warning", "error": "error"]),
      default: "info")
    section.logFormat = reader.field("logFormat", .choice(of: ["text": "text", "json": "json"]), default: "text")
    return section
  }

  private static func listen(_ text: String) -> String? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let host = text[..<colon], digits = text[text.index(after: colon)...]
    guard let port = UInt16(digits), port > 0, String(port) == digits else { return nil }
    // The colons of IPv6 are not that before the port.
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let address = IPAddress(String(isBracketed ? host.dropFirst().dropLast() : host))
    return address?.isIPv6 == isBracketed ? text : nil
  }
}

extension FieldFormat where Value == PortMethod? {
  static var portMethod: FieldFormat {
    choice(of: ["auto": nil, "xdp": .xdp, "packet": .packet, "pcap": .pcap, "tap": .tap])
  }
}

extension FieldFormat where Value == InterfaceAddress {
  /// With its network: 192.0.2.1/24 is an address in 192.0.2.0/24.
  static var interfaceAddress: FieldFormat {
    text("an address and its prefix length, such as 192.0.2.1/24") { text in
      guard let slash = text.firstIndex(of: "/"), let address = IPAddress(String(text[..<slash])),
        let length = Int(text[text.index(after: slash)...]), length > 0, let network = IPPrefix(address, length: length)
      else { return nil }
      return InterfaceAddress(address, network: network.masked)
    }
  }
}
