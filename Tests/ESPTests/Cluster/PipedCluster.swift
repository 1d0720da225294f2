import Contract
@testable import Dataplane
import PacketMaking
import Rings
import Wire

/// Members of one cluster on one segment, whose wires are rings. The test is the switch, the hosts, and the cluster's
/// threads.
final class PipedCluster {
  /// To the cluster, where all members see everything.
  static let group = MACAddress(0x0300_0000_0001)
  static let address = "203.0.113.100", peer = "203.0.113.2"

  /// One member and what it is known by.
  final class Member {
    let desk: ClusterDesk
    let piped: PipedGateway
    let macs: [MACAddress]
    var change = LiveGateway.OwnershipChange()

    init(_ number: Int, _ classify: ClassifyDescription, workers: Int, _ ownership: OwnershipDescription) throws {
      macs = PipedCluster.macs(number)
      desk = ClusterDesk(units: [], own: number, macs: macs)
      let own = IPAddress("2001:db8:1::\(number + 1)")!
      piped = try .alone(
        classify, workers: workers, member: (desk, ownership), macs: macs,
        change: { description in
          description.interfaces[0].mtu = 9000
          description.interfaces[1].shared = classify.clusterAddresses
          description.interfaces[1].addresses.append(
            InterfaceAddress(own, network: IPPrefix("2001:db8:1::/64")!))
        })
    }

    deinit {
      piped.gateway.stop()
      piped.gateway.forget(&change)
      desk.deallocate()
    }

    func sum(_ value: (WorkerCounters) -> UInt64) -> Int { piped.gateway.counters.reduce(0) { $0 + Int(value($1)) } }
    func drops(_ reason: DropReason) -> Int { sum { $0.drops(reason) } }
  }

  let members: [Member]
  let workers: Int
  /// What has left for hosts, by side, and every frame that has gone from member to member.
  var arrived: [[[UInt8]]] = [[], []]
  var passed: [(from: Int, to: Int, frame: [UInt8])] = []

  static func macs(_ number: Int) -> [MACAddress] {
    (0..<2).map { MACAddress(0x0200_0000_0100 + UInt64(number) * 0x10 + $0) }
  }

  /// `owner` says whose each set is; `foreign` what each member does with others' packets.
  init(
    _ classify: ClassifyDescription, members count: Int = 3, workers: Int = 1,
    foreign: (Int) -> OwnershipDescription.Foreign, owner: (Int) -> Int = { $0 % 3 }
  ) throws {
    self.workers = workers
    var classify = classify
    classify.accept = AcceptDescription(unitMAC: .zero, clusterMulticastMAC: Self.group)
    members = try (0..<count).map { number in
      try Member(
        number, classify, workers: workers,
        Self.ownership(number, workers: workers, foreign(number), owner: owner))
    }
    for member in members {
      for (other, macs) in (0..<count).map({ ($0, Self.macs($0)) }) {
        for side in Side.allCases { member.desk.note(macs[Int(side.rawValue)], of: other, side) }
      }
      member.desk.beginAnew()
      member.desk.lease(until: .max)
    }
    // Who forwards is one, but for those who only take themselves for it.
    let master = members.indices.first { foreign($0) == .forwarded }
    for (number, member) in members.enumerated() where foreign(number) != .forwarded {
      member.desk.noteMaster(master.map { members[$0].macs })
    }
    for member in members { pass(member) }
  }

  static func ownership(
    _ number: Int, workers: Int, _ foreign: OwnershipDescription.Foreign, owner: (Int) -> Int
  ) -> OwnershipDescription {
    var ownership = OwnershipDescription(members: 1, playing: [UInt8(number)], workers: workers)
    for set in 0..<WorkSets.count { ownership[set] = OwnershipEntry(state: .assigned, member: UInt8(owner(set))) }
    ownership.foreign = foreign
    return ownership
  }

  /// Until each of its workers has found its rings empty since, twice.
  func pass(_ member: Member) {
    for _ in 0..<2 {
      let moment = member.piped.gateway.shared.quiescence.note()
      member.piped.wait { member.piped.gateway.shared.quiescence.hasPassed(moment) }
    }
  }

  /// A frame on a side's segment: for the one whose MAC address it names, or for all.
  func send(_ frame: [UInt8], _ side: Side, worker: Int = 0) {
    let to = MACAddress(frame[0..<6].reduce(0) { $0 << 8 | UInt64($1) })
    for member in members where to.isGroup || member.macs[Int(side.rawValue)] == to {
      member.piped.send(frame, side, worker: worker % workers)
    }
  }

  func send(_ frame: [UInt8], _ side: Side, to mac: MACAddress, worker: Int = 0) {
    send(mac.octets + frame.dropFirst(6), side, worker: worker)
  }

  /// Carries frames until no member has anything left: true, or false after ten seconds.
  func settle() -> Bool {
    let deadline = Deadline(milliseconds: 10_000)
    var quiet = 0
    while quiet < 3, !deadline.isOver {
      for member in members { pass(member) }
      quiet = carry() == 0 ? quiet + 1 : 0
    }
    return quiet == 3
  }

  private func carry() -> Int {
    var count = 0
    for (number, member) in members.enumerated() {
      for side in Side.allCases {
        for worker in 0..<workers {
          for frame in member.piped.take(side, worker: worker) {
            count += 1
            carry(frame, side, from: number, worker)
          }
        }
      }
    }
    return count
  }

  private func carry(_ frame: [UInt8], _ side: Side, from number: Int, _ worker: Int) {
    let to = MACAddress(frame[0..<6].reduce(0) { $0 << 8 | UInt64($1) })
    if let other = members.firstIndex(where: { $0.macs[Int(side.rawValue)] == to }) {
      passed.append((number, other, frame))
      // To any of its workers: a card may deal fragments differently than whole packets.
      members[other].piped.send(frame, side, worker: (worker + passed.count) % workers)
    } else {
      arrived[Int(side.rawValue)].append(frame)
    }
  }

  /// Nothing vanishes.
  var isBalanced: Bool {
    members.allSatisfy { member in
      let ports = member.piped.gateway.ports.flatMap { [$0.inside.counters, $0.outside.counters] }
      let drops = DropReason.allCases.filter { $0 != .none && $0 != .passedOn }.reduce(0) { $0 + member.drops($1) }
      let received = ports.reduce(0) { $0 + Int($1.receivedPackets) }
      return received + member.sum(\.releasedPackets) + member.sum(\.madePackets) == ports.reduce(0) {
        $0 + Int($1.sentPackets)
      } + drops
    }
  }
}
