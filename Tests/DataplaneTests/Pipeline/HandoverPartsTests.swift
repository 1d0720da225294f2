import CWorkSet
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// What a handover is made of (X10): names of packets, lists of them, notes, and what a table says of such a set.
@Suite struct HandoverPartsTests {
  private func digest(_ frame: [UInt8], key: (UInt64, UInt64) = (1, 2)) -> UInt64 {
    var key = hauberk_work_set_expand(key.0, key.1)
    return withExactBytes(frame) { PacketDigest.digest(Bytes($0), &key) }
  }

  @Test func `a packet has one name at all members, whatever its link adds, and every bit of it counts`() {
    let packets: [(EtherNumber, [UInt8])] = [
      (.ipv4, ipv4(.udp, udp([1, 2, 3]))), (.ipv6, ipv6(.tcp, tcp())), (.ipv4, ipv4(.udp, udp(big(UInt64(7)) + [9]))),
    ]
    for (type, packet) in packets {
      let frame = ethernet(type, packet)
      let name = digest(frame)
      #expect(digest(frame + [0, 0, 0]) == name)
      #expect(digest([UInt8](repeating: 9, count: 12) + frame.dropFirst(12)) == name)
      for tags in 1...4 { #expect(digest(tagged(tags, type, packet)) == name) }
      #expect(digest(frame, key: (1, 3)) != name)
      var names: Set<UInt64> = [name]
      for bit in 0..<8 * packet.count {
        var changed = packet
        changed[bit / 8] ^= 1 << UInt8(bit % 8)
        names.insert(digest(ethernet(type, changed)))
      }
      #expect(names.count == 8 * packet.count + 1)
    }
  }

  @Test func `what is cut short or no packet has a name as well`() {
    for frame in [[], [1], [UInt8](repeating: 0x81, count: 13), ethernet(.vlan, [0]), ethernet(.ipv4, [0x45])] {
      #expect(digest(frame) > 1)
    }
    let whole = ethernet(.ipv4, ipv4(.udp, udp()))
    #expect((14..<whole.count).allSatisfy { digest(Array(whole.prefix($0))) != digest(whole) })
  }

  @Test func `each entry of a list cancels one packet`() {
    // Neighbours in the list, and one that comes three times.
    let digests: [UInt64] = [5, 5, 5, 21, 37, .max, 8]
    let list = WorkedList(HandoverNotes(sets: [3], digests: digests))
    defer { list.deallocate() }
    #expect(list.isComplete && !list.cancel(4))
    let cancelled = [5, 37, 5, 8, 5, 5, 21, .max, 8].map { list.cancel($0) }
    #expect(cancelled == [true, true, true, true, true, false, true, true, false])
  }

  @Test func `the same packet ten thousand times is one entry, and each cancels one`() {
    let list = WorkedList(HandoverNotes(sets: [3], digests: Array(repeating: 77, count: 16384) + [78]))
    defer { list.deallocate() }
    let cancelled = (0..<16384).allSatisfy { _ in list.cancel(77) }
    #expect(cancelled && !list.cancel(77) && list.cancel(78) && !list.cancel(78))
  }

  @Test func `a list that is too long, or says that it is not whole, is not`() {
    let long = WorkedList(
      HandoverNotes(sets: [3], digests: (0...HandoverNotes.mostInAll).map { UInt64($0) + 2 }))
    let partial = WorkedList(HandoverNotes(sets: [3], digests: [7], isComplete: false))
    let odd = WorkedList(HandoverNotes(sets: [3], digests: [0, 1]))
    defer { for list in [long, partial, odd] { list.deallocate() } }
    #expect(!long.isComplete && !partial.isComplete && !partial.cancel(7))
    #expect(odd.isComplete && !odd.cancel(0))
  }

  @Test func `a table says by which list each set begins`() {
    let lists = [[UInt64(11)], [12]].map { WorkedList(HandoverNotes(sets: [], digests: $0)) }
    let cell = OwnershipCell(.nobodys(workers: 1))
    defer {
      cell.deallocate()
      for list in lists { list.deallocate() }
    }
    let old = cell.replace(
      by: .nobodys(workers: 1), worked: [WorkedSets(lists[0], [0, 63, 64]), WorkedSets(lists[1], [1023, 2000, -1])])
    old.deallocate()
    let tail = OwnershipTail.of(cell.load()).pointee
    #expect(tail.number == 2 && cell.nextNumber == 3)
    #expect([0, 63, 64].allSatisfy { tail.worked(on: $0)?.cancel(12) == false })
    #expect(tail.worked(on: 1023)?.cancel(12) == true && tail.worked(on: 1) == nil && tail.worked(on: 976) == nil)
  }

  @Test func `a set that is given is its worker's, one that is held is nobody's yet, and both go the way of strays`() {
    var ownership = OwnershipDescription(members: 2, playing: [0], workers: 3)
    ownership[8] = OwnershipEntry(state: .pending, member: 0)
    ownership.giving = [0, 1, 2]
    ownership.held = [4, 8]
    let cell = OwnershipCell(ownership)
    defer { cell.deallocate() }
    let table = cell.load()
    #expect(table[2].isGiving && table[2].isOurs && table[2].worker == ownership.workers[2] && table[2].verdict != 0)
    #expect(table[8].isHeld && !table[8].isOurs)
    // Of what is another's nothing is noted, and what is ours is not held.
    #expect(
      table[1].bits == Disposition(.notMine).bits && table[4].bits == Disposition(worker: ownership.workers[4]).bits)
    #expect(DropReason.allCases.allSatisfy { $0.rawValue < Disposition.given } && DropReason.capacity <= 0xfe)
  }

