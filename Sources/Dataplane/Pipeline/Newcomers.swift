import Contract
import Memory
import Wire

/// Which hosts a worker has heard since somebody went missing, and what it keeps of others (X19): a host that comes with
/// another half of the cluster is worked for by that half, until one of the two masters has heard the other.
///
/// A handle on memory of the worker's own. While nobody is missing it is not asked.
struct Newcomers: @unchecked Sendable {
  /// By its MAC address and side.
  private struct Host {
    var key: UInt64 = 0
    /// Since when it has been asked after who is missing, when it was found to be with us.
    var since: UInt64 = 0
    /// So many of its packets wait.
    var waiting: UInt32 = 0
    /// When one came for which there was no room to wait; 0: none.
    var lostAt: UInt64 = 0
  }

  private struct Waiting {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    var host: Int32 = -1
    /// The table by which a work set began here last.
    var begun: UInt32 = 0
    var at: UInt64 = 0
  }

  /// Of one side, in the order in which they came.
  private struct Queue {
    var first = 0
    var count = 0
  }

  static var mostHosts: Int { 4096 }
  /// Of all frames, for all workers together.
  static var shareOfFrames: Int { 32 }
  private static var reach: Int { 8 }
  private static var mostWaits: UInt64 { 8 }

  /// Of each side.
  let most: Int
  private let hosts: UnsafeMutablePointer<Host>
  private let waiting: UnsafeMutablePointer<Waiting>
  private let queues: UnsafeMutablePointer<Queue>
  /// Which has room for a burst, and throws away what it has not kept.
  private let holding: Holding
  private let counters: WorkerCounters

  init(_ holding: Holding, _ counters: WorkerCounters, workers: Int) {
    self.holding = holding
    self.counters = counters
    most = max(32, holding.frames.memory.sizes.frames / Self.shareOfFrames / workers / 2)
    hosts = .allocate(capacity: Self.mostHosts)
    hosts.initialize(repeating: Host(), count: Self.mostHosts)
    waiting = .allocate(capacity: 2 * most)
    waiting.initialize(repeating: Waiting(), count: 2 * most)
    queues = .allocate(capacity: 2)
    queues.initialize(repeating: Queue(), count: 2)
  }

  func deallocate() {
    hosts.deallocate()
    waiting.deallocate()
    queues.deallocate()
  }

  @inline(__always)
  func count(_ side: Side) -> Int { queues[Int(side.rawValue)].count }

  @inline(__always)
  var isEmpty: Bool { queues[0].count &+ queues[1].count == 0 }

  typealias Terms = (learning: UInt64, waiting: UInt64, refusedUntil: UInt64, listenedUntil: UInt64)

  /// What came then has waited for long enough, for all that others have said meanwhile, and nobody has refused it.
  private func isOver(_ moment: UInt64, _ terms: Terms) -> Bool {
    terms.listenedUntil >= moment &+ terms.waiting && moment >= terms.refusedUntil
  }

  // Hosts

