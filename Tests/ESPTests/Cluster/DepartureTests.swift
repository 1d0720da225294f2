import Contract
@testable import Dataplane
import Memory
import Rings
import Testing

/// Right before packets leave, the lease is looked at once more (X17).
@Suite struct DepartureTests {
  /// Packets that were received in the epoch of now, and what becomes of them.
  private final class Rig {
    let memory: PacketMemory
    let frames: FrameSource
    let desk = ClusterDesk(units: [], own: 0, macs: PipedGateway.macs)
    let counters = WorkerCounters()
    let queue = UnsafeMutablePointer<PipeQueue>.allocate(capacity: 1)
    let port: LivePort
    var leaving: Departures

    init(isMember: Bool = true) throws {
      var sizes = PacketMemorySizes()
      sizes.frames = 512
      memory = try PacketMemory(sizes, near: nil)
      frames = FrameSource(memory)
      queue.initialize(to: PipeQueue(capacity: 256, frames: frames))
      port = LivePort(.pipe(queue))
      leaving = Departures(frames, counters, isMember ? desk : nil)
    }

    deinit {
      leaving.deallocate()
      queue.pointee.deallocate()
      queue.deallocate()
      counters.deallocate()
      desk.deallocate()
      frames.deallocate()
      memory.deallocate()
    }

    func begin() {
      desk.beginAnew()
      desk.lease(until: .max)
      leaving.beginAnew(desk.epoch)
    }

    func add(_ count: Int, _ side: Side) {
      for _ in 0..<count {
        var ref = PacketRef(position: 0, offset: 0, length: 0)
        precondition(frames.take(length: 64, &ref))
        leaving.add(ref, side, port)
      }
    }

    func send() {
      leaving.send(.inside, port)
      leaving.send(.outside, port)
    }

    /// How many have left since the last time.
    func left() -> Int {
      var count = 0
      while let ref = queue.pointee.outgoing.dequeue() {
        frames.give(ref)
        count += 1
      }
      return count
    }

    var free: Int {
      var taken: [PacketRef] = []
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      while frames.take(length: 64, &ref) { taken.append(ref) }
      for ref in taken { frames.give(ref) }
      return taken.count
    }
  }

  @Test(arguments: Side.allCases)
  func `nothing leaves when the lease has lapsed since it was received, and its frames come back`(_ side: Side) throws {
    let rig = try Rig()
    let free = rig.free
    rig.begin()
    rig.add(5, side)
    rig.send()
    #expect(rig.left() == 5 && rig.counters.drops(.fenced) == 0)
    rig.add(7, side)
    rig.desk.lease(until: 0)
    rig.send()
    #expect(rig.left() == 0 && rig.counters.drops(.fenced) == 7)
    // As many as a call takes go at once.
    rig.add(64, side)
    #expect(rig.left() == 0 && rig.counters.drops(.fenced) == 71)
    rig.desk.lease(until: 1)
    rig.add(1, side)
    rig.send()
    #expect(rig.left() == 0 && rig.counters.drops(.fenced) == 72 && rig.free == free)
  }

  @Test func `what was received under a lease that is over does not leave under the next`() throws {
    let rig = try Rig()
    let free = rig.free
    rig.begin()
    rig.add(3, .inside)
    rig.add(4, .outside)
    // The worker stood still meanwhile.
    rig.desk.lease(until: 0)
    rig.desk.beginAnew()
    rig.desk.lease(until: .max)
    rig.leaving.send(.inside, rig.port)
    #expect(rig.left() == 0 && rig.counters.drops(.fenced) == 3)
    rig.begin()
    rig.add(2, .outside)
    rig.send()
    #expect(rig.left() == 2 && rig.counters.drops(.fenced) == 7 && rig.free == free)
  }

  @Test func `before anything has begun nothing leaves, and without a cluster everything does`() throws {
    let member = try Rig(), alone = try Rig(isMember: false)
    member.desk.lease(until: .max)
    for rig in [member, alone] {
      rig.add(70, .inside)
      rig.send()
    }
    #expect(member.left() == 0 && member.counters.drops(.fenced) == 70)
    #expect(alone.left() == 70 && alone.counters.drops(.fenced) == 0)
  }

  @Test func `what has crossed counts as taken when the consumer has come that far, though more lies behind`() {
    let crossing = Crossing(workers: 2, capacity: 256)
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    func take() {
      var burst = Burst(refs)
      crossing.receive(into: &burst, at: 1)
    }
    var ref = PacketRef(position: 0, offset: 0, length: 64)
    ref.judgement = Judgement(workSet: 0, disposition: Disposition(worker: 1).bits)
    for _ in 0..<65 { #expect(crossing.send(ref, from: 0)) }
    let crossed = crossing.putIn
    for _ in 0..<63 { #expect(crossing.send(ref, from: 0)) }
    take()
    #expect(!crossing.hasTaken(crossed))
    for _ in 0..<64 { #expect(crossing.send(ref, from: 0)) }
    take()
    #expect(crossing.hasTaken(crossed) && !crossing.wasEmpty)
    refs.deallocate()
    crossing.deallocate()
  }
}
