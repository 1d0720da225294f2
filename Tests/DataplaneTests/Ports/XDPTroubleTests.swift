import CXDP
@testable import Dataplane
import Glibc
import Memory
import PacketMaking
import Testing
import Wire

/// What an AF_XDP port does when not all is well, and what it leaves behind.
@Suite(.enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)), .serialized)
struct XDPTroubleTests {
  static func hasProgram(_ device: String) -> Bool { Namespace.said("-d", "link", "show", device).contains("xdp") }

  /// A child that another test starts at this moment has our descriptors until it is another program.
  static func isFree(_ devices: String...) -> Bool {
    let deadline = Deadline(milliseconds: 2000)
    while devices.contains(where: hasProgram) {
      if deadline.isOver { return false }
      usleep(10_000)
    }
    return true
  }

  @Test(arguments: XDPHook.allCases)
  func closingLeavesNothingBehind(hook: XDPHook) throws {
    let found = try Namespace.run {
      var seen: [Bool] = []
      // At once, again and again: the kernel lets go of a queue a little after it was closed.
      for _ in 0..<5 {
        let rig = try XDPRig(hook: hook)
        seen.append(Self.hasProgram("in0") && Self.hasProgram("out0"))
        seen.append(rig.close() == 0)
        seen.append(Self.isFree("in0", "out0"))
        Namespace.ip("link", "delete", "in0")
        Namespace.ip("link", "delete", "out0")
      }
      return seen
    }
    #expect(found == [Bool](repeating: true, count: 15))
  }

  @Test
  func queuesOfTheSameDevicesOpenAgainAtOnce() throws {
    let missing = try Namespace.run {
      let rig = try XDPRig(queues: 2)
      for _ in 0..<10 { try rig.reopen() }
      return rig.close()
    }
    #expect(missing == 0)
  }

  @Test
  func aKilledProcessLeavesNothingBehind() throws {
    let found = try Namespace.run {
      try Namespace.makeCable("in0", "in1")
      try Namespace.makeCable("out0", "out1")
      var seen: [Bool] = []
      for _ in 0..<3 {
        let victim = try Namespace.Process("XDPVictim")
        seen.append(victim.firstLine == "open")
        seen.append(Self.hasProgram("in0") && Self.hasProgram("out0"))
        victim.kill()
        seen.append(Self.isFree("in0", "out0"))
      }
      return seen
    }
    #expect(found == [Bool](repeating: true, count: 9))
  }

  @Test
  func aProgramThatIsThereAlreadyIsRefused() throws {
    let why = try Namespace.run {
      let rig = try XDPRig()
      defer { _ = rig.close() }
      return Self.sentence { _ = try XDPDevice("in0", chunk: 2048) }
    }
    #expect(why.hasPrefix("in0 has an XDP program already"))
  }

  @Test
  func whatCannotBeIsRefusedInWords() throws {
    let found = try Namespace.run {
      let rig = try XDPRig()
      defer { _ = rig.close() }
      let small = Self.sentence {
        var sizes = PacketMemorySizes()
        sizes.frameBytes = 1024
        let memory = try PacketMemory(sizes, near: nil)
        defer { memory.deallocate() }
        _ = try XDPQueue.chunk(memory)
      }
      let taken = Self.sentence {
        _ = try XDPQueue.open(
          inside: rig.inside, outside: rig.outside, queue: 0, frames: rig.sources[0], counters: rig.bothCounters)
      }
      let many = Self.sentence {
        _ = try XDPQueue.open(rig.inside, queue: 1, beside: rig.workers[0].outside, counters: rig.bothCounters.inside)
      }
      return [Self.sentence { _ = try XDPDevice("nowhere", chunk: 2048) }, small, taken, many]
    }
    #expect(found[0] == "there is no device nowhere")
    #expect(found[1].hasPrefix("frames of 1024 bytes are too small for AF_XDP"))
    #expect(found[2] == "queue 0 of in0 has an AF_XDP socket already, which is somebody else's")
    #expect(found[3] == "in0 has 1 receive queues, and a worker wants its queue 1")
  }

