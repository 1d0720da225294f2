import CCrypto
import CKernel
package import Contract
package import Memory
package import Rings
package import Wire

/// What one worker needs to seal and open: a lane of the cipher engine, and room for a burst's work.
///
/// A handle of one word, which stages copy freely; what it names is as large as it likes to be.
package struct ESPWorker: @unchecked Sendable {
  struct Body {
    let lane: CryptoLane
    let addresses: FrameAddresses
    /// What the engine gets: one job for every packet that is sealed or opened.
    let jobs: UnsafeMutablePointer<hauberk_packet>
    /// A cache line for each job: the nonce, and what is authenticated where it does not lie in the packet.
    let slots: UnsafeMutableRawPointer
    /// What is remembered from before the cipher to after it.
    let pending: UnsafeMutablePointer<PendingPacket>
    /// The same for packets of the common kind: jobs, and their places in the burst.
    let plainJobs: UnsafeMutablePointer<hauberk_job>
    let plainIndices: UnsafeMutablePointer<UInt8>
    /// The ends of plain packets, by the length of their padding.
    let trailers: UnsafeMutablePointer<UInt64>
    let worker: Int
    let smallFrameBytes: Int
    let largeFrameBytes: Int
    /// Frames that begin here are large.
    let firstLargeStart: UInt32
    let link: LinkType
    /// The one family that the link can carry: 4, 6, or 0 for both.
    let onlyFamily: UInt8
    /// Whether packets of the common kind go the common way: over Ethernet, and when nobody wants a story.
    let usesPlain: Bool
    /// Whether somebody wants to know the story of each packet.
    let keepsStories: Bool
    let memory: PacketMemory
    /// For packets that are made here.
    let frames: FrameSource
    let reports: SPSCRing<Report>
    let fragments: Reassembly
  }

  let body: UnsafeMutablePointer<Body>

  package init(
    lane: CryptoLane, memory: PacketMemory, reports: SPSCRing<Report>, worker: Int, link: LinkType,
    keepsStories: Bool = false
  ) {
    body = .allocate(capacity: 1)
    body.initialize(
      to: Body(
        lane: lane, addresses: memory.addresses,
        jobs: Self.room(hauberk_packet()), slots: Self.raw(Self.slotBytes), pending: Self.room(PendingPacket()),
        plainJobs: Self.jobs(), plainIndices: Self.room(0), trailers: Self.trailers(),
        worker: worker, smallFrameBytes: memory.sizes.frameBytes,
        largeFrameBytes: memory.sizes.largeFrameBytes + FrameHeader.size + memory.sizes.headroomBytes
          + memory.sizes.tailroomBytes,
        firstLargeStart: memory.firstLargeStart, link: link,
        onlyFamily: link == .rawIPv4 ? 4 : link == .rawIPv6 ? 6 : 0, usesPlain: link == .ethernet && !keepsStories,
        keepsStories: keepsStories, memory: memory, frames: FrameSource(memory, keeping: 256), reports: reports,
        fragments: Reassembly()))
  }

  private static func room<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let room = UnsafeMutablePointer<Value>.allocate(capacity: Burst.capacity)
    room.initialize(repeating: value, count: Burst.capacity)
    return room
  }

  /// Two to a line.
  private static func jobs() -> UnsafeMutablePointer<hauberk_job> {
    raw(MemoryLayout<hauberk_job>.stride).bindMemory(to: hauberk_job.self, capacity: Burst.capacity)
  }

  private static func trailers() -> UnsafeMutablePointer<UInt64> {
    let trailers = UnsafeMutablePointer<UInt64>.allocate(capacity: 4)
    for padding in 0..<4 { (trailers + padding).initialize(to: Sealer.trailer(padding)) }
    return trailers
  }

  private static func raw(_ bytesEach: Int) -> UnsafeMutableRawPointer {
    let room = UnsafeMutableRawPointer.allocate(byteCount: Burst.capacity * bytesEach, alignment: 64)
    room.initializeMemory(as: UInt8.self, repeating: 0, count: Burst.capacity * bytesEach)
    return room
  }

  package func deallocate() {
    let old = body.pointee
    old.jobs.deallocate()
    old.slots.deallocate()
    old.pending.deallocate()
    old.plainJobs.deallocate()
    old.plainIndices.deallocate()
    old.trailers.deallocate()
    old.frames.deallocate()
    old.fragments.deallocate()
    old.lane.destroy()
    body.deinitialize(count: 1)
    body.deallocate()
  }

  @inline(__always) var lane: CryptoLane { body.pointee.lane }
  @inline(__always) var jobs: UnsafeMutablePointer<hauberk_packet> { body.pointee.jobs }
  @inline(__always) var slots: UnsafeMutableRawPointer { body.pointee.slots }
  @inline(__always) var pending: UnsafeMutablePointer<PendingPacket> { body.pointee.pending }
  @inline(__always) var plainJobs: UnsafeMutablePointer<hauberk_job> { body.pointee.plainJobs }
  @inline(__always) var plainIndices: UnsafeMutablePointer<UInt8> { body.pointee.plainIndices }
  @inline(__always) var trailers: UnsafeMutablePointer<UInt64> { body.pointee.trailers }
  @inline(__always) var worker: Int { body.pointee.worker }
  @inline(__always) var link: LinkType { body.pointee.link }
  @inline(__always) var onlyFamily: UInt8 { body.pointee.onlyFamily }
  @inline(__always) var usesPlain: Bool { body.pointee.usesPlain }
  @inline(__always) var keepsStories: Bool { body.pointee.keepsStories }
  var memory: PacketMemory { body.pointee.memory }
  var frames: FrameSource { body.pointee.frames }
  var fragments: Reassembly { body.pointee.fragments }

  @inline(__always)
  func address(of ref: PacketRef) -> UnsafeMutableRawPointer { body.pointee.addresses.address(start: ref.start) }

  @inline(__always)
  func header(of ref: PacketRef) -> UnsafeMutablePointer<FrameHeader> {
    (address(of: ref) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
  }

  /// Of the whole frame: header, headroom, packet, tailroom.
  @inline(__always)
  func frameBytes(of ref: PacketRef) -> Int {
    ref.start < body.pointee.firstLargeStart ? body.pointee.smallFrameBytes : body.pointee.largeFrameBytes
  }

  // The slot of a job.
  @inline(__always) static var slotBytes: Int { 64 }
  @inline(__always) static var aadOffset: Int { 16 }
  @inline(__always) static var suffixOffset: Int { 48 }

  @inline(__always)
  func slot(_ job: Int) -> UnsafeMutableRawPointer { slots + job &* Self.slotBytes }

  /// Header and headroom, packet, tailroom. What does not fit into as much goes the general way, whatever its frame.
  @inline(__always) var smallFrameBytes: Int { body.pointee.smallFrameBytes }

  /// How many bytes there are behind the packet in its frame.
  @inline(__always)
  func room(behind ref: PacketRef) -> Int {
    frameBytes(of: ref) &- Int(ref.offset) &- Int(ref.length)
  }

  @inline(__always)
  func prefetchJobs() {
    let start = UnsafeRawPointer(plainJobs)
    var at = 0
    while at < Burst.capacity &* 32 {
      hauberk_prefetch_for_write(start + at)
      at &+= 64
    }
  }

  @inline(never)
  func report(_ kind: Report.Kind, sa: Int, _ generation: UInt32) -> Bool {
    var report = Report(kind, worker: UInt8(truncatingIfNeeded: worker), sa: sa, generation: generation)
    return body.pointee.reports.enqueue(&report, 1) == 1
  }
}

/// What is remembered of a packet while the cipher has it.
struct PendingPacket: BitwiseCopyable {
  /// Its place in the burst.
  var index: UInt16 = 0
  var ip: UInt8 = 0
  var spare: UInt8 = 0
  /// The SA's number.
  var sa: UInt32 = 0
  var sequence: UInt64 = 0
  /// Seal: the length afterwards. Open: from the frame's beginning to the payload.
  var length: UInt32 = 0
  var payload: UInt32 = 0
  /// The outer header's congestion mark, for the inner header.
  var mark: UInt8 = 0
}