  /// Where a host stands, or could. Nil: there is no room for one more.
  private func place(_ key: UInt64, _ since: UInt64) -> Int? {
    var place = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) &>> 52)
    var free: Int?
    var step = 0
    while step < Self.reach {
      if hosts[place].key == key { return place }
      // Of an earlier time, and nothing waits for it.
      if free == nil, hosts[place].since != since, hosts[place].waiting == 0 { free = place }
      place = (place &+ 1) & (Self.mostHosts &- 1)
      step &+= 1
    }
    if let free { hosts[free] = Host(key: key) }
    return free
  }

  private static func key(_ frame: Bytes, _ side: Side) -> UInt64 {
    frame.uint64(at: 6) >> 16 | UInt64(side.rawValue) << 48 | 1 << 49
  }

  /// Takes out of a burst what has to wait. `since` is when it was asked last who is missing.
  func sift(
    _ burst: inout Burst, _ side: Side, _ since: UInt64, _ now: UInt64, begun: UInt32, _ desk: ClusterDesk
  ) {
    let terms = desk.newcomerTerms
    // Who comes while another half is heard may be of that.
    let isLearning = now &- since < terms.learning && now >= terms.refusedUntil
    var kept = 0
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      if isWelcome(ref, side, since, isLearning: isLearning, terms, desk) {
        burst.refs[kept] = ref
        kept &+= 1
      } else {
        wait(ref, side, since, now, begun, terms)
      }
      index &+= 1
    }
    burst.count = kept
  }

  private func isWelcome(
    _ ref: PacketRef, _ side: Side, _ since: UInt64, isLearning: Bool, _ terms: Terms, _ desk: ClusterDesk
  ) -> Bool {
    let frame = Bytes(holding.frames.memory.addresses.address(start: ref.start), count: Int(ref.length))
    guard frame.count >= EthernetView.length, let place = place(Self.key(frame, side), since) else { return true }
    if hosts[place].since == since { return true }
    let host = hosts[place]
    if host.waiting == 0, isLearning || host.lostAt >= since && isOver(host.lostAt, terms) {
      hosts[place].since = since
      return true
    }
    // What members send each other is nobody's work twice, and who asks for an address, or says one, is answered.
    return desk.isUnit(frame.uint64(at: 6) >> 16, side) || NeighbourTalk.isOne(frame)
  }

  // What waits

  private func at(_ side: Side, _ number: Int) -> UnsafeMutablePointer<Waiting> {
    let place = queues[Int(side.rawValue)].first &+ number
    return waiting + (Int(side.rawValue) &* most &+ (place < most ? place : place &- most))
  }

  private func wait(_ ref: PacketRef, _ side: Side, _ since: UInt64, _ now: UInt64, _ begun: UInt32, _ terms: Terms) {
    counters.add(1, to: WorkerCounters.receivedPackets)
    counters.add(Int(ref.length), to: WorkerCounters.receivedBytes)
    counters.add(1, to: .held)
    let frame = Bytes(holding.frames.memory.addresses.address(start: ref.start), count: Int(ref.length))
    guard let host = place(Self.key(frame, side), since) else { return holding.discard(ref, .holdFull) }
    if holding.frames.memory.isLarge(ref) || count(side) == most {
      if hosts[host].lostAt < terms.refusedUntil || hosts[host].lostAt < since { hosts[host].lostAt = now }
      return holding.discard(ref, .holdFull)
    }
    hosts[host].waiting &+= 1
    at(side, count(side)).pointee = Waiting(ref: ref, host: Int32(truncatingIfNeeded: host), begun: begun, at: now)
    queues[Int(side.rawValue)].count &+= 1
  }

  /// The first one's host has waited for long enough: what waits of it is taken from the queue, as many as a burst takes.
  /// False: nothing is due. `since` is 0 where nobody is missing any more: then all of it is due.
  func takeDue(
    _ side: Side, _ since: UInt64, _ now: UInt64, begun: UInt32, _ desk: ClusterDesk, into burst: inout Burst
  ) -> Bool {
    guard count(side) > 0 else { return false }
    let terms = desk.newcomerTerms
    let first = at(side, 0).pointee
    let isHeard = since == 0 || terms.listenedUntil >= first.at &+ terms.waiting
    // The cluster's thread may be busy with somebody's flood: nobody waits for that for ever.
    if !isHeard, now &- first.at < Self.mostWaits &* terms.waiting { return false }
    let isWelcome = isHeard && first.at >= terms.refusedUntil
    var left = 0
    var number = 0
    let all = count(side)
    while number < all {
      let one = at(side, number).pointee
      if one.host != first.host || burst.count == Burst.capacity {
        at(side, left).pointee = one
        left &+= 1
      } else {
        hosts[Int(one.host)].waiting &-= 1
        // Its work set may have been another member's when it came.
        if !isWelcome {
          holding.discard(one.ref, .otherHalf)
        } else if one.begun == begun {
          burst.append(one.ref)
        } else {
          holding.discard(one.ref, .holdDoubtful)
        }
      }
      number &+= 1
    }
    queues[Int(side.rawValue)].count = left
    if isWelcome, hosts[Int(first.host)].waiting == 0 { hosts[Int(first.host)].since = since }
    return true
  }

  /// All of it.
  @inline(never)
  func throwAway(_ reason: DropReason) {
    for side in 0..<2 {
      let side = side == 0 ? Side.inside : .outside
      while count(side) > 0 {
        let one = at(side, 0).pointee
        hosts[Int(one.host)].waiting &-= 1
        holding.discard(one.ref, reason)
        let next = queues[Int(side.rawValue)].first &+ 1
        queues[Int(side.rawValue)].first = next < most ? next : 0
        queues[Int(side.rawValue)].count &-= 1
      }
    }
  }
}
