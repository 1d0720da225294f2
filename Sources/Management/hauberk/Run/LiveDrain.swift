import CKernel
import CLI
import Dataplane
import Neighbours

/// A gateway on its way to its end: it takes nothing new, waits until nothing is held, and tells whoever asked.
///
/// Whoever is to take over from it, another process or another member of a cluster, may do so when this is done.
struct LiveDrain {
  private let began: UInt64
  private let heldPackets: Int
  private let sentBefore: UInt64
  private let lostBefore: UInt64
  private var last: LiveGateway.DrainLook?
  private var ended: UInt64?
  private var isTold = false

  /// Longer than anything waits: a neighbour is asked for three seconds, a datagram kept for thirty.
  private static let most: UInt64 = 40_000_000_000
  /// For whoever asked to fetch the end of it.
  private static let patience: UInt64 = 1_000_000_000

  init(_ gateway: LiveGateway, _ slow: SlowPath, now: UInt64) {
    began = now
    heldPackets = slow.heldPackets
    sentBefore = slow.snapshot(now: now)[.heldPacket]
    lostBefore = Self.lost(gateway)
    gateway.beginDrain()
  }

  private static func lost(_ gateway: LiveGateway) -> UInt64 {
    gateway.counters.reduce(0) { $0 + $1.reassemblyTimeouts }
  }

  var isDone: Bool { ended != nil }

  /// True: it may end now.
  mutating func turn(_ gateway: LiveGateway, _ slow: SlowPath, now: UInt64) -> Bool {
    if let ended { return isTold || now > ended + Self.patience }
    let look = gateway.lookAtDrain()
    let isEnd = last.map { look.isEnd(after: $0) } ?? false
    if isEnd && slow.heldPackets == 0 || now > began + Self.most { ended = now }
    // The older of two looks has to stay until workers have gone on.
    if last.map({ !look.isSame(as: $0) }) ?? true { last = look }
    return false
  }

  mutating func answer(_ gateway: LiveGateway, _ slow: SlowPath, now: UInt64) -> DrainAnswer {
    let look = gateway.lookAtDrain()
    var answer = DrainAnswer()
    answer.isDone = isDone
    answer.seconds = Double((ended ?? now) - began) / 1e9
    answer.heldPackets = heldPackets
    answer.sentOn = slow.snapshot(now: now)[.heldPacket] - sentBefore
    answer.heldNow = slow.heldPackets
    answer.datagrams = look.datagrams
    answer.lostDatagrams = Self.lost(gateway) - lostBefore
    answer.refused = look.refused
    isTold = isTold || isDone
    return answer
  }
}