  @Test func `the kernel lets through what is being given and what is held`() throws {
    var ownership = OwnershipDescription(members: 2, playing: [0], workers: 1)
    ownership[9] = OwnershipEntry(state: .pending, member: 0)
    ownership.giving = [2]
    ownership.held = [9]
    let rules = try #require(EarlyRules(ClassifyDescription()))
    let cell = OwnershipCell(ownership)
    defer { cell.deallocate() }
    for filter in [EarlyFilter(rules, ownership), EarlyFilter(rules, cell.load())] {
      #expect(!filter.foreign[2] && !filter.foreign[9] && filter.foreign[1] && filter.foreign[11])
    }
  }

  @Test func `notes that find no room are missed under their set and table`() {
    let notes = GivingNotes()
    defer { notes.deallocate() }
    for number in 0..<GivingNotes.capacity { notes.add(UInt64(number) + 2, set: 7, table: 4) }
    #expect(notes.missed(of: 7) == 0)
    notes.add(99, set: 8, table: 5)
    #expect(notes.missed(of: 7) == 0 && notes.missed(of: 8) == 5)
    var count = 0
    while let note = notes.next() { count += note.set == 7 && note.digest == UInt64(count) + 2 ? 1 : 0 }
    #expect(count == GivingNotes.capacity)
  }

  @Test func `fragments are noted when their datagram is whole, and forgotten with it`() {
    let notes = GivingNotes()
    defer { notes.deallocate() }
    notes.wait(11, set: 1, datagram: 0, table: 3)
    notes.wait(12, set: 1, datagram: 5, table: 3)
    notes.wait(13, set: 1, datagram: 0, table: 3)
    #expect(notes.next() == nil)
    notes.settle(datagram: 5, table: nil)
    notes.settle(datagram: 5, table: 4)
    #expect(notes.next() == nil)
    notes.settle(datagram: 0, table: 4)
    let found = [notes.next(), notes.next(), notes.next()]
    #expect(found.map { $0?.digest } == [11, 13, nil] && found[0]?.table == 4)
    for number in 0...GivingNotes.mostWaiting { notes.wait(UInt64(number), set: 2, datagram: 1, table: 6) }
    #expect(notes.missed(of: 2) == 6)
  }
}
