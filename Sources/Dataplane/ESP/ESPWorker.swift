import CCrypto
package import Contract
package import Memory
package import Rings
package import Wire

/// What one worker needs to seal and open: a lane of the cipher engine, and room for a burst's work. Trivial handles.
package struct ESPWorker: @unchecked Sendable {
  let lane: CryptoLane
  /// What the engine gets: one job for every packet that is sealed or opened.
  let jobs: UnsafeMutablePointer<hauberk_packet>
  /// A cache line for each job: the nonce, and what is authenticated where it does not lie in the packet.
  let slots: UnsafeMutableRawPointer
  /// What is remembered from before the cipher to after it.
  let pending: UnsafeMutablePointer<PendingPacket>
  let memory: PacketMemory
  /// For packets that are made here.
  let frames: FrameSource
  let reports: SPSCRing<Report>

  let worker: Int
  let link: LinkType
  /// The one family that the link can carry: 4, 6, or 0 for both.
  let onlyFamily: UInt8
  /// Whether somebody wants to know the story of each packet.
  let keepsStories: Bool

  package init(
    lane: CryptoLane, memory: PacketMemory, reports: SPSCRing<Report>, worker: Int, link: LinkType,
    keepsStories: Bool = false
  ) {
    self.lane = lane
    self.memory = memory
    self.reports = reports
    self.worker = worker
    self.link = link
    self.keepsStories = keepsStories
    onlyFamily = link == .rawIPv4 ? 4 : link == .rawIPv6 ? 6 : 0
    frames = FrameSource(memory, keeping: 256)
    jobs = .allocate(capacity: Burst.capacity)
    jobs.initialize(repeating: hauberk_packet(), count: Burst.capacity)
    slots = .allocate(byteCount: Burst.capacity * Self.slotBytes, alignment: 64)
    slots.initializeMemory(as: UInt8.self, repeating: 0, count: Burst.capacity * Self.slotBytes)
    pending = .allocate(capacity: Burst.capacity)
    pending.initialize(repeating: PendingPacket(), count: Burst.capacity)

  }

  package func deallocate() {
    jobs.deallocate()
    slots.deallocate()
    pending.deallocate()

    frames.deallocate()
    lane.destroy()
  }

  // The slot of a job.
  @inline(__always) static var slotBytes: Int { 64 }
  @inline(__always) static var aadOffset: Int { 16 }
  @inline(__always) static var suffixOffset: Int { 48 }

  @inline(__always)
  func slot(_ job: Int) -> UnsafeMutableRawPointer { slots + job &* Self.slotBytes }

  /// How many bytes there are behind the packet in its frame.
  @inline(__always)
  func room(behind ref: PacketRef) -> Int {
    memory.frameBytes(of: ref) &- Int(ref.offset) &- Int(ref.length)
  }

  @inline(never)
  func report(_ kind: Report.Kind, _ value: UInt64) -> Bool {
    var report = Report(kind, worker: UInt8(truncatingIfNeeded: worker), value: value)
    return reports.enqueue(&report, 1) == 1
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

extension PacketMemory {
  /// Of the whole frame: header, headroom, packet, tailroom.
  @inline(__always)
  func frameBytes(of ref: PacketRef) -> Int {
    isLarge(ref)
      ? sizes.largeFrameBytes &+ FrameHeader.size &+ sizes.headroomBytes &+ sizes.tailroomBytes : sizes.frameBytes
  }
}