  static func sentence(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }

  @Test
  func withoutFreeFramesPacketsAreDroppedAndCounted() throws {
    let found = try Namespace.run {
      let rig = try XDPRig(frames: 1024)
      let far = try RawSocket("in1")
      let queue = rig.workers[0].inside
      let lent = [queue.lentFrames, rig.workers[0].outside.lentFrames]
      // More than there are frames; none is given back.
      var held: [PacketRef] = []
      for number in 0..<2000 {
        _ = far.send(NumberedFrames.usual[number])
        held += rig.hold(queue)
      }
      let dropped = queue.kernelCounts.noFrame
      for ref in held { queue.frames.give(ref) }
      // From here on all is well again.
      var arrived = Arrived(Array(NumberedFrames.usual.prefix(200)))
      let deadline = Deadline(milliseconds: 20_000)
      queue.fill()
      for frame in arrived.expected { _ = far.send(frame) }
      while !arrived.isComplete, !deadline.isOver { for frame in rig.receive(queue) { arrived.note(frame) } }
      return (lent, held.count, dropped, arrived, rig.close())
    }
    // The first one took them all.
    #expect(found.0 == [1024, 0])
    #expect(found.1 == 1024)
    #expect(found.2 >= 976)
    #expect(found.3.isComplete)
    #expect(found.4 == 0, "frames that did not come back")
  }

  @Test
  func aLinkThatIsDownRefusesAndComesBack() throws {
    let found = try Namespace.run {
      var sizes = XDPSizes()
      sizes.transmit = 128
      let rig = try XDPRig(sizes: sizes)
      let far = try RawSocket("in1")
      let queue = rig.workers[0].inside
      var states = [rig.inside.state]
      Namespace.ip("link", "set", "in0", "down")
      states.append(rig.inside.state)
      for number in 0..<1000 {
        guard rig.send(NumberedFrames.usual[number], queue) else { break }
        queue.flush()
      }
      let (sent, dropped) = (queue.counters.sentPackets, queue.counters.drops(.linkDown))
      Namespace.ip("link", "set", "in0", "up")
      while far.next() != nil {}
      states.append(rig.inside.state)
      var arrived = Arrived(Array(NumberedFrames.usual.prefix(200)))
      let deadline = Deadline(milliseconds: 20_000)
      queue.flush()
      while far.next() != nil {}
      for frame in arrived.expected { _ = rig.send(frame, queue) }
      while !arrived.isComplete, !deadline.isOver {
        queue.flush()
        while let frame = far.next() { arrived.note(frame) }
      }
      // In the other direction, too.
      var received = Arrived(arrived.expected)
      for frame in received.expected { _ = far.send(frame) }
      while !received.isComplete, !deadline.isOver { for frame in rig.receive(queue) { received.note(frame) } }
      Namespace.ip("link", "delete", "in0")
      states.append(rig.inside.state)
      // To nowhere: given back, sooner or later.
      for number in 0..<1000 {
        guard rig.send(NumberedFrames.usual[number], queue) else { break }
        queue.flush()
      }
      return (states, sent, dropped, arrived, received, rig.close())
    }
    #expect(found.0 == [.up, .down, .up, .gone])
    #expect(found.1 == 128)
    #expect(found.2 == 1000 - 128)
    #expect(found.3.isComplete)
    #expect(found.4.isComplete)
    #expect(found.5 == 0, "frames that did not come back")
  }

  /// One side's device vanishes and comes back, while the other side's traffic goes on. That of the side whose
  /// registration of the memory both use, and that of the other.
  @Test(arguments: ["in", "out"])
  func aDeviceThatComesBackIsTakenUpAgain(lost: String) throws {
    let found = try Namespace.run {
      let rig = try XDPRig()
      var worker = rig.workers[0]
      let isInside = lost == "in"
      let kept = try RawSocket(isInside ? "out1" : "in1")
      var arrived: [Arrived] = []
      for step in 0..<3 {
        if step == 1 { Namespace.ip("link", "delete", lost + "0") }
        if step == 2 {
          worker = try rig.renew(lost)
          let far = try RawSocket(lost + "1")
          arrived.append(rig.exchange(far, isInside ? worker.inside : worker.outside))
        }
        arrived.append(rig.exchange(kept, isInside ? worker.outside : worker.inside))
      }
      return (arrived, rig.close())
    }
    #expect(found.0.map(\.whole) == [200, 200, 200, 200])
    #expect(found.1 == 0, "frames that did not come back")
  }

