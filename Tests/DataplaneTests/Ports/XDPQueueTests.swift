@testable import Dataplane
import Glibc
import PacketMaking
import Testing

/// AF_XDP on cables between devices of one namespace, against AF_PACKET on their other ends.
@Suite(.enabled(if: Namespace.isPossible, Comment(rawValue: Namespace.reason)), .serialized)
struct XDPQueueTests {
  static let frames = NumberedFrames.usual

  /// From both far ends at once, in steps that no ring is too small for.
  @Test(arguments: XDPHook.allCases)
  func whatIsSentToUsArrivesWhole(hook: XDPHook) throws {
    let found = try Namespace.run {
      let rig = try XDPRig(queues: 2, hook: hook)
      let far = [try RawSocket("in1"), try RawSocket("out1")]
      var arrived = [Arrived(), Arrived()]
      var perQueue = [[0, 0], [0, 0]]
      var next = 0
      let deadline = Deadline(milliseconds: 60_000)
      while !arrived.allSatisfy(\.isComplete), !deadline.isOver {
        for _ in 0..<32 where next < Self.frames.count {
          guard far[0].send(Self.frames[next]), far[1].send(Self.frames[next]) else { break }
          next += 1
        }
        for (side, queues) in [rig.queues(\.inside), rig.queues(\.outside)].enumerated() {
          for (number, queue) in queues.enumerated() {
            for frame in rig.receive(queue) {
              arrived[side].note(frame)
              perQueue[side][number] += 1
            }
            queue.flush()
          }
        }
        if next == Self.frames.count { usleep(1000) }
      }
      let kernel = rig.workers.flatMap { [$0.inside.kernelCounts, $0.outside.kernelCounts] }
      let program = [rig.inside.counts, rig.outside.counts]
      let counted = rig.queues(\.inside).map { Int($0.counters.receivedPackets) }
      return (arrived, perQueue, kernel, program, [rig.inside.hook, rig.outside.hook], counted, rig.close())
    }
    for arrived in found.0 {
      #expect(arrived.whole == Self.frames.count)
      #expect(arrived.wrong == 0 && arrived.twice == 0)
    }
    // Such a cable tells the generic hook of one queue only.
    if hook == .native { #expect(found.1.joined().allSatisfy { $0 > 0 }, "each queue has its share: \(found.1)") }
    #expect(found.2.allSatisfy { $0 == XDPKernelCounts() })
    for counts in found.3 {
      #expect(counts.redirected >= Self.frames.count && counts.passed == 0 && counts.filtered == 0)
    }
    #expect(found.4 == [hook, hook])
    #expect(found.5 == found.1[0])
    #expect(found.6 == 0, "frames that did not come back")
  }

  @Test(arguments: XDPHook.allCases)
  func whatWeSendArrivesWhole(hook: XDPHook) throws {
    let found = try Namespace.run {
      let rig = try XDPRig(queues: 2, hook: hook)
      let far = [try RawSocket("in1"), try RawSocket("out1")]
      var arrived = [Arrived(), Arrived()]
      var next = 0
      let deadline = Deadline(milliseconds: 60_000)
      while !arrived.allSatisfy(\.isComplete), !deadline.isOver {
        for _ in 0..<64 where next < Self.frames.count {
          let worker = rig.workers[next % 2]
          guard rig.send(Self.frames[next], worker.inside), rig.send(Self.frames[next], worker.outside) else { break }
          next += 1
        }
        for worker in rig.workers {
          worker.inside.flush()
          worker.outside.flush()
        }
        for (side, socket) in far.enumerated() {
          while let frame = socket.next() { arrived[side].note(frame) }
        }
      }
      for worker in rig.workers {
        worker.inside.flush()
        worker.outside.flush()
      }
      let lent = rig.workers.map { $0.inside.lentFrames + $0.outside.lentFrames }
      let sent = rig.workers.map { $0.inside.counters.sentPackets + $0.outside.counters.sentPackets }
      return (arrived, lent, sent, rig.close())
    }
    for arrived in found.0 {
      #expect(arrived.whole == Self.frames.count)
      #expect(arrived.wrong == 0 && arrived.twice == 0)
    }
    // All that was sent has come back; what is lent is to receive into.
    #expect(found.1 == [2048, 2048])
    #expect(found.2.reduce(0, +) == UInt64(2 * Self.frames.count))
    #expect(found.3 == 0, "frames that did not come back")
  }

  /// An idle worker sleeps on both sides' descriptors at once.
  @Test
  func aSleeperIsWoken() throws {
    let found = try Namespace.run {
      let rig = try XDPRig()
      let far = try RawSocket("out1")
      let worker = rig.workers[0]
      var sleepers = [worker.inside, worker.outside].map {
        pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
      }
      // Whatever the devices had to say when they came up.
      while poll(&sleepers, 2, 50) > 0 { _ = [rig.receive(worker.inside), rig.receive(worker.outside)] }
      let isQuiet = poll(&sleepers, 2, 0) == 0
      _ = far.send(Self.frames[7])
      let woken = poll(&sleepers, 2, 10_000)
      let which = sleepers.map { $0.revents & Int16(POLLIN) != 0 }
      let frames = rig.receive(worker.outside)
      return (isQuiet, woken, which, frames == [Self.frames[7]], worker.inside.words(on: rig.inside), rig.close())
    }
    #expect(found.0)
    #expect(found.1 == 1)
    #expect(found.2 == [false, true])
    #expect(found.3)
    #expect(found.4 == "AF_XDP in the driver's hook, copied, 1 receive queue")
    #expect(found.5 == 0, "frames that did not come back")
  }

  /// Received on one side, sent on the other, in the same frame: what a worker does.
  @Test
  func framesCrossFromSideToSide() throws {
    let found = try Namespace.run {
      let rig = try XDPRig()
      let near = try RawSocket("in1"), far = try RawSocket("out1")
      var arrived = Arrived()
      var next = 0
      let deadline = Deadline(milliseconds: 60_000)
      while !arrived.isComplete, !deadline.isOver {
        for _ in 0..<32 where next < Self.frames.count && near.send(Self.frames[next]) { next += 1 }
        rig.forward(from: rig.workers[0].inside, to: rig.workers[0].outside)
        while let frame = far.next() { arrived.note(frame) }
      }
      return (arrived, rig.close())
    }
    #expect(found.0.isComplete)
    #expect(found.1 == 0, "frames that did not come back")
  }

  /// 9000 octets lie in five chunks on the way in, and are cut into as many on the way out.
  @Test(arguments: XDPHook.allCases)
  func jumboFramesCrossInPieces(hook: XDPHook) throws {
    let frames = (0..<500).map { NumberedFrames.frame($0, length: 60 + $0 * 6151 % 8955) }
    let found = try Namespace.run {
      let rig = try XDPRig(hook: hook, mtu: 9000)
      let near = try RawSocket("in1"), far = try RawSocket("out1")
      var arrived = Arrived(frames)
      var next = 0
      let deadline = Deadline(milliseconds: 60_000)
      while !arrived.isComplete, !deadline.isOver {
        for _ in 0..<16 where next < frames.count && near.send(frames[next]) { next += 1 }
        rig.forward(from: rig.workers[0].inside, to: rig.workers[0].outside)
        while let frame = far.next() { arrived.note(frame) }
      }
      return (arrived, rig.workers[0].inside.kernelCounts, rig.close())
    }
    #expect(found.0.whole == frames.count)
    #expect(found.0.wrong == 0 && found.0.twice == 0)
    #expect(found.1 == XDPKernelCounts())
    #expect(found.2 == 0, "frames that did not come back")
  }
}
