import CKernel
package import Contract
import Synchronization
package import Wire

/// What the cluster's thread and workers say to each other: until when workers may work, and whom they have heard. Single
/// words, so nobody ever waits for the other. Moments are CLOCK_BOOTTIME's (X17).
package struct ClusterDesk: @unchecked Sendable {
  package static let mostUnits = OwnershipDescription.mostMembers

  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let addresses: UnsafeMutablePointer<Address>
  private let own: Int
  private let macs: (inside: MACAddress, outside: MACAddress)

  // The lease has a line of its own; then lines that workers write.
  private static var lease: Int { 0 }
  private static var epoch: Int { 1 }
  /// Beside them, for they change as seldom: since when newcomers are doubted, for how long they are learned and then wait,
  /// and until when they are refused.
  private static var doubted: Int { 2 }
  private static var learning: Int { 3 }
  private static var waiting: Int { 4 }
  private static var refused: Int { 5 }
  private static var heard: Int { 16 }
  /// Beside it: by which table the worker judges.
  private static var table: Int { heard + 1 }
  /// And who has asked for an address while the worker was fenced: three words.
  private static var asker: Int { heard + 2 }
  private static var answered: Int { heard + 8 * OwnershipDescription.mostWorkers }
  // Lines that only the cluster's thread writes: by side, a bit for each unit's MAC address, and the addresses.
  private static var filters: Int { answered + 2 * mostUnits }
  /// Beside them: the master's, by side, where it is another unit and forwards.
  private static var masterMACs: Int { filters + 2 }
  /// Until when all that other units have said has been heard: while newcomers are doubted it changes all the time.
  private static var listened: Int { filters + 4 }
  private static var unitMACs: Int { filters + 16 }
  private static var count: Int { unitMACs + 2 * mostUnits }

  /// Of a unit: its own addresses by side, by which its workers are asked whether they work (X19).
  package struct Unit: Sendable {
    package var number: Int
    package var inside: IPAddress
    package var outside: IPAddress

    package init(number: Int, inside: IPAddress, outside: IPAddress) {
      self.number = number
      self.inside = inside
      self.outside = outside
    }
  }

  /// Of either family, in two words. No unit's IPv6 address begins with all ones.
  struct Address: BitwiseCopyable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
      self.high = high
      self.low = low
    }

    @inline(__always)
    init(_ address: IPv4Address) {
      high = .max
      low = UInt64(address.value)
    }

    @inline(__always)
    init(_ address: IPv6Address) {
      high = address.high
      low = address.low
    }

    init(_ address: IPAddress) {
      switch address {
      case .v4(let address): self.init(address)
      case .v6(let address): self.init(address)
      }
    }

    static var none: Address { Address(IPv6Address.zero) }

    /// The address that nobody has, of either family.
    var isNone: Bool { low == 0 && (high == 0 || high == .max) }
    var ipv4: IPv4Address? { high == .max ? IPv4Address(UInt32(truncatingIfNeeded: low)) : nil }
    var ipv6: IPv6Address { IPv6Address(high: high, low: low) }

    @inline(__always)
    static func == (one: Address, other: Address) -> Bool { one.high == other.high && one.low == other.low }
  }

  /// `macs` by side: this unit's own.
  package init(units: [Unit], own: Int, macs: [MACAddress]) {
    self.own = own
    self.macs = (macs[0], macs[1])
    words = UnsafeMutableRawPointer.allocate(byteCount: 8 * Self.count, alignment: 128)
      .bindMemory(to: Atomic<UInt64>.self, capacity: Self.count)
    for word in 0..<Self.count { (words + word).initialize(to: Atomic(0)) }
    addresses = .allocate(capacity: 2 * Self.mostUnits)
    addresses.initialize(repeating: .none, count: 2 * Self.mostUnits)
    for unit in units {
      addresses[unit.number] = Address(unit.inside)
      addresses[Self.mostUnits + unit.number] = Address(unit.outside)
    }
    for side in Side.allCases { note(macs[Int(side.rawValue)], of: own, side) }
  }

  package func deallocate() {
    words.deinitialize(count: Self.count)
    UnsafeMutableRawPointer(words).deallocate()
    addresses.deallocate()
  }

  // The cluster's thread

  /// Workers may send until then; 0 fences them.
  package func lease(until moment: UInt64) {
    // edge lease.epoch: release; pairs with the acquire in isOpen. What begins anew was said before.
    words[Self.lease].store(moment, ordering: .releasing)
  }

  /// What has come until now is not to be worked on: another member may have done so. Said before the next lease.
  package func beginAnew() {
    let epoch = words[Self.epoch].load(ordering: .relaxed)
    words[Self.epoch].store(epoch &+ 1, ordering: .relaxed)
  }

  /// Somebody is missing. Hosts that are heard within `learning` are with us; what others send waits for `waiting`.
  package func doubtNewcomers(since now: UInt64, learning: UInt64, waiting: UInt64) {
    words[Self.learning].store(learning, ordering: .relaxed)
    words[Self.waiting].store(waiting, ordering: .relaxed)
    // edge newcomers.terms: release; pairs with the acquire in doubtedSince. Whoever doubts knows for how long.
    words[Self.doubted].store(max(1, now), ordering: .releasing)
  }

  package func trustNewcomers() {
    // edge newcomers.terms: release; pairs with the acquire in doubtedSince. Who is refused was said before.
    words[Self.doubted].store(0, ordering: .releasing)
  }

  /// What begins to wait before then may be worked on by another half.
  package func refuseNewcomers(until moment: UInt64) {
    if words[Self.refused].load(ordering: .relaxed) < moment { words[Self.refused].store(moment, ordering: .relaxed) }
  }

  /// What other units have said before that moment has been heard.
  package func noteListening(until moment: UInt64) {
    if words[Self.doubted].load(ordering: .relaxed) == 0 { return }
    // edge newcomers.refused: release; pairs with the acquire in newcomerTerms. Who is refused was said before.
    words[Self.listened].store(moment, ordering: .releasing)
  }

  /// A unit's own MAC address on that side, as its frames say it; nil while nobody knows.
  package func note(_ mac: MACAddress?, of unit: Int, _ side: Side) {
    let first = Self.unitMACs + Int(side.rawValue) * Self.mostUnits
    let value = mac?.value ?? 0
    guard words[first + unit].load(ordering: .relaxed) != value else { return }
    var filter = value == 0 ? 0 : Self.bit(value)
    for other in 0..<Self.mostUnits where other != unit {
      let mac = words[first + other].load(ordering: .relaxed)
      filter |= mac == 0 ? 0 : Self.bit(mac)
    }
    // Each word is right by itself: whoever sees one of them alone takes the unit for unknown, for a moment.
    words[first + unit].store(value, ordering: .relaxed)
    words[Self.filters + Int(side.rawValue)].store(filter, ordering: .relaxed)
  }

  /// Who passes on what is this unit's (C22.1), by its MAC addresses; nil: nobody does, or this unit itself.
  package func noteMaster(_ macs: [MACAddress?]?) {
    for side in 0..<2 {
      words[Self.masterMACs + side].store(macs?[side]?.value ?? 0, ordering: .relaxed)
    }
  }

  /// When a worker received something from somebody else last.
  package func heardAt(workers: Int) -> UInt64 {
    (0..<workers).map { words[Self.heard + 8 * $0].load(ordering: .relaxed) }.max() ?? 0
  }

  /// Somebody on the segment who can be asked in turn.
  package struct Asker: Sendable {
    package var address: IPAddress
    package var side: Side
    package var mac: MACAddress
  }

  /// Of each worker the last. Each word is right by itself: where they do not belong together nobody answers, once.
  package func askers(workers: Int) -> [Asker] {
    (0..<workers).compactMap { worker in
      let first = Self.asker + 8 * worker
      let mac = words[first].load(ordering: .relaxed)
      if mac == 0 { return nil }
      let address = Address(
        high: words[first + 1].load(ordering: .relaxed), low: words[first + 2].load(ordering: .relaxed))
      return Asker(
        address: address.ipv4.map { .v4($0) } ?? .v6(address.ipv6), side: mac >> 48 & 1 == 0 ? .inside : .outside,
        mac: MACAddress(mac & 0xffff_ffff_ffff))
    }
  }

  /// When a unit's worker answered last, on that side.
  package func answeredAt(_ unit: Int, _ side: Side) -> UInt64 {
    words[Self.answered + Int(side.rawValue) * Self.mostUnits + unit].load(ordering: .relaxed)
  }

  /// Whether all workers judge by this table alone, and what they judged by others has left.
  func haveAdopted(_ table: UInt64, workers: Int) -> Bool {
    for worker in 0..<workers {
      // edge table.adopted: acquire; pairs with the release in noteTable.
      let adopted = words[Self.table + 8 * worker].load(ordering: .acquiring)
      if adopted != table { return false }
    }
    return true
  }

  // Workers

  @inline(__always)
  func noteTable(_ table: UInt64, by worker: Int) {
    // edge table.adopted: release; pairs with the acquire in haveAdopted. Reads of the tables before are done.
    words[Self.table &+ 8 &* worker].store(table, ordering: .releasing)
  }

  @inline(__always)
  var isOpen: Bool {
    // edge lease.epoch: acquire; pairs with the release in lease. Whoever sees a lease sees its epoch.
    hauberk_boot_nanoseconds() < words[Self.lease].load(ordering: .acquiring)
  }

  @inline(__always)
  var epoch: UInt64 {
    // edge lease.epoch: acquire; pairs with the release in lease. A receive behind it is behind it.
    words[Self.epoch].load(ordering: .acquiring)
  }

  /// 0: newcomers are as good as others.
  @inline(__always)
  var doubtedSince: UInt64 {
    // edge newcomers.terms: acquire; pairs with the release in doubtNewcomers.
    words[Self.doubted].load(ordering: .acquiring)
  }

  var newcomerTerms: (learning: UInt64, waiting: UInt64, refusedUntil: UInt64, listenedUntil: UInt64) {
    // edge newcomers.refused: acquire; pairs with the release in noteListening. What was heard by then has been said.
    let listened = words[Self.listened].load(ordering: .acquiring)
    return (
      words[Self.learning].load(ordering: .relaxed), words[Self.waiting].load(ordering: .relaxed),
      words[Self.refused].load(ordering: .relaxed), listened
    )
  }

  @inline(__always)
  func noteHearing(by worker: Int, _ now: UInt64) {
    words[Self.heard &+ 8 &* worker].store(now, ordering: .relaxed)
  }

  func noteAsker(_ mac: MACAddress, _ address: Address, _ side: Side, by worker: Int) {
    let first = Self.asker &+ 8 &* worker
    words[first].store(mac.value | UInt64(side.rawValue) &<< 48, ordering: .relaxed)
    words[first &+ 1].store(address.high, ordering: .relaxed)
    words[first &+ 2].store(address.low, ordering: .relaxed)
  }

  func noteAnswer(of unit: Int, _ side: Side) {
    words[Self.answered &+ Int(side.rawValue) &* Self.mostUnits &+ unit].store(
      hauberk_boot_nanoseconds(), ordering: .relaxed)
  }

  /// Nil is nobody of ours.
  func unit(at address: Address, _ side: Side) -> Int? {
    if address.isNone { return nil }
    let first = Int(side.rawValue) &* Self.mostUnits
    var unit = 0
    while unit < Self.mostUnits {
      if addresses[first &+ unit] == address { return unit }
      unit &+= 1
    }
    return nil
  }

  /// In its lower 48 bits; 0 where it is not known.
  @inline(__always)
  func mac(of unit: UInt8, _ side: Side) -> UInt64 {
    words[Self.unitMACs &+ Int(side.rawValue) &* Self.mostUnits &+ Int(unit) & (Self.mostUnits &- 1)].load(
      ordering: .relaxed)
  }

  /// Whether a member has sent what comes from there.
  @inline(__always)
  package func isUnit(_ mac: UInt64, _ side: Side) -> Bool {
    let filter = words[Self.filters &+ Int(side.rawValue)].load(ordering: .relaxed)
    return filter & Self.bit(mac) != 0 && isOne(mac, side)
  }

  /// What comes from the master is nobody's work yet.
  @inline(__always)
  func isMaster(_ mac: UInt64, _ side: Side) -> Bool {
    words[Self.masterMACs &+ Int(side.rawValue)].load(ordering: .relaxed) == mac
  }

  private func isOne(_ mac: UInt64, _ side: Side) -> Bool {
    let first = Self.unitMACs &+ Int(side.rawValue) &* Self.mostUnits
    var unit = 0
    while unit < Self.mostUnits {
      if words[first &+ unit].load(ordering: .relaxed) == mac { return true }
      unit &+= 1
    }
    return false
  }

  @inline(__always)
  private static func bit(_ mac: UInt64) -> UInt64 { 1 &<< ((mac &* 0x9e37_79b9_7f4a_7c15) &>> 58) }

  func mac(_ side: Side) -> MACAddress { side == .inside ? macs.inside : macs.outside }

  func isOwn(_ address: Address, _ side: Side) -> Bool {
    !address.isNone && addresses[Int(side.rawValue) &* Self.mostUnits &+ own] == address
  }
}
