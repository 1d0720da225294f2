import CCrypto
package import Contract
import Glibc
import Memory
@testable import Nonces
import Rings
import Synchronization
import Wire

@testable import Dataplane

@_silgen_name("__asan_poison_memory_region")
private func poison(_ start: UnsafeRawPointer, _ count: Int)
@_silgen_name("__asan_unpoison_memory_region")
private func unpoison(_ start: UnsafeRawPointer, _ count: Int)

/// One gateway with one worker, that can be set back to its beginning: so an input finds the same gateway always, and
/// making it anew costs no time. After every run, all that it counts has to add up, and every frame to be back.
package final class FuzzGateway {
  package struct Outcome {
    package var octets: [UInt8]
    package var reason: DropReason
    /// What was made out of it.
    package var made: [[UInt8]] = []
  }

  package private(set) var opened: UInt64 = 0
  package private(set) var sealed: UInt64 = 0
  private let associations: Associations
  private let counters = WorkerCounters()
  private let reports: SPSCRing<Report>
  private let memory: PacketMemory
  private let frames: FrameSource
  private let snapshot: UnsafePointer<ClassifySnapshot>
  private let shared: WorkerShared
  private let esp: ESPWorker
  private let path: BurstPath
  private let description: ESPDescription
  private let nonces: NonceBlock
  private let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
  private var free: [PacketRef] = []

  init(
    _ description: ClassifyDescription, link: LinkType, engine: CryptoEngine.Kind?, unit: Int, stories: Bool
  ) throws {
    guard let esp = description.tunnels.first?.security?.esp ?? description.groups.first?.security?.esp else {
      preconditionFailure("a gateway without a tunnel")
    }
    self.description = esp
    var sizes = PacketMemorySizes()
    sizes.frames = Self.frames
    sizes.largeFrames = Self.largeFrames
    sizes.largeFrameBytes = 80 << 10
    memory = try PacketMemory(sizes, near: nil)
    frames = FrameSource(memory, keeping: 128)
    associations = try Associations(description, engine: try CryptoEngine(forced: engine, lanes: 1), workers: 1)
    let ownership = OwnershipDescription(members: 1, playing: [0], workers: 1)
    let directory = NonceStateDirectory(disk: MemoryDisk(), path: "memory")
    _ = try NonceSupply(associations, ownership, workers: 1, unit: unit, from: directory, .new)
    nonces = associations.tables.outbound.pointee.state.pointee.nonces
    snapshot = ClassifySnapshotBuilder.build(description, ownership, associations)
    shared = WorkerShared(memory: memory, first: snapshot, workers: 1, crossingCapacity: 64)
    reports = SPSCRing(capacity: 64)
    self.esp = ESPWorker(
      lane: try associations.engine.lane(0), memory: memory, reports: reports, worker: 0, link: link,
      keepsStories: stories)
    path = BurstPath(shared, counters, worker: 0, link: link, esp: self.esp)
    refs.initialize(repeating: PacketRef(position: 0, offset: 0, length: 0), count: Burst.capacity)
  }

  private static let frames = 256
  private static let largeFrames = 12

  /// As at the beginning, or where another has used the numbers up to `last`.
  package func reset(after last: UInt64 = 0, longest: Int = 0, nonces left: Int = 1 << 20) {
    let out = associations.tables.outbound, into = associations.tables.inbound
    var block = nonces
    block.next = block.end &- UInt64(left)
    out.pointee.longest = longest == 0 ? .max : UInt16(longest)
    out.pointee.paddedLength = UInt16(clamping: min(description.paddedLength, out.pointee.mostInside))
    out.pointee.state.pointee = OutboundState(
      nonces: block, sequence: OutboundSequence(extended: description.isExtended, after: last), nextNonces: .none)
    into.pointee.state.pointee = InboundState()
    if let senders = into.pointee.senders {
      senders.pointee.numbers.update(repeating: 0, count: 256)
      senders.pointee.used.pointee.store(0, ordering: .relaxed)
      for number in 0..<senders.pointee.capacity {
        renew(senders.pointee.pool + number * senders.pointee.windowBytes, 0)
      }
    } else {
      renew(UnsafeMutableRawPointer(into.pointee.state) + InboundState.stride, last)
    }
    for number in 0..<Reassembly.capacity { esp.fragments.release(number) }
    while reports.dequeue() != nil {}
  }

  private func renew(_ window: UnsafeMutableRawPointer, _ last: UInt64) {
    _ = ReplayWindow(at: window, size: description.window, extended: description.isExtended, after: last)
  }

  // MARK: Runs

  /// In bursts of 64 or of as many as there are frames for, in order. `isExact`: nothing around a packet may be touched
  /// before the packet has moved.
  package func run(_ list: [[UInt8]], seconds: [Int64] = [], isExact: Bool = false) -> [Outcome] {
    var outcomes: [Outcome] = []
    while outcomes.count < list.count {
      var burst = Burst(refs)
      while burst.count < Burst.capacity, outcomes.count + burst.count < list.count {
        let index = outcomes.count + burst.count
        guard let ref = place(list[index], seconds: index < seconds.count ? seconds[index] : 0, isExact) else { break }
        burst.append(ref)
      }
      outcomes += run(&burst, isExact)
    }
    return outcomes
  }

  private func run(_ burst: inout Burst, _ isExact: Bool) -> [Outcome] {
    let before = Sums(counters), numbers = packets()
    let count = burst.count
    let places = (0..<count).map { refs[$0] }
    hotRunBurstPath(path, &burst)
    if isExact { for ref in places { uncover(ref) } }
    precondition(burst.count == count && count > 0, "a packet has vanished")
    let outcomes = (0..<count).map { take(burst.refs[$0]) }
    let after = packets()
    let opened = after.opened &- numbers.opened, sealed = after.sealed &- numbers.sealed
    self.opened &+= opened
    self.sealed &+= sealed
    Sums(counters).check(since: before, outcomes)
    check(outcomes, opened: opened, sealed: sealed)
    checkFrames()
    return outcomes
  }

  private func packets() -> (opened: UInt64, sealed: UInt64) {
    (
      associations.tables.inbound.pointee.state.pointee.packets,
      associations.tables.outbound.pointee.state.pointee.packets
    )
  }

  private func place(_ octets: [UInt8], seconds: Int64, _ isExact: Bool) -> PacketRef? {
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    guard frames.take(length: octets.count, &ref) else { return nil }
    memory.address(of: ref).copyMemory(from: octets, byteCount: octets.count)
    let header = memory.header(of: ref)
    header.pointee = FrameHeader()
    header.pointee.seconds = seconds
    header.pointee.wireLength = UInt32(octets.count)
    if isExact, !leavesPlace(octets) {
      let start = memory.address(of: ref), frame = start - Int(ref.offset)
      poison(frame + FrameHeader.size, Int(ref.offset) - FrameHeader.size)
      poison(start + octets.count, esp.frameBytes(of: ref) - Int(ref.offset) - octets.count)
    }
    return ref
  }

  /// Sealing writes around the packet, and may. The frame of a fragment may be another packet's before the burst ends.
  private func leavesPlace(_ octets: [UInt8]) -> Bool {
    let kind = octets.withUnsafeBytes { Classifier.judgeFully(Bytes($0), snapshot, esp.link).action.kind }
    return kind == .seal || kind == .reassemble
  }

  private func uncover(_ ref: PacketRef) {
    unpoison(memory.address(of: ref) - Int(ref.offset), esp.frameBytes(of: ref))
  }

  private func take(_ ref: PacketRef) -> Outcome {
    let reason = DropReason(rawValue: ref.verdict)
    precondition(reason != nil, "a verdict without a name")
    var outcome = Outcome(octets: octets(of: ref), reason: reason ?? .none)
    var next = memory.header(of: ref).pointee.made
    frames.give(ref)
    while next.length != 0 {
      outcome.made.append(octets(of: next))
      let following = memory.header(of: next).pointee.made
      frames.give(next)
      next = following
    }
    return outcome
  }

  private func octets(of ref: PacketRef) -> [UInt8] {
    let bytes = esp.frameBytes(of: ref)
    precondition(
      Int(ref.offset) >= FrameHeader.size && Int(ref.offset) + Int(ref.length) <= bytes, "a packet leaves its frame")
    return Array(UnsafeRawBufferPointer(start: memory.address(of: ref), count: Int(ref.length)))
  }

  // MARK: Sealing by hand

  /// A clear frame, sealed by the sealer itself, with something done to the octets inside before the cipher gets them.
  /// Nil: it is not sealed.
  package func forge(
    _ octets: [UInt8], link: Int, _ change: (UnsafeMutablePointer<UInt8>, Int) -> Void
  ) -> (octets: [UInt8], esp: [UInt8])? {
    guard var ref = place(octets, seconds: 0, false) else { return nil }
    defer { frames.give(ref) }
    let sealer = Sealer(tables: associations.tables, esp: esp)
    guard sealer.prepare(&ref, 0, ip: link, sa: 0, job: 0) == .none else { return nil }
    let job = esp.jobs[0], pending = esp.pending[0]
    change(job.payload, Int(job.length))
    esp.lane.seal(esp.jobs, count: 1)
    guard sealer.finish(&ref, pending, isGood: esp.jobs[0].is_good != 0) == .none else { return nil }
    let sa = associations.tables.outbound.pointee
    let header = job.payload - 8 - Int(sa.ivBytes)
    let whole = self.octets(of: ref)
    let length = 8 + Int(sa.ivBytes) + Int(job.length) + Int(sa.tagBytes)
    return (whole, Array(UnsafeBufferPointer(start: header, count: length)))
  }
}

