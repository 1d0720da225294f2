import Wire

/// An address on one of our links.
struct LinkAddress: Hashable, Sendable {
  var interface: Int
  var address: IPAddress
}

struct Neighbour: Sendable {
  var key: LinkAddress
  /// Known in every state but `incomplete`.
  var mac: MACAddress?
  var state: NeighbourState
  var since: UInt64
  var attempts = 0
  /// Has answered a question of ours, and is used.
  var isConfirmed = false
  var confirmedAt: UInt64 = 0
  /// The dataplane knows the MAC address: somebody sent to this neighbour.
  var isInstalled = false
  var usedAt: UInt64
  /// Whether probes go to all: the old MAC address is in doubt.
  var asksAll = false
  /// IP packets that wait for the MAC address, the oldest first.
  var held: [[UInt8]] = []

  init(_ key: LinkAddress, _ state: NeighbourState, mac: MACAddress?, now: UInt64) {
    self.key = key
    self.state = state
    self.mac = mac
    since = now
    usedAt = now
  }
}

/// Neighbours in numbered slots, with the moment at which each wants to be looked at.
struct NeighbourTable: Sendable {
  private var slots: [Neighbour?] = []
  private var free: [Int] = []
  private var index: [LinkAddress: Int] = [:]
  private var deadlines = Agenda()
  /// Those that are not confirmed, by when they came.
  private var unconfirmed = Agenda()
  private let most: Int

  init(most: Int) { self.most = most }

  var count: Int { index.count }
  var all: [(slot: Int, neighbour: Neighbour)] {
    slots.indices.compactMap { slot in slots[slot].map { (slot, $0) } }
  }
  var nextDeadline: (moment: UInt64, slot: Int)? { deadlines.first }

  /// Until it says false.
  func forEach(_ body: (Neighbour) -> Bool) {
    for case let neighbour? in slots where !body(neighbour) { return }
  }

  func slot(of key: LinkAddress) -> Int? { index[key] }

  subscript(_ slot: Int) -> Neighbour {
    get {
      guard let neighbour = slots[slot] else { preconditionFailure("an empty slot") }
      return neighbour
    }
    _modify {
      guard slots[slot] != nil else { preconditionFailure("an empty slot") }
      yield &slots[slot]!
    }
  }

  func deadline(of slot: Int) -> UInt64? { deadlines.moment(of: slot) }
  mutating func setDeadline(_ slot: Int, _ moment: UInt64) { deadlines.set(slot, moment) }

  mutating func confirm(_ slot: Int, now: UInt64) {
    unconfirmed.remove(slot)
    self[slot].isConfirmed = true
    self[slot].confirmedAt = now
  }

  /// He may be put out again, before those who came after he was used last.
  mutating func unconfirm(_ slot: Int) {
    unconfirmed.set(slot, self[slot].usedAt)
    self[slot].isConfirmed = false
  }

  /// Who has to go before another fits: nil when there is room. A flood of addresses puts out only its like.
  enum Room { case free, after(evicting: Int), none }

  var room: Room {
    if count < most { return .free }
    return unconfirmed.first.map { .after(evicting: $0.slot) } ?? .none
  }

  mutating func insert(_ neighbour: Neighbour) -> Int {
    let slot = free.popLast() ?? slots.count
    if slot == slots.count { slots.append(neighbour) } else { slots[slot] = neighbour }
    index[neighbour.key] = slot
    if !neighbour.isConfirmed { unconfirmed.set(slot, neighbour.since) }
    return slot
  }

  mutating func remove(_ slot: Int) -> Neighbour {
    let neighbour = self[slot]
    slots[slot] = nil
    free.append(slot)
    index[neighbour.key] = nil
    deadlines.remove(slot)
    unconfirmed.remove(slot)
    return neighbour
  }
}
