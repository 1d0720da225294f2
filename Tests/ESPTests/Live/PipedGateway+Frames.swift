import CKernel
import Contract
@testable import Dataplane
import Memory
import Wire

/// Whole frames, on one worker's wires: for tests that look at one gateway alone.
extension PipedGateway {
  /// Inside is 192.0.2.0/24, outside 203.0.113.0/24 with the tunnel's other end, behind which is 198.51.100.0/24. One host
  /// of each network is known.
  static func alone(
    _ classify: ClassifyDescription, workers: Int = 1,
    member: (desk: ClusterDesk, ownership: OwnershipDescription)? = nil, macs: [MACAddress] = PipedGateway.macs,
    prepare: @escaping @Sendable () -> Void = {}, change: (inout GatewayDescription) -> Void = { _ in }
  ) throws -> PipedGateway {
    func own(_ side: Side, _ text: String, _ network: String) -> InterfaceDescription {
      var addresses = [InterfaceAddress(IPAddress(text)!, network: IPPrefix(network)!)]
      if member != nil {
        let number = side == .inside ? 1 : 2
        addresses.append(
          InterfaceAddress(IPAddress("2001:db8:\(number)::1")!, network: IPPrefix("2001:db8:\(number)::/64")!))
      }
      return InterfaceDescription(side: side, addresses: addresses, mtu: 1500)
    }
    var description = GatewayDescription(
      ports: [PortDescription(side: .inside, device: "in"), PortDescription(side: .outside, device: "out")],
      interfaces: [
        own(.inside, "192.0.2.254", "192.0.2.0/24"), own(.outside, "203.0.113.1", "203.0.113.0/24"),
      ],
      routes: [RouteDescription(IPPrefix("198.51.100.0/24")!, via: IPAddress("203.0.113.2")!)])
    description.workers = workers
    change(&description)
    let gateway = try PipedGateway(classify, description, member: member, macs: macs, prepare: prepare)
    gateway.know("203.0.113.2", 1)
    gateway.know("192.0.2.1", 0)
    return gateway
  }

  /// To the gateway's MAC address of that side.
  func put(_ frames: [[UInt8]], _ side: Side, worker: Int = 0, to mac: MACAddress? = nil) {
    for octets in frames {
      let mac = mac ?? Self.macs[Int(side.rawValue)]
      send(mac.octets + octets.dropFirst(6), side, worker: worker)
    }
  }

  /// What has come out there by now.
  func take(_ side: Side, worker: Int) -> [[UInt8]] {
    var list: [[UInt8]] = []
    while let frame = frame(side, worker: worker) { list.append(frame) }
    return list
  }

  /// Until that many have come out, or for ten seconds. Nonces are given out meanwhile.
  func await(_ count: Int, _ side: Side, worker: Int = 0) throws -> [[UInt8]] {
    var list: [[UInt8]] = []
    try wait {
      try gateway.serve()
      list += take(side, worker: worker)
      return list.count >= count
    }
    return list
  }

  /// Until a condition holds, or for ten seconds.
  func wait(until isTrue: () throws -> Bool) rethrows {
    for _ in 0..<10_000 {
      if try isTrue() { return }
      hauberk_sleep_microseconds(1000)
    }
  }
}
