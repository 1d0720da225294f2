import CKernel
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Of the suite whose tests run one at a time: they hold threads.
extension MemberTests {
  /// Where a handover does not go as it should (X10): what is lost has a reason, and nothing is worked on twice.
  @Suite(.serialized) struct HandoverTroubleTests {
    @Test func `a set's queue that is full loses its oldest, and says so`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.stop(PipedMember.everySet)
      pair.finish(pair.before)
      for place in 0..<Holding.mostOfSet + 40 {
        pair.feed(PipedMember.datagrams(place, ofFlows: [3]))
        if place % 64 == 63 { pair.settle() }
      }
      pair.settle()
      #expect(pair.next.sum(\.heldPackets) == Holding.mostOfSet && pair.next.drops(.holdFull) == 40)
      #expect(pair.isBalanced)
      pair.start(PipedMember.everySet, [pair.notes(PipedMember.everySet)])
      pair.finish(pair.next)
      pair.settle()
      let places = pair.left.next.map { PipedMember.number($0) & 0xfffff }
      #expect(places == Array(40..<Holding.mostOfSet + 40) && pair.isBalanced)
    }

    @Test func `all sets together hold an eighth of all frames, and devices have the rest`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.stop(PipedMember.everySet)
      pair.finish(pair.before)
      let most = 8192 / Holding.shareOfFrames
      for first in stride(from: 0, to: most + 300, by: 100) {
        pair.feed((first..<first + 100).map(PipedMember.datagram))
        pair.settle()
      }
      #expect(pair.next.sum(\.heldPackets) == most)
      #expect(pair.next.drops(.holdFull) == pair.next.drops(.held) - most && pair.isBalanced)
      pair.start(PipedMember.everySet, [pair.notes(PipedMember.everySet)])
      pair.finish(pair.next)
      pair.settle()
      #expect(pair.left.next.count == most && pair.isBalanced)
    }

    @Test func `where notes are incomplete nothing that was held is worked on, and it is said to be lost`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      // Nobody takes the notes away meanwhile.
      for first in stride(from: 0, to: GivingNotes.capacity + 200, by: 100) {
        pair.feed((first..<first + 100).map(PipedMember.datagram))
        pair.settle()
      }
      let notes = pair.complete(PipedMember.everySet)
      pair.settle()
      #expect(!notes.isComplete && notes.digests.isEmpty && pair.left.next.isEmpty)
      #expect(pair.next.drops(.holdDoubtful) + pair.next.drops(.holdFull) == pair.next.drops(.held))
      #expect(pair.next.drops(.holdDoubtful) == 8192 / Holding.shareOfFrames && pair.isBalanced)
      pair.feed([PipedMember.datagram(9)])
      pair.settle()
      #expect(pair.left.next.map(PipedMember.number) == [9])
    }

    @Test func `a set that begins without anybody's notes begins with what comes`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.feed((0..<20).map(PipedMember.datagram))
      pair.settle()
      pair.stop(PipedMember.everySet)
      pair.finish(pair.before)
      pair.start(PipedMember.everySet, [])
      pair.finish(pair.next)
      pair.feed((20..<30).map(PipedMember.datagram))
      pair.settle()
      #expect(pair.left.next.map(PipedMember.number).sorted() == Array(20..<30))
      #expect(pair.next.drops(.holdDoubtful) == 20 && pair.isBalanced)
    }

    @Test(arguments: [true, false])
    func `what is held when the lease lapses is thrown away`(_ isSaid: Bool) throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.feed((0..<20).map(PipedMember.datagram))
      pair.settle()
      #expect(pair.next.sum(\.heldPackets) == 20)
      if isSaid {
        pair.next.beginAnew()
      } else {
        pair.next.desk.lease(until: hauberk_boot_nanoseconds() + 1000)
      }
      pair.next.piped.wait { pair.next.drops(.fenced) == 20 }
      pair.next.desk.lease(until: .max)
      pair.next.pass()
      let notes = pair.complete(PipedMember.everySet)
      pair.settle()
      #expect(notes.digests.count == 20 && pair.left.next.isEmpty && pair.left.before.count == 20)
      #expect(pair.next.drops(.fenced) == 20 && pair.next.drops(.workedOn) == 0 && pair.isBalanced)
    }

    @Test func `a set that comes back to the first goes on there, and is noted anew when it goes again`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.feed((0..<20).map(PipedMember.datagram))
      pair.settle()
      pair.takeBack(PipedMember.everySet)
      pair.feed((20..<40).map(PipedMember.datagram))
      pair.settle()
      #expect(pair.left.before.map(PipedMember.number) == Array(0..<40) && pair.left.next.isEmpty)
      #expect(pair.next.drops(.notMine) == 40 && pair.next.sum(\.heldPackets) == 0 && pair.isBalanced)
      pair.begin(PipedMember.everySet)
      pair.feed((40..<45).map(PipedMember.datagram))
      pair.settle()
      let notes = pair.complete(PipedMember.everySet)
      pair.feed((45..<50).map(PipedMember.datagram))
      pair.settle()
      #expect(notes.isComplete && notes.digests.count == 5)
      #expect(pair.left.before.count == 45 && pair.left.next.map(PipedMember.number).sorted() == Array(45..<50))
      #expect(pair.isBalanced)
    }

    @Test func `notes are told once, and of what was not given nobody has any`() throws {
      let pair = try HandoverPair()
      #expect(!pair.notes([3]).isComplete)
      pair.begin([5])
      pair.stop([5])
      pair.finish(pair.before)
      #expect(pair.notes([5]) == HandoverNotes(sets: [5]))
      #expect(!pair.notes([5]).isComplete)
    }

    @Test func `a worker that comes late to a table finds the notes in the one behind it`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.feed((0..<20).map(PipedMember.datagram))
      pair.settle()
      pair.stop(PipedMember.everySet)
      pair.finish(pair.before)
      pair.feed((20..<30).map(PipedMember.datagram))
      pair.settle()
      let notes = pair.notes(PipedMember.everySet)
      pair.next.threads.hold()
      pair.start(PipedMember.everySet, [notes])
      pair.start(PipedMember.everySet, [])
      pair.next.threads.letGo()
      pair.finish(pair.next)
      pair.settle()
      #expect(pair.left.next.map(PipedMember.number).sorted() == Array(20..<30))
      #expect(pair.next.drops(.workedOn) == 20 && pair.next.drops(.holdDoubtful) == 0 && pair.isBalanced)
    }

    @Test func `notes of a change that is long over say nothing of the next one`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.feed((0..<20).map(PipedMember.datagram))
      pair.settle()
      _ = pair.complete(PipedMember.everySet)
      let lists = { pair.next.piped.gateway.handoverBook.lists.count }
      #expect(lists() == 1)
      pair.start(PipedMember.everySet, [])
      #expect(lists() == 0)
      pair.finish(pair.next)
      // Back to the first, and here again, with the same packets.
      pair.takeBack(PipedMember.everySet)
      pair.begin(PipedMember.everySet)
      pair.stop(PipedMember.everySet)
      pair.finish(pair.before)
      pair.feed((0..<20).map(PipedMember.datagram))
      pair.settle()
      let notes = pair.notes(PipedMember.everySet)
      #expect(notes.isComplete && notes.digests.isEmpty)
      pair.start(PipedMember.everySet, [notes])
      pair.finish(pair.next)
      pair.settle()
      #expect(pair.left.next.map(PipedMember.number).sorted() == Array(0..<20) && pair.isBalanced)
    }

    @Test func `a member that ends while it holds says what became of that`() throws {
      let pair = try HandoverPair()
      pair.begin(PipedMember.everySet)
      pair.feed((0..<20).map(PipedMember.datagram))
      pair.settle()
      pair.next.piped.gateway.stop()
      #expect(pair.next.drops(.draining) == 20 && pair.isBalanced)
    }
  }
}
