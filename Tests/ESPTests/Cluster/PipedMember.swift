import Contract
@testable import Dataplane
import PacketMaking
import Rings
import Wire

/// A cluster's member whose wires are rings. The test is the cluster's thread, and holds workers where they are.
final class PipedMember {
  /// By unit: its own addresses, inside and outside. It is the first.
  static let addresses = [["192.0.2.254", "203.0.113.1"], ["192.0.2.253", "203.0.113.3"]]
  static let addresses6 = [["2001:db8:1::1", "2001:db8:2::1"], ["2001:db8:1::2", "2001:db8:2::2"]]

  let desk: ClusterDesk
  let piped: PipedGateway
  let threads = HeldThreads()
  let workers: Int
  var change = LiveGateway.OwnershipChange()

  /// What it does not seal goes through in clear, so that a packet's work set is its flow's.
  static var classify: ClassifyDescription {
    var classify = ClassifyDescription()
    classify.policies = [
      PolicyDescription(.bypass, source: IPPrefix("192.0.2.0/24")!, destination: IPPrefix("198.51.100.0/24")!)
    ]
    return classify
  }

  /// Without a lease yet.
  init(
    classify: ClassifyDescription = PipedMember.classify, workers: Int = 1, _ ownership: OwnershipDescription,
    isIPv6: Bool = false
  ) throws {
    desk = ClusterDesk(
      units: (isIPv6 ? Self.addresses6 : Self.addresses).enumerated().map { number, texts in
        ClusterDesk.Unit(number: number, inside: IPAddress(texts[0])!, outside: IPAddress(texts[1])!)
      }, own: 0, macs: PipedGateway.macs)
    self.workers = workers
    let threads = threads
    piped = try .alone(classify, workers: workers, member: (desk, ownership)) { threads.add() }
    piped.wait { threads.count == workers }
  }

  /// Before its desk goes.
  deinit {
    piped.gateway.stop()
    piped.gateway.forget(&change)
    desk.deallocate()
  }

  /// All sets are that member's, and at this one that worker's; nil deals them in turn.
  static func all(of member: UInt8, workers: Int = 1, to worker: UInt8? = nil) -> OwnershipDescription {
    var ownership = OwnershipDescription(members: 1, playing: [0], workers: workers)
    for set in 0..<WorkSets.count { ownership[set] = OwnershipEntry(state: .assigned, member: member) }
    if let worker { ownership.assign([UInt8](repeating: worker, count: WorkSets.count)) }
    return ownership
  }

  /// As after a time without a lease.
  func beginAnew() {
    desk.lease(until: 0)
    desk.beginAnew()
    desk.lease(until: .max)
  }

  /// Until each worker has gone through a whole round that began after this.
  func pass() {
    let moment = piped.gateway.shared.quiescence.note()
    piped.wait { piped.gateway.shared.quiescence.hasPassed(moment) }
  }

  /// It has a lease, and every worker has found its rings empty since.
  func work() {
    beginAnew()
    pass()
    pass()
  }

  func publish(_ ownership: OwnershipDescription, worked: [HandoverNotes] = []) {
    piped.gateway.publish(ownership, worked: worked, &change)
  }

  func finish() -> Bool { piped.gateway.finish(&change) }

  func put(_ numbers: Range<Int>, _ side: Side = .inside, worker: Int = 0) {
    piped.put(numbers.map(Self.datagram), side, worker: worker)
  }

  /// Of a flow of its own.
  static func datagram(_ number: Int) -> [UInt8] {
    ethernet(.ipv4, ipv4(.udp, from: "192.0.2.1", to: Host.bob, udp(from: UInt16(number), big(UInt32(number)))))
  }

  /// Of the datagrams that have left by now, by any worker's wire.
  func numbers() -> [Int] {
    (0..<workers).flatMap { piped.take(.outside, worker: $0) }.map { frame in
      frame[42..<46].reduce(0) { $0 << 8 | Int($1) }
    }
  }

  func sum(_ value: (WorkerCounters) -> UInt64) -> Int { piped.gateway.counters.reduce(0) { $0 + Int(value($1)) } }

  /// Sent over by one worker, and not taken by the other yet.
  var underWay: Int {
    // In this order, so that it is never below 0.
    let taken = sum(\.crossedIn)
    return sum(\.crossedOut) - taken
  }

  func drops(_ reason: DropReason) -> Int { sum { $0.drops(reason) } }

  /// Nothing vanishes: what has come has left, or was dropped for a reason.
  var isBalanced: Bool {
    let ports = piped.gateway.ports.flatMap { [$0.inside.counters, $0.outside.counters] }
    // What is passed on leaves.
    let drops = DropReason.allCases.filter { $0 != .none && $0 != .passedOn }.reduce(0) { $0 + self.drops($1) }
    // What is held and is not any more was received twice.
    let received = ports.reduce(0) { $0 + $1.receivedPackets } + UInt64(sum(\.releasedPackets))
    return received == ports.reduce(0) { $0 + $1.sentPackets } + UInt64(drops)
  }
}
