import CKernel
import Contract
@testable import Dataplane
import PacketMaking
import Wire

/// Two members that receive the same packets: work sets go from the first to the second while they come (X10). The test is
/// the cluster's thread of both, and says in order what each waits for.
final class HandoverPair {
  let before: PipedMember
  let next: PipedMember
  let workers: Int
  /// What has left, by member.
  private(set) var left: (before: [[UInt8]], next: [[UInt8]]) = ([], [])
  /// And by whomever, as it left.
  private(set) var all: [[UInt8]] = []
  private var fed = 0
  private let exit: Side

  /// Everything is the first one's.
  init(
    _ classify: ClassifyDescription = PipedMember.classify, workers: Int = 1, exit: Side = .outside
  ) throws {
    self.workers = workers
    self.exit = exit
    before = try PipedMember(classify: classify, workers: workers, PipedMember.all(of: 0, workers: workers))
    next = try PipedMember(classify: classify, workers: workers, PipedMember.all(of: 1, workers: workers))
    before.work()
    next.work()
  }

  /// To both, as a switch does.
  func feed(_ frames: [[UInt8]], _ side: Side = .inside, worker: Int = 0) {
    for member in [before, next] { member.piped.put(frames, side, worker: worker) }
    fed += frames.count
  }

  private func received(_ member: PipedMember) -> Int {
    member.piped.gateway.ports.reduce(0) {
      $0 + Int($1.inside.counters.receivedPackets) + Int($1.outside.counters.receivedPackets)
    }
  }

  /// Whether wires have room for some more, and one set's queue, too, if all is of one.
  var hasRoom: Bool {
    [before, next].allSatisfy {
      received($0) + 200 > fed + $0.underWay && $0.sum(\.heldPackets) < Holding.mostOfSet - 120
    }
  }

  /// Until all that was fed has been judged and sent over, and has left.
  func settle() {
    for member in [before, next] {
      member.piped.wait {
        take()
        return received(member) == fed && member.sum(\.crossedIn) == member.sum(\.crossedOut)
      }
      member.pass()
      member.pass()
    }
    take()
  }

  /// From the wires.
  func take() {
    let first = (0..<workers).flatMap { before.piped.take(exit, worker: $0) }
    let second = (0..<workers).flatMap { next.piped.take(exit, worker: $0) }
    left.before += first
    left.next += second
    all += first + second
  }

  /// Until that member's change is over.
  func finish(_ member: PipedMember, _ meanwhile: () -> Void = {}) {
    let deadline = Deadline(milliseconds: 20_000)
    while !member.finish(), !deadline.isOver {
      meanwhile()
      take()
    }
    take()
    precondition(!member.change.isUnderWay, "no worker came to the table")
  }

  /// All sets are the first one's, but for those that change hands: 0 is the member itself.
  private func table(
    _ member: PipedMember, moved: Set<Int>, _ state: OwnershipEntry.State, _ owner: UInt8,
    _ change: (inout OwnershipDescription) -> Void = { _ in }
  ) -> OwnershipDescription {
    var table = PipedMember.all(of: member === before ? 0 : 1, workers: workers)
    for set in moved { table[set] = OwnershipEntry(state: state, member: owner) }
    change(&table)
    return table
  }

  func give(_ sets: Set<Int>, _ member: PipedMember? = nil) {
    let member = member ?? before
    member.publish(table(member, moved: sets, .assigned, 0) { $0.giving = sets })
  }

  func hold(_ sets: Set<Int>, _ member: PipedMember? = nil) {
    let member = member ?? next
    member.publish(table(member, moved: sets, .pending, 0) { $0.held = sets })
  }

  func stop(_ sets: Set<Int>, _ member: PipedMember? = nil) {
    let member = member ?? before
    member.publish(table(member, moved: sets, .assigned, 1))
  }

  func notes(_ sets: Set<Int>, _ member: PipedMember? = nil) -> HandoverNotes {
    (member ?? before).piped.gateway.takeNotes(of: sets)
  }

  func start(_ sets: Set<Int>, _ notes: [HandoverNotes], _ member: PipedMember? = nil) {
    let member = member ?? next
    member.publish(table(member, moved: sets, .assigned, 0), worked: notes)
  }

  /// As it was in the beginning: the first one's.
  func takeBack(_ sets: Set<Int>) {
    before.publish(table(before, moved: sets, .assigned, 0))
    next.publish(table(next, moved: sets, .assigned, 1))
    finish(before)
    finish(next)
  }

  /// Up to where the first has it still and the second holds it.
  func begin(_ sets: Set<Int>, isBack: Bool = false, _ meanwhile: () -> Void = {}) {
    let (from, to) = isBack ? (next, before) : (before, next)
    give(sets, from)
    finish(from, meanwhile)
    hold(sets, to)
    finish(to, meanwhile)
  }

  /// And the rest.
  func complete(_ sets: Set<Int>, isBack: Bool = false, _ meanwhile: () -> Void = {}) -> HandoverNotes {
    let (from, to) = isBack ? (next, before) : (before, next)
    stop(sets, from)
    finish(from, meanwhile)
    let notes = notes(sets, from)
    start(sets, [notes], to)
    finish(to, meanwhile)
    return notes
  }

  var isBalanced: Bool { before.isBalanced && next.isBalanced }
}

extension PipedMember {
  static let everySet = Set(0..<WorkSets.count)

  /// The number in a datagram that goes in clear.
  static func number(_ frame: [UInt8]) -> Int { frame[42..<46].reduce(0) { $0 << 8 | Int($1) } }

  /// Flow above, place in it below.
  static func datagrams(_ place: Int, ofFlows flows: [Int]) -> [[UInt8]] {
    flows.map { flow in
      ethernet(
        .ipv4,
        ipv4(.udp, from: "192.0.2.1", to: Host.bob, udp(from: UInt16(4000 + flow), big(UInt32(flow << 20 | place)))))
    }
  }
}
