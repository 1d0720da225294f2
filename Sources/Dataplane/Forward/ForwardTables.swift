package import Contract
package import Wire

/// Where a packet goes next. A route's value is its number in the list of these.
package struct NextHop: BitwiseCopyable {
  package enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// To ourselves.
    case local
    /// To whom the packet is addressed: he is on the link.
    case onLink
    /// To a router on the link.
    case gateway
    /// Nowhere, and its sender is told.
    case unreachable
  }

  package var kind: Kind
  package var isIPv6 = false
  package var interface: UInt8 = 0
  package var high: UInt64 = 0
  package var low: UInt64 = 0
}

/// How frames leave over an interface.
struct Exit: BitwiseCopyable {
  var side: Side
  /// The TPID and the tag as they lie in a frame; 0 without.
  var tag: UInt32 = 0
  /// Of the whole IP packet.
  var mtu: Int32
  /// Our MAC address, in its lower 48 bits.
  var mac: UInt64
}

/// Routes, next hops and interfaces: read-only, part of a snapshot. Neighbours change by themselves.
package struct ForwardTables: @unchecked Sendable {
  let routes: RouteTable
  let hops: UnsafeMutablePointer<NextHop>
  let hopCount: Int
  let exits: UnsafeMutablePointer<Exit>
  let exitCount: Int
  let neighbours: NeighbourTable
  let segments: SegmentClamp
  /// Numbers of hops and interfaces mean something in it alone.
  let generation: UInt32

  /// `macs` by side. `neighbours` outlive the tables. `longest` is the longest packet that every tunnel takes.
  package init(
    _ gateway: GatewayDescription, macs: [MACAddress], neighbours: NeighbourTable, longest: Int? = nil,
    generation: UInt32 = 0
  ) {
    self.neighbours = neighbours
    self.generation = generation
    segments = SegmentClamp(gateway.segmentLimit, longest: longest)
    let plan = RoutePlan(gateway)
    routes = RouteTable(plan.routes)
    hopCount = plan.hops.count
    hops = .allocate(capacity: max(1, hopCount))
    for (index, hop) in plan.hops.enumerated() { (hops + index).initialize(to: hop) }
    exitCount = gateway.interfaces.count
    exits = .allocate(capacity: max(1, exitCount))
    for (index, interface) in gateway.interfaces.enumerated() {
      (exits + index).initialize(
        to: Exit(
          side: interface.side, tag: interface.vlan.map { UInt32(0x8100) << 16 | UInt32($0) } ?? 0,
          mtu: Int32(interface.mtu), mac: macs[Int(interface.side.rawValue)].value))
    }
  }

  /// Of the link that a next hop is on.
  func mtu(hop: UInt32) -> Int { Int(exits[Int(hops[Int(hop)].interface)].mtu) }
  func side(hop: UInt32) -> Side { exits[Int(hops[Int(hop)].interface)].side }

  /// What every link of a side takes.
  func shortest(_ side: Side) -> Int {
    var shortest = Int.max
    var number = 0
    while number < exitCount {
      if exits[number].side == side, Int(exits[number].mtu) < shortest { shortest = Int(exits[number].mtu) }
      number &+= 1
    }
    return shortest
  }

  package func deallocate() {
    routes.deallocate()
    hops.deallocate()
    exits.deallocate()
  }
}

/// Routes as the description implies them: our addresses, the networks that they are in, and those that are given.
package struct RoutePlan {
  package private(set) var routes: [(IPPrefix, UInt32)] = []
  package private(set) var hops: [NextHop] = []
  /// Routes whose router is on no link of ours.
  package private(set) var unreachable: [RouteDescription] = []

  package init(_ gateway: GatewayDescription) {
    for (number, interface) in gateway.interfaces.enumerated() {
      for address in interface.addresses {
        add(address.network, NextHop(kind: .onLink, isIPv6: address.address.isIPv6, interface: UInt8(number)))
      }
    }
    for route in gateway.routes { add(route, gateway) }
    // Last: what is ours is ours, whatever a route says.
    for (number, interface) in gateway.interfaces.enumerated() {
      for address in interface.addresses.map(\.address) + interface.shared {
        let isIPv6 = address.isIPv6
        guard let host = IPPrefix(address, length: isIPv6 ? 128 : 32) else { continue }
        add(host, NextHop(kind: .local, isIPv6: isIPv6, interface: UInt8(number)))
      }
    }
  }

  private mutating func add(_ route: RouteDescription, _ description: GatewayDescription) {
    guard let gateway = route.gateway else {
      add(route.network, NextHop(kind: .unreachable, isIPv6: route.network.address.isIPv6))
      return
    }
    guard let host = IPPrefix(gateway, length: gateway.isIPv6 ? 128 : 32),
      let number = description.interfaces.firstIndex(where: { interface in
        interface.addresses.contains { host.isWithin($0.network) }
      })
    else {
      unreachable.append(route)
      return
    }
    let halves = gateway.halves
    add(
      route.network,
      NextHop(
        kind: .gateway, isIPv6: halves.isIPv6, interface: UInt8(number), high: halves.high, low: halves.low))
  }

  private mutating func add(_ prefix: IPPrefix, _ hop: NextHop) {
    let known = hops.firstIndex {
      $0.kind == hop.kind && $0.isIPv6 == hop.isIPv6 && $0.interface == hop.interface && $0.high == hop.high
        && $0.low == hop.low
    }
    if known == nil { hops.append(hop) }
    routes.append((prefix, UInt32(known ?? hops.count - 1)))
  }
}
