import Contract
import CXDP
@testable import Dataplane
import Glibc
import PacketMaking
import Wire

/// The early filter of one side as the kernel runs it: the XDP program, by the kernel's own test run, and the filter of
/// packet sockets, in front of a socket that frames are sent to as datagrams.
final class EarlyRig {
  let memory: EarlyMemory
  private var program = hauberk_xdp_program()
  private var ends: [Int32] = [-1, -1]
  private var scratch = [UInt8](repeating: 0, count: 1 << 16)

  init(_ side: Side = .inside, spis: Int = 0, selectorBuckets: Int = 1) throws {
    memory = try EarlyMemory(side, spis: spis, selectorBuckets: selectorBuckets)
    var log = [CChar](repeating: 0, count: 1 << 16)
    guard memory.loadXDP(queues: 1, inPieces: false, &program, &log) == 0,
      socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
    else { throw Namespace.NotPossible() }
    try memory.attach(to: [ends[1]])
  }

  deinit {
    hauberk_xdp_unload(&program)
    for end in ends where end >= 0 { close(end) }
  }

  /// Whether the two let a frame through. The kernel's test run takes no frame without a whole link header.
  func lets(_ frame: [UInt8]) -> (xdp: Bool, socket: Bool) {
    let verdict = frame.count < 14 ? 2 : hauberk_xdp_try(program.program, frame, UInt32(frame.count))
    precondition(verdict == 1 || verdict == 2, "the kernel does not run it: \(verdict)")
    guard !frame.isEmpty else { return (true, true) }
    precondition(send(ends[0], frame, frame.count, 0) == frame.count)
    return (verdict == 2, recv(ends[1], &scratch, scratch.count, Int32(MSG_DONTWAIT)) == frame.count)
  }
}

/// A filter and the workers' own judgement beside each other: what is another member's has to be dropped early, unless it
/// is of a kind that is left to workers, and nothing else may be.
struct EarlyComparison {
  var frames = 0
  /// By the workers' judgement, and how many of them were dropped early.
  var foreign = 0
  var early = 0
  /// Of these, what had a tunnel's work set.
  var earlyForTunnels = 0
  /// Another member's, and left to workers.
  var left: [EarlyLeft: Int] = [:]
  /// Dropped early, though no worker would say that they are another member's, or though they are to be left; or by one
  /// of the two filters alone.
  var wrong: [[UInt8]] = []
  /// Another member's, and let through for no reason.
  var missed: [[UInt8]] = []

  var isRight: Bool { wrong.isEmpty }
  var isComplete: Bool { missed.isEmpty }

  var share: String { foreign == 0 ? "none" : "\(100 * early / foreign) % of \(foreign)" }

  /// `key`, if any, is what the filter has in place of the description's. `associations` are the description's.
  static func run(
    _ description: ClassifyDescription, _ frames: [[UInt8]], from side: Side = .inside, key: WorkSetKey? = nil,
    rig: EarlyRig? = nil, associations: Associations? = nil, hasRoomForPolicy: Bool = true
  ) throws -> EarlyComparison {
    var ownership = OwnershipDescription(members: 3, playing: [0], workers: 2)
    for set in stride(from: 0, to: WorkSets.count, by: 7) {
      ownership[set].state = set % 2 == 0 ? .pending : .unassigned
    }
    let rig =
      try rig
      ?? EarlyRig(
        side, spis: description.tunnels.count + description.groups.count,
        selectorBuckets: EarlyRules.selectorBuckets(description))
    let snapshot = ClassifySnapshotBuilder.build(description, ownership, associations)
    defer { ClassifySnapshotBuilder.destroy(snapshot) }
    var told = description
    told.key = key ?? description.key
    rig.memory.set(EarlyRules(told).map { EarlyFilter($0, snapshot.pointee.dispositions) })
    var result = EarlyComparison()
    for frame in frames {
      let found = withExactBytes(frame) {
        Classifier.judgeFully(Bytes($0), snapshot, .ethernet, from: side)
      }
      let isForeign =
        found.reason == .none
        && snapshot.pointee.dispositions[Int(found.workSet)].bits == Disposition(.notMine).bits
      let kind = EarlyLeft(frame, description, hasRoomForPolicy: hasRoomForPolicy)
      result.add(frame, rig.lets(frame), isForeign, kind, isTunnels: found.rule == .tunnel)
    }
    return result
  }

  private mutating func add(
    _ frame: [UInt8], _ lets: (xdp: Bool, socket: Bool), _ isForeign: Bool, _ kind: EarlyLeft?, isTunnels: Bool
  ) {
    frames += 1
    foreign += isForeign ? 1 : 0
    early += lets.xdp ? 0 : 1
    earlyForTunnels += !lets.xdp && isTunnels ? 1 : 0
    if isForeign, let kind { left[kind, default: 0] += 1 }
    let isToBeDropped = isForeign && kind == nil
    if !lets.xdp && !isToBeDropped || lets.xdp != lets.socket { wrong.append(frame) }
    if lets.xdp && isToBeDropped { missed.append(frame) }
  }

  mutating func add(_ other: EarlyComparison) {
    frames += other.frames
    foreign += other.foreign
    early += other.early
    earlyForTunnels += other.earlyForTunnels
    left.merge(other.left, uniquingKeysWith: +)
    wrong += other.wrong
    missed += other.missed
  }
}
