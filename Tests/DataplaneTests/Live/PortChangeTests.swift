import Contract
import Memory
import Nonces
import PacketMaking
import Rings
import Testing
import Wire

@testable import Dataplane

/// A running worker's port is exchanged, again and again, while frames come in: none is lost, and what is exchanged comes
/// back when nobody uses it any more.
@Suite struct PortChangeTests {
  @Test(arguments: [1, 2]) func portsChangeUnderTraffic(_ workers: Int) throws {
    var description = GatewayDescription(
      ports: [PortDescription(side: .inside, device: "in"), PortDescription(side: .outside, device: "out")],
      interfaces: [InterfaceDescription(side: .inside), InterfaceDescription(side: .outside)])
    description.workers = workers
    var live = LiveDescription(ClassifyDescription(), description)
    live.memory.frames = 2048
    let gateway = try LiveGateway(
      live, macs: [MACAddress(Host.bobMAC)!, MACAddress(Host.aliceMAC)!], nonces: nil, .new)
    func pipes() -> [Pipe] { gateway.frames.map { Pipe(PipeQueue(capacity: 64, frames: $0)) } }
    let outside = pipes()
    var inside = [pipes(), pipes()]
    try gateway.start(
      zip(inside[0], outside).map { LivePorts(inside: LivePort(.pipe($0.place)), outside: LivePort(.pipe($1.place))) })
    var arrived = 0
    var inTime = true
    for turn in 1...20 {
      for pipe in inside[0] { feed(gateway, pipe) }
      inTime = inTime && wait { take(gateway, &arrived) == turn * workers }
      gateway.change(.inside, to: inside[1].map { LivePort(.pipe($0.place)) })
      var back: [PortChange] = []
      inTime =
        inTime
        && wait {
          back += gateway.takeRetired(); return back.count == workers
        }
      #expect(back.allSatisfy { $0.side == .inside })
      let places = back.compactMap { if case .pipe(let pipe) = $0.port.queue { pipe } else { nil } }
      #expect(Set(places) == Set(inside[0].map(\.place)))
      inside.swapAt(0, 1)
      // What lies in a pipe that is nobody's stays there.
      guard inTime else { break }
    }
    #expect(inTime)
    #expect(arrived == 20 * workers)
    gateway.stop()
    for pipe in inside.joined() + outside {
      pipe.place.pointee.deallocate()
      pipe.place.deallocate()
    }
    gateway.deallocate()
  }

  /// What is sent to a device that is not there is counted, and its frames come back.
  @Test func absenceIsCounted() throws {
    var sizes = PacketMemorySizes()
    sizes.frames = 128
    let memory = try PacketMemory(sizes, near: nil)
    let frames = FrameSource(memory)
    let counters = PortCounters()
    let queue = AbsentQueue(frames: frames, counters: counters)
    for _ in 0..<1000 {
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      #expect(frames.take(length: 60, &ref))
      queue.send(&ref, 1)
    }
    #expect(counters.drops(.linkDown) == 1000)
    counters.deallocate()
    frames.deallocate()
    memory.deallocate()
  }

  /// A queue, which is a worker's alone while he has it, and the other end of its rings.
  private struct Pipe {
    let place = UnsafeMutablePointer<PipeQueue>.allocate(capacity: 1)
    let end: PipeQueue

    init(_ queue: PipeQueue) {
      end = queue
      place.initialize(to: queue)
    }
  }

  /// An ARP packet, which the worker has nothing to do with but to punt it.
  private func feed(_ gateway: LiveGateway, _ pipe: Pipe) {
    let octets = ethernet(0x0806, to: "ff:ff:ff:ff:ff:ff", [UInt8](repeating: 0, count: 46))
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    guard gateway.controlFrames.take(length: octets.count, &ref) else { return }
    gateway.memory.address(of: ref).copyMemory(from: octets, byteCount: octets.count)
    _ = pipe.end.incoming.enqueue(&ref, 1)
  }

  private func take(_ gateway: LiveGateway, _ arrived: inout Int) -> Int {
    for exchange in gateway.exchanges {
      while let ref = exchange.punted.dequeue() {
        gateway.controlFrames.give(ref)
        arrived += 1
      }
    }
    return arrived
  }

  private func wait(until body: () -> Bool) -> Bool {
    let deadline = Deadline(milliseconds: 20_000)
    while !body() {
      if deadline.isOver { return false }
      giveWay()
    }
    return true
  }
}
