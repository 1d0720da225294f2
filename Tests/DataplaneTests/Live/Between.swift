import Memory
import PacketMaking
import Synchronization
import Testing

@testable import Dataplane

/// Two kernels with a cable each, and between them, in a namespace of its own, whoever is under test: `left` and
/// `right` are its ends of the cables.
struct Between: Sendable {
  static let a = "192.0.2.1"
  static let b = "192.0.2.2"
  static let a6 = "2001:db8::1"
  static let b6 = "2001:db8::2"

  let a: NetworkNamespace
  let here: NetworkNamespace
  let b: NetworkNamespace

  init(a: NetworkNamespace, here: NetworkNamespace, b: NetworkNamespace) {
    self.a = a
    self.here = here
    self.b = b
  }

  init() throws {
    a = try NetworkNamespace()
    here = try NetworkNamespace()
    b = try NetworkNamespace()
    try here.shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
    try here.connect("left", to: a, "eth0")
    try here.connect("right", to: b, "eth0")
    try a.shell("ip addr add \(Self.a)/24 dev eth0; ip addr add \(Self.a6)/64 dev eth0 nodad")
    try b.shell("ip addr add \(Self.b)/24 dev eth0; ip addr add \(Self.b6)/64 dev eth0 nodad")
    for end in [a, b] { try end.askPatiently(on: "eth0") }
  }
}

/// What a port had counted when it was closed.
struct Counted {
  var received = 0
  var sent = 0
  var finishedChecksums = 0
  var segmented = 0
  var drops: [PortDrop: Int] = [:]

  init() {}

  init(_ counters: PortCounters) {
    received = Int(counters.receivedPackets)
    sent = Int(counters.sentPackets)
    finishedChecksums = Int(counters.finishedChecksums)
    segmented = Int(counters.segmented)
    for drop in PortDrop.allCases where counters.drops(drop) > 0 { drops[drop] = Int(counters.drops(drop)) }
  }
}

/// Runs all of them, each on a thread of its own, and throws what the first of them threw.
func together(_ bodies: [@Sendable () throws -> Void]) throws {
  let failures = Mutex<[any Error]>([])
  onThreads(bodies.count) { index in
    do { try bodies[index]() } catch { failures.withLock { $0.append(error) } }
  }
  if let first = failures.withLock({ $0.first }) { throw first }
}

struct Bridged {
  var passed = Passed()
  var one = Counted()
  var other = Counted()
  var isWhole = false
}

/// Runs both peers, each in its namespace, and between them a bridge of two ports until both peers are done.
func bridged<One: LivePortUnderTest, Other: LivePortUnderTest>(
  _ net: Between, open: @escaping @Sendable (LiveMemory) throws -> (One, Other),
  a: @escaping @Sendable () throws -> Void, b: @escaping @Sendable () throws -> Void
) throws -> Bridged {
  let result = Mutex(Bridged())
  let stage = Atomic(0)
  let done = Atomic(0)
  let peer = { @Sendable (namespace: NetworkNamespace, body: () throws -> Void) in
    defer { done.add(1, ordering: .sequentiallyConsistent) }
    while stage.load(ordering: .sequentiallyConsistent) == 0 { giveWay() }
    if stage.load(ordering: .sequentiallyConsistent) == 1 { try namespace.run(body) }
  }
  try together([
    {
      try net.here.run {
        defer { _ = stage.compareExchange(expected: 0, desired: 2, ordering: .sequentiallyConsistent) }
        let memory = try LiveMemory()
        var (one, other) = try open(memory)
        stage.store(1, ordering: .sequentiallyConsistent)
        let passed = Bridge.run(memory, &one, &other) { done.load(ordering: .sequentiallyConsistent) == 2 }
        one.close()
        other.close()
        result.withLock {
          $0 = Bridged(
            passed: passed, one: Counted(one.counters), other: Counted(other.counters), isWhole: memory.isWhole)
        }
        one.counters.deallocate()
        other.counters.deallocate()
      }
    },
    { try peer(net.a, a) },
    { try peer(net.b, b) },
  ])
  return result.withLock { $0 }
}

/// Where peers wait for each other: one that spoke before the other listens would not be heard.
final class Meeting: Sendable {
  private let there = Atomic(0)

  func wait() {
    there.add(1, ordering: .sequentiallyConsistent)
    let deadline = Deadline(milliseconds: 120_000)
    while there.load(ordering: .sequentiallyConsistent) < 2, !deadline.isOver { giveWay() }
  }
}

/// What peers do with each other.
enum Talk {
  struct Wrong: Error { let words: String }

  /// Octets that differ at every place and from packet to packet.
  static func filling(_ number: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number &+ $0 &* 31 &+ $0 >> 8) }
  }

  /// Sends so many datagrams, which make frames of 60 to 1514 octets, and expects the same from the other, in order. As the
  /// other does so too, twice `ahead` may be on their way at once: whatever is between has to have room for them.
  static func exchange(_ peer: Peer, _ count: Int, _ meeting: Meeting, ahead: Int = 128) throws {
    meeting.wait()
    func size(_ number: Int) -> Int { 18 + number * 11 % 1455 }
    func hear(_ expected: Int) throws {
      guard let got = peer.receive() else { throw Wrong(words: "the datagram \(expected) has not come") }
      guard got == filling(expected, size(expected)) else { throw Wrong(words: "the datagram \(expected) is another") }
    }
    // The first alone: as long as a kernel asks for an address, it keeps only so many packets for it.
    peer.send(filling(0, size(0)))
    try hear(0)
    for number in 1..<count + ahead {
      if number < count { peer.send(filling(number, size(number))) }
      if number > ahead { try hear(number - ahead) }
    }
  }

  /// Sends many octets to whoever accepts, and hears whether they have come as they were.
  static func sendBulk(_ peer: Peer, _ bytes: Int) throws {
    let part = filling(0, 1 << 16)
    for _ in 0..<bytes >> 16 { try peer.sendAll(part) }
    guard peer.receive() == [1] else { throw Wrong(words: "what was sent has not come") }
  }

  static func receiveBulk(_ peer: Peer, _ bytes: Int) throws {
    let part = filling(0, 1 << 16)
    var at = 0
    while at < bytes {
      let place = at & 0xffff
      guard let got = peer.receive(most: min(1 << 16 - place, bytes - at)) else {
        throw Wrong(words: "\(at) octets came")
      }
      guard got[...] == part[place..<place + got.count] else { throw Wrong(words: "wrong octets behind \(at)") }
      at += got.count
    }
    peer.send([1])
  }
}