// MARK: What has to hold

extension FuzzGateway {
  fileprivate func check(_ outcomes: [Outcome], opened: UInt64, sealed: UInt64) {
    var gone = 0, isShort = false
    for outcome in outcomes {
      gone += outcome.reason == .none ? 1 : 0
      // A packet that does not fit leaves either its pieces, or an answer to its sender.
      if outcome.reason == .tooBigForPath {
        precondition(outcome.made.count <= 1, "several answers to one packet")
      } else {
        gone += outcome.made.count
        isShort = isShort || outcome.reason != .none
      }
    }
    // Nothing passes in clear here: what leaves was opened, or sealed.
    precondition(UInt64(gone) <= opened &+ sealed, "a packet left that was neither opened nor sealed")
    precondition(isShort || UInt64(gone) == opened &+ sealed, "a packet was opened or sealed, and has not left")
  }

  /// Takes every frame that is free, and gives them back: those that this thread keeps, and those that the worker keeps.
  fileprivate func checkFrames() {
    free.removeAll(keepingCapacity: true)
    for source in [frames, esp.frames] {
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      while source.take(length: 64, &ref) { free.append(ref) }
      while source.take(length: 70 << 10, &ref) { free.append(ref) }
    }
    let all = Self.frames + Self.largeFrames
    precondition(free.count <= all, "a frame is free twice")
    precondition(free.count == all, "\(all - free.count) frames are missing")
    for ref in free { frames.give(ref) }
  }
}

