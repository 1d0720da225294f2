import Contract
@testable import Dataplane
import Memory
import Nonces
import PacketMaking
import Rings
import Wire

/// A live gateway whose wires are rings: its workers run as they do between devices, and the test is control and network.
final class PipedGateway {
  /// By side: its own, and that of the only neighbour there.
  static let macs = [MACAddress(0x0200_0000_0001), MACAddress(0x0200_0000_0002)]
  static let others = [MACAddress(0x0200_0000_0011), MACAddress(0x0200_0000_0012)]

  let gateway: LiveGateway
  /// By worker, both sides. A queue is its worker's alone from the start on; the rings' other ends are ours.
  private let wires: [[PipeQueue]]
  private let queues: [[UnsafeMutablePointer<PipeQueue>]]
  private var turn = 0

  init(
    _ classify: ClassifyDescription, _ description: GatewayDescription, disk: any NonceDisk = MemoryDisk(),
    member: (desk: ClusterDesk, ownership: OwnershipDescription)? = nil, macs: [MACAddress] = PipedGateway.macs,
    unit: Int = 0,
    prepare: @escaping @Sendable () -> Void = {}
  ) throws {
    var live = LiveDescription(classify, description)
    if let member { live.ownership = member.ownership }
    live.unit = unit
    // More than workers keep for themselves of what they drop.
    live.memory.frames = member == nil ? 4096 : 8192
    live.memory.largeFrames = 8
    gateway = try LiveGateway(
      live, macs: macs, nonces: NonceStateDirectory(disk: disk, path: "memory"), .new,
      cluster: member?.desk)
    queues = gateway.frames.map { frames in
      Side.allCases.map { _ in
        let queue = UnsafeMutablePointer<PipeQueue>.allocate(capacity: 1)
        queue.initialize(to: PipeQueue(capacity: 1024, frames: frames))
        return queue
      }
    }
    wires = queues.map { $0.map(\.pointee) }
    try gateway.start(
      queues.map { LivePorts(inside: LivePort(.pipe($0[0])), outside: LivePort(.pipe($0[1]))) }, prepare: prepare)
  }

  deinit {
    gateway.stop()
    for queue in queues.joined() {
      queue.pointee.deallocate()
      queue.deallocate()
    }
    gateway.deallocate()
  }

  /// One that seals for the other: 10.1/16 and 2001:db8:a::/48 behind one, 10.2/16 and 2001:db8:b::/48 behind the other.
  static func pair(
    _ esp: ESPDescription, workers: Int = 1, change: (inout GatewayDescription) -> Void = { _ in }
  ) throws -> (near: PipedGateway, far: PipedGateway, classify: TunnelPair) {
    let pair = TunnelPair(
      esp, local: ["10.1.0.0/16", "2001:db8:a::/48"], remote: ["10.2.0.0/16", "2001:db8:b::/48"])
    let near = try PipedGateway(pair.near, description(1, workers, change))
    let far = try PipedGateway(pair.far, description(2, workers, change))
    for (gateway, number, peer) in [(near, 1, 2), (far, 2, 1)] {
      gateway.know("203.0.113.\(peer)", 1)
      gateway.know("10.\(number).0.2", 0)
      gateway.know("2001:db8:\(number == 1 ? "a" : "b")::2", 0)
    }
    return (near, far, pair)
  }

  static func description(
    _ number: Int, _ workers: Int, _ change: (inout GatewayDescription) -> Void
  ) -> GatewayDescription {
    func address(_ text: String, in network: String) -> InterfaceAddress {
      InterfaceAddress(IPAddress(text)!, network: IPPrefix(network)!)
    }
    let site = number == 1 ? "a" : "b"
    var description = GatewayDescription(
      ports: [PortDescription(side: .inside, device: "in"), PortDescription(side: .outside, device: "out")],
      interfaces: [
        InterfaceDescription(
          side: .inside,
          addresses: [
            address("10.\(number).0.1", in: "10.\(number).0.0/16"),
            address("2001:db8:\(site)::1", in: "2001:db8:\(site)::/48"),
          ]),
        InterfaceDescription(
          side: .outside, addresses: [address("203.0.113.\(number)", in: "203.0.113.0/24")]),
      ])
    description.workers = workers
    change(&description)
    return description
  }

  func know(_ address: String, _ interface: Int) {
    precondition(gateway.learn(IPAddress(address)!, interface: interface, Self.others[interface]))
  }

  /// A packet comes in on a side, by the workers in turn.
  func feed(_ packet: [UInt8], _ side: Side) {
    let number = Int(side.rawValue)
    let type: [UInt8] = packet[0] >> 4 == 6 ? [0x86, 0xdd] : [0x08, 0x00]
    turn = (turn + 1) % wires.count
    send(Self.macs[number].octets + Self.others[number].octets + type + packet, side, worker: turn)
  }

  /// A frame comes in on one worker's wire.
  func send(_ frame: [UInt8], _ side: Side, worker: Int) {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    precondition(gateway.controlFrames.take(length: frame.count, &ref), "no frame")
    gateway.memory.address(of: ref).copyMemory(from: frame, byteCount: frame.count)
    gateway.memory.header(of: ref).pointee = FrameHeader()
    precondition(wires[worker][Int(side.rawValue)].incoming.enqueue(&ref, 1) == 1, "the wire is full")
  }

  /// The next frame that has left by one worker's wire.
  func frame(_ side: Side, worker: Int) -> [UInt8]? {
    guard let ref = wires[worker][Int(side.rawValue)].outgoing.dequeue() else { return nil }
    defer { gateway.controlFrames.give(ref) }
    return [UInt8](UnsafeRawBufferPointer(start: gateway.memory.address(of: ref), count: Int(ref.length)))
  }

  /// What has left by a side: IP packets behind a link header that is as it should be.
  func take(_ side: Side) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    let number = Int(side.rawValue)
    let header = Self.others[number].octets + Self.macs[number].octets
    for worker in wires.indices {
      while let frame = frame(side, worker: worker) {
        precondition(frame.starts(with: header), "another link header: \(frame.prefix(14))")
        packets.append(Array(frame.dropFirst(14)))
      }
    }
    return packets
  }

  /// What workers have left to control, with why.
  func punted() -> [(octets: [UInt8], reason: DropReason)] {
    var list: [([UInt8], DropReason)] = []
    for exchange in gateway.exchanges {
      while let ref = exchange.punted.dequeue() {
        let address = gateway.memory.address(of: ref)
        list.append(
          ([UInt8](UnsafeRawBufferPointer(start: address, count: Int(ref.length))), DropReason(rawValue: ref.verdict)!))
        gateway.controlFrames.give(ref)
      }
    }
    return list
  }
}

/// Carries what is on the wires of two gateways, as their network and as their control, until enough has come out inside.
func carry(
  _ near: PipedGateway, _ far: PipedGateway, until count: Int, seconds: Int = 10,
  _ took: ([[UInt8]]) throws -> Void = { _ in }
) throws -> [[UInt8]] {
  var arrived: [[UInt8]] = []
  let deadline = Deadline(milliseconds: seconds * 1000)
  repeat {
    for packet in near.take(.outside) { far.feed(packet, .outside) }
    let some = far.take(.inside)
    arrived += some
    try near.gateway.serve()
    try far.gateway.serve()
    try took(some)
    if some.isEmpty { giveWay() }
  } while arrived.count < count && !deadline.isOver
  return arrived
}
