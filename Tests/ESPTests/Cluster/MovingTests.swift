import CKernel
import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Two members with their workers, and a work set that goes to and fro between them while packets flow.
@Suite(.serialized) struct MovingTests {
  /// What the network and the cluster's thread do for the members.
  private final class Bed {
    let desks: [ClusterDesk]
    let members: [PipedGateway]
    let far: PipedGateway
    private var changes = [LiveGateway.OwnershipChange(), LiveGateway.OwnershipChange()]
    private(set) var sequences: [UInt32] = []
    private(set) var nonces: [[UInt8]] = []
    /// ESP of the far one, as it went by.
    private(set) var back: [[UInt8]] = []
    private(set) var arrivedFar = 0
    private(set) var arrivedNear: [UInt32] = []
    private(set) var next: UInt32 = 0

    init(_ esp: ESPDescription, workers: Int) throws {
      let pair = TunnelPair(esp, local: ["10.1.0.0/16"], remote: ["10.2.0.0/16"])
      desks = (0..<2).map { ClusterDesk(units: [], own: $0, macs: PipedGateway.macs) }
      let nobodys = OwnershipDescription.nobodys(workers: workers)
      members = try desks.enumerated().map { number, desk in
        try PipedGateway(
          pair.near, PipedGateway.description(1, workers) { _ in }, member: (desk, nobodys), unit: number)
      }
      far = try PipedGateway(pair.far, PipedGateway.description(2, 1) { _ in }, unit: 7)
      for member in members {
        member.know("203.0.113.2", 1)
        member.know("10.1.0.2", 0)
      }
      far.know("203.0.113.1", 1)
      far.know("10.2.0.2", 0)
      for desk in desks {
        desk.beginAnew()
        desk.lease(until: .max)
      }
    }

    deinit {
      for (number, member) in members.enumerated() {
        member.gateway.stop()
        member.gateway.forget(&changes[number])
      }
      for desk in desks { desk.deallocate() }
    }

    /// Both members see every packet.
    func turn(_ count: Int = 4) throws {
      for _ in 0..<count {
        next += 1
        let there = ipv4(.udp, from: "10.1.0.2", to: "10.2.0.2", udp(big(next)))
        let here = ipv4(.udp, from: "10.2.0.2", to: "10.1.0.2", udp(big(next)))
        for member in members { member.feed(there, .inside) }
        far.feed(here, .inside)
      }
      try carry()
    }

    func carry() throws {
      for member in members {
        for packet in member.take(.outside) {
          sequences.append(packet[24..<28].reduce(0) { $0 << 8 | UInt32($1) })
          nonces.append(Array(packet[28..<36]))
          far.feed(packet, .outside)
        }
        arrivedNear += member.take(.inside).map { $0[28..<32].reduce(0) { $0 << 8 | UInt32($1) } }
        try member.gateway.serve()
      }
      arrivedFar += far.take(.inside).count
      for packet in far.take(.outside) {
        back.append(packet)
        for member in members { member.feed(packet, .outside) }
      }
      try far.gateway.serve()
    }

    /// As an attacker does, who has kept them.
    func repeatAll(_ packets: ArraySlice<[UInt8]>) throws {
      for packet in packets { for member in members { member.feed(packet, .outside) } }
      try carry()
    }

    func publish(_ entry: OwnershipEntry) {
      for (number, member) in members.enumerated() {
        var ownership = OwnershipDescription(
          members: 1, playing: [UInt8(number)], workers: member.gateway.exchanges.count)
        for set in 0..<WorkSets.count { ownership[set] = entry }
        member.gateway.publish(ownership, &changes[number])
      }
    }

    /// Packets come meanwhile.
    func finish(_ number: Int) throws -> Bool {
      let deadline = Deadline(milliseconds: 10_000)
      while !deadline.isOver {
        if members[number].gateway.finish(&changes[number]) { return true }
        try turn(1)
      }
      return false
    }

    func drops(_ reason: DropReason) -> UInt64 {
      members.reduce(0) { sum, member in member.gateway.counters.reduce(sum) { $0 + $1.drops(reason) } }
    }