/// What a worker counts, at one time.
private struct Sums {
  var received: UInt64, kept: UInt64, bytes: UInt64, made: UInt64, crossed: UInt64
  var drops: [UInt64]

  init(_ counters: WorkerCounters) {
    received = counters.receivedPackets
    kept = counters.keptPackets
    bytes = counters.keptBytes
    made = counters.madePackets
    crossed = counters.crossedOut &+ counters.crossedIn
    drops = DropReason.allCases.map { counters.drops($0) }
  }

  func check(since old: Sums, _ outcomes: [FuzzGateway.Outcome]) {
    let dropped = zip(drops, old.drops).map { $0 &- $1 }
    let isSum = received &- old.received &+ made &- old.made == kept &- old.kept &+ dropped.reduce(0, &+)
    precondition(isSum, "what comes in and is made is not what goes out and is dropped")
    precondition(received &- old.received == UInt64(outcomes.count) && crossed == 0, "packets were counted twice")
    var seen = [UInt64](repeating: 0, count: drops.count)
    var gone: UInt64 = 0, octets: UInt64 = 0, pieces: UInt64 = 0
    for outcome in outcomes {
      if outcome.reason == .none {
        gone += 1
        octets += UInt64(outcome.octets.count)
      } else {
        seen[Int(outcome.reason.rawValue)] += 1
      }
      pieces += UInt64(outcome.made.count)
      gone += UInt64(outcome.made.count)
      octets += outcome.made.reduce(0) { $0 + UInt64($1.count) }
    }
    precondition(seen == dropped, "drops are counted under other reasons")
    precondition(gone == kept &- old.kept && octets == bytes &- old.bytes, "another number of packets or octets left")
    precondition(pieces == made &- old.made, "more or less was made than counted")
  }
}
