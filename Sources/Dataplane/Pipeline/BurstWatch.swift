import CKernel
import Contract
import Memory
package import Rings
import Wire

/// Who is told what becomes of a burst. Chosen for each burst; with nobody there it costs nothing.
protocol BurstWatch {
  func came(_ burst: Burst, _ origin: TraceRecord.Origin)
  /// Its fate is known, and its frame is still the worker's. `exit` is where it leaves.
  func went(_ ref: PacketRef, _ action: SecureAction, _ reason: DropReason, hop: UInt32, exit: Side?)
}

struct NoWatch: BurstWatch {
  @inline(__always) func came(_ burst: Burst, _ origin: TraceRecord.Origin) {}
  @inline(__always) func went(
    _ ref: PacketRef, _ action: SecureAction, _ reason: DropReason, hop: UInt32, exit: Side?
  ) {}
}

/// Where one worker tells and control listens.
///
/// Control writes `wanted` while the worker is not tracing, and an order says when to read it. Everything else is the
/// worker's, but for the other end of the ring.
package struct TraceDesk: @unchecked Sendable {
  struct Body {
    var wanted = TraceFilter()
    var wantedPackets = 0
    var filter = TraceFilter()
    var left = 0
    var generation: UInt32 = 0
  }

  package let records: SPSCRing<TraceRecord>
  let body: UnsafeMutablePointer<Body>
  /// As the burst came, by its packets' marks.
  let arrivals: UnsafeMutablePointer<TraceRecord>

  /// Enough for what comes between two looks of control's at a calm rate; at others some packets are left out.
  static var capacity: Int { 256 }

  package init() {
    records = SPSCRing(capacity: Self.capacity)
    body = .allocate(capacity: 1)
    body.initialize(to: Body())
    arrivals = .allocate(capacity: Burst.capacity)
    arrivals.initialize(repeating: TraceRecord(), count: Burst.capacity)
  }

  package func deallocate() {
    records.deallocate()
    body.deallocate()
    arrivals.deallocate()
  }
}

/// One worker's pen.
struct Tracer: BurstWatch {
  let desk: TraceDesk
  let memory: FrameAddresses
  let counters: WorkerCounters
  let worker: UInt8

  /// In the sequence of a packet's header, above the side and the bit for what was opened.
  @inline(__always) private static var markShift: UInt64 { 16 }
  @inline(__always) private static var belowMark: UInt64 { 0xffff }

  func begin() {
    desk.body.pointee.filter = desk.body.pointee.wanted
    desk.body.pointee.left = desk.body.pointee.wantedPackets
  }

  /// Before its packets have come.
  func end() { desk.body.pointee.left = 0 }

  var isDone: Bool { desk.body.pointee.left <= 0 }

  func use(_ generation: UInt32) { desk.body.pointee.generation = generation }

  @inline(never)
  func came(_ burst: Burst, _ origin: TraceRecord.Origin) {
    var microseconds: UInt32 = 0
    let seconds = hauberk_wall_clock(&microseconds)
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      let header = header(of: ref)
      let arrival = desk.arrivals + index
      arrival.pointee = TraceRecord()
      arrival.pointee.seconds = seconds
      arrival.pointee.microseconds = microseconds
      arrival.pointee.came = TracedHeaders(frame(ref))
      arrival.pointee.origin = origin
      arrival.pointee.worker = worker
      index &+= 1
      let mark = UInt64(truncatingIfNeeded: index) << Self.markShift
      header.pointee.sequence = header.pointee.sequence & Self.belowMark | mark
    }
  }

  /// The same for what another worker has judged and sent over.
  @inline(never)
  func crossed(_ burst: Burst) {
    came(burst, .inside)
    var index = 0
    while index < burst.count {
      let header = header(of: burst.refs[index])
      desk.arrivals[index].origin = header.pointee.sequence & 1 == 0 ? .inside : .outside
      desk.arrivals[index].crossedFrom = UInt8(truncatingIfNeeded: header.pointee.crossedFrom)
      index &+= 1
    }
  }

  @inline(never)
  func went(_ ref: PacketRef, _ action: SecureAction, _ reason: DropReason, hop: UInt32, exit: Side?) {
    let header = header(of: ref)
    let mark = Int(truncatingIfNeeded: header.pointee.sequence >> Self.markShift)
    // What was made on the way is told along with what it was made of.
    guard mark > 0, mark <= Burst.capacity else { return }
    header.pointee.sequence &= Self.belowMark
    let record = desk.arrivals + (mark &- 1)
    record.pointee.action = action.bits
    record.pointee.workSet = ref.workSet
    record.pointee.reason = reason.rawValue
    record.pointee.isPunted = ControlExchange.wants(reason)
    record.pointee.hop = hop
    if let exit { record.pointee.exit = exit.rawValue }
    var next = header.pointee.made
    while next.length > 0 {
      record.pointee.made &+= 1
      next = self.header(of: next).pointee.made
    }
    finish(record, ref)
  }

  /// A frame of control's making, for that side.
  @inline(never)
  func injected(_ ref: PacketRef, _ side: Side) {
    var record = TraceRecord()
    record.seconds = hauberk_wall_clock(&record.microseconds)
    record.came = TracedHeaders(frame(ref))
    record.origin = .control
    record.worker = worker
    record.exit = side.rawValue
    finish(&record, ref)
  }

  private func finish(_ record: UnsafeMutablePointer<TraceRecord>, _ ref: PacketRef) {
    record.pointee.left = TracedHeaders(frame(ref))
    record.pointee.generation = desk.body.pointee.generation
    let filter = desk.body.pointee.filter
    guard desk.body.pointee.left > 0, filter.fits(record.pointee.came) || filter.fits(record.pointee.left) else {
      return
    }
    if desk.records.enqueue(record, 1) == 1 {
      desk.body.pointee.left &-= 1
    } else {
      counters.add(1, to: WorkerCounters.untraced)
    }
  }

  @inline(__always)
  private func frame(_ ref: PacketRef) -> Bytes {
    Bytes(memory.address(start: ref.start), count: Int(ref.length))
  }

  @inline(__always)
  private func header(of ref: PacketRef) -> UnsafeMutablePointer<FrameHeader> {
    (memory.address(start: ref.start) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
  }
}