    /// Until nothing has come for a while.
    func settle() throws {
      var quiet = 0
      let deadline = Deadline(milliseconds: 10_000)
      while quiet < 20, !deadline.isOver {
        let before = (arrivedFar, arrivedNear.count, sequences.count, back.count)
        hauberk_sleep_microseconds(1000)
        try carry()
        quiet = before == (arrivedFar, arrivedNear.count, sequences.count, back.count) ? quiet + 1 : 0
      }
    }
  }

  @Test(arguments: [1, 2], [false, true])
  func `a set goes to and fro under load: no number and no nonce twice, none left out, no replay taken`(
    _ workers: Int, _ isExtended: Bool
  ) throws {
    var esp = ESPDescription(gcm)
    esp.isExtended = isExtended
    let bed = try Bed(esp, workers: workers)
    for member in bed.members { member.gateway.beginSets([1], .fresh) }
    bed.publish(OwnershipEntry(state: .assigned, member: 0))
    var owner = 0
    for _ in 0..<8 {
      for _ in 0..<20 { try bed.turn() }
      let other = 1 - owner
      // Two phases (X17): the old one stops, then the next one begins.
      bed.publish(OwnershipEntry(state: .pending, member: UInt8(other)))
      #expect(try bed.finish(owner))
      let octets = try #require(bed.members[owner].gateway.stateOfSet(1))
      #expect(bed.members[other].gateway.take(octets, ofSet: 1))
      bed.members[other].gateway.beginSets([1], .carried)
      bed.publish(OwnershipEntry(state: .assigned, member: UInt8(other)))
      try bed.repeatAll(bed.back.suffix(100))
      owner = other
    }
    try bed.settle()
    #expect(bed.sequences.sorted() == (0..<bed.sequences.count).map { UInt32($0 + 1) })
    #expect(Set(bed.nonces).count == bed.nonces.count && bed.nonces.count > 400)
    #expect(bed.arrivedFar == bed.sequences.count)
    #expect(Set(bed.arrivedNear).count == bed.arrivedNear.count && bed.arrivedNear.count > 400)
    #expect(bed.drops(.replayed) + bed.drops(.outsideWindow) > 0 && bed.drops(.stateLost) == 0)
    let into = bed.far.gateway.associations.counters().first { $0.direction == .inbound }
    #expect(into?.lost == 0 && into?.drops.isEmpty ?? false)
  }

  @Test func `a set whose owner died is refused, until a reload gives its SAs new keys`() throws {
    let bed = try Bed(ESPDescription(gcm), workers: 2)
    for member in bed.members { member.gateway.beginSets([1], .fresh) }
    bed.publish(OwnershipEntry(state: .assigned, member: 0))
    // Until they all go by it.
    #expect(try bed.finish(0))
    for _ in 0..<5 { try bed.turn() }
    try bed.settle()
    let sealed = bed.sequences.count, arrived = bed.arrivedNear.count
    #expect(sealed > 0 && arrived > 0)
    bed.members[1].gateway.beginSets([1], .bereft)
    bed.publish(OwnershipEntry(state: .assigned, member: 1))
    #expect(try bed.finish(1))
    try bed.settle()
    let before = (bed.sequences.count, bed.arrivedNear.count)
    for _ in 0..<5 { try bed.turn() }
    try bed.repeatAll(bed.back[...])
    try bed.settle()
    #expect(before == (bed.sequences.count, bed.arrivedNear.count) && bed.drops(.stateLost) >= 40)
    var live = bed.members[1].gateway.description
    func key(_ octet: UInt8) -> KeyDescription { KeyDescription(Secret([UInt8](repeating: octet, count: 20)), born: 1) }
    // One new key leaves the other one's numbers lost.
    live.classify.tunnels[0].security?.outboundKey = key(7)
    #expect(throws: CryptoError.self) { try bed.members[1].gateway.reload(live, begins: true) }
    live.classify.tunnels[0].security?.inboundKey = key(8)
    try bed.members[1].gateway.reload(live, begins: true)
    for _ in 0..<5 { try bed.turn() }
    try bed.settle()
    #expect(Array(bed.sequences.dropFirst(before.0)) == (1...20).map { UInt32($0) })
    #expect(bed.members[1].gateway.associations.counters().allSatisfy { !$0.isLost })
  }
}