  @Test
  func aDeviceListensToGroupsAsLongAsItIsOurs() throws {
    let found = try Namespace.run {
      let rig = try XDPRig()
      try rig.inside.listen(to: MACAddress(0x0100_5e00_0042))
      try rig.outside.listen(to: nil)
      func heard() -> [Bool] {
        [
          Namespace.said("maddress", "show", "dev", "in0").contains("01:00:5e:00:00:42"),
          Namespace.said("-d", "link", "show", "out0").contains("promiscuity 1"),
        ]
      }
      let during = heard()
      let missing = rig.close()
      return (during, heard(), missing)
    }
    #expect(found.0 == [true, true])
    #expect(found.1 == [false, false])
    #expect(found.2 == 0)
  }

  @Test
  func framesThatNoDeviceTakesAreRefused() throws {
    let found = try Namespace.run {
      let rig = try XDPRig()
      let queue = rig.workers[0].inside
      for length in [13, 14, 1522, 1523, 5000] { _ = rig.send([UInt8](repeating: 0, count: length), queue) }
      let counters = queue.counters
      return (counters.sentPackets, counters.drops(.refused), counters.drops(.tooBig), rig.close())
    }
    #expect(found.0 == 2)
    #expect(found.1 == 1)
    #expect(found.2 == 2)
    #expect(found.3 == 0, "frames that did not come back")
  }

  /// What a card reads by itself must not lie across two huge pages. Played, because no card is here.
  @Test
  func zeroCopyAvoidsFramesAcrossPages() throws {
    let found = try Namespace.run {
      let rig = try XDPRig()
      let far = try RawSocket("out1")
      let queue = rig.workers[0].outside
      func isTorn(_ position: UInt32) -> Bool {
        XDPQueue.isTorn(UInt64(position) * UInt64(FrameAddresses.unit), queue.chunk)
      }
      let before = queue.lent.positions.count { isTorn($0) }
      queue.state.pointee.socket.is_zero_copy = true
      var arrived = Arrived(Array(NumberedFrames.usual.prefix(3000)))
      var next = 0
      let deadline = Deadline(milliseconds: 60_000)
      while !arrived.isComplete, !deadline.isOver {
        for _ in 0..<32 where next < 3000 && far.send(arrived.expected[next]) { next += 1 }
        for frame in rig.receive(queue) { arrived.note(frame) }
      }
      // When nothing comes, the last few are lent as well.
      _ = rig.receive(queue)
      let after = queue.lent.positions.count { isTorn($0) }
      let lent = queue.lentFrames
      // A packet in such a frame leaves in another one.
      var sent = Arrived(Array(NumberedFrames.usual.prefix(20)))
      for frame in sent.expected {
        var held: [PacketRef] = []
        var ref = PacketRef(position: 0, offset: 0, length: 0)
        while queue.frames.take(length: 1500, &ref), !isTorn(ref.position) { held.append(ref) }
        ref.length = UInt32(frame.count)
        rig.send(frame, in: ref, queue)
        for ref in held { queue.frames.give(ref) }
        queue.flush()
      }
      while !sent.isComplete, !deadline.isOver { while let frame = far.next() { sent.note(frame) } }
      queue.state.pointee.socket.is_zero_copy = false
      return (before, arrived, after, lent, sent, rig.close())
    }
    #expect(found.0 > 0)
    #expect(found.1.isComplete)
    #expect(found.2 == 0)
    #expect(found.3 == 1024)
    #expect(found.4.isComplete)
    #expect(found.5 == 0, "frames that did not come back")
  }
}
