import CKernel
import Contract
@testable import Dataplane
import Memory
import Nonces
import PacketMaking
import Rings
import Wire

/// A live gateway with threads of its own, between two pipes for each worker. The control thread is the test's.
///
/// Inside is 192.0.2.0/24, outside 203.0.113.0/24 with the tunnel's other end.
final class RunningGateway {
  static let inside = MACAddress(0x0200_0000_0001)
  static let outside = MACAddress(0x0200_0000_0002)

  let gateway: LiveGateway
  private let sources: [FrameSource]
  private let pipes: [UnsafeMutablePointer<PipeQueue>]
  /// Those pipes' other ends: a queue itself is its worker's alone from the start on.
  private let ends: [PipeQueue]

  init(_ classify: ClassifyDescription, workers: Int = 1) throws {
    func prefix(_ text: String) -> IPPrefix { IPPrefix(text)! }
    func own(_ side: Side, _ text: String, _ network: String) -> InterfaceDescription {
      InterfaceDescription(
        side: side, addresses: [InterfaceAddress(IPAddress(text)!, network: prefix(network))], mtu: 1500)
    }
    var description = GatewayDescription(
      ports: [PortDescription(side: .inside, device: "in"), PortDescription(side: .outside, device: "out")],
      interfaces: [
        own(.inside, "192.0.2.254", "192.0.2.0/24"), own(.outside, "203.0.113.1", "203.0.113.0/24"),
      ],
      routes: [RouteDescription(prefix("198.51.100.0/24"), via: IPAddress("203.0.113.2")!)])
    description.workers = workers
    var live = LiveDescription(classify, description)
    live.memory.frames = 1024
    let gateway = try LiveGateway(
      live, macs: [Self.inside, Self.outside], nonces: NonceStateDirectory(disk: MemoryDisk(), path: "memory"), .new)
    self.gateway = gateway
    sources = (0..<2 * workers).map { _ in FrameSource(gateway.memory, keeping: 128) }
    pipes = (0..<2 * workers).map { number in
      let pipe = UnsafeMutablePointer<PipeQueue>.allocate(capacity: 1)
      pipe.initialize(to: PipeQueue(capacity: 256, frames: gateway.frames[number / 2]))
      return pipe
    }
    ends = pipes.map(\.pointee)
    let pipes = pipes
    try gateway.start(
      (0..<workers).map {
        LivePorts(inside: LivePort(.pipe(pipes[2 * $0])), outside: LivePort(.pipe(pipes[2 * $0 + 1])))
      })
  }

  deinit {
    gateway.stop()
    for source in sources { source.deallocate() }
    for pipe in pipes {
      pipe.pointee.deallocate()
      pipe.deallocate()
    }
    gateway.deallocate()
  }

  private func pipe(_ side: Side, _ worker: Int) -> Int { 2 * worker + Int(side.rawValue) }

  /// To the gateway's MAC address of that side.
  func put(_ packets: [[UInt8]], _ side: Side, worker: Int = 0, to mac: MACAddress? = nil) {
    let number = pipe(side, worker)
    for octets in packets {
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      precondition(sources[number].take(length: octets.count, &ref))
      let address = gateway.memory.address(of: ref)
      address.copyMemory(from: octets, byteCount: octets.count)
      let mac = (mac ?? (side == .inside ? Self.inside : Self.outside)).value
      for octet in 0..<6 {
        address.storeBytes(
          of: UInt8(truncatingIfNeeded: mac >> UInt64(40 - 8 * octet)), toByteOffset: octet, as: UInt8.self)
      }
      gateway.memory.header(of: ref).pointee = FrameHeader()
      precondition(ends[number].incoming.enqueue(&ref, 1) == 1)
    }
  }

  /// What has come out there by now.
  func take(_ side: Side, worker: Int = 0) -> [[UInt8]] {
    let number = pipe(side, worker)
    var list: [[UInt8]] = []
    while let ref = ends[number].outgoing.dequeue() {
      list.append(Array(UnsafeRawBufferPointer(start: gateway.memory.address(of: ref), count: Int(ref.length))))
      sources[number].give(ref)
    }
    return list
  }

  /// Until that many have come out, or for ten seconds. Nonces are given out meanwhile.
  func await(_ count: Int, _ side: Side, worker: Int = 0) throws -> [[UInt8]] {
    var list: [[UInt8]] = []
    for _ in 0..<10_000 where list.count < count {
      try gateway.serve()
      list += take(side, worker: worker)
      hauberk_sleep_microseconds(1000)
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
