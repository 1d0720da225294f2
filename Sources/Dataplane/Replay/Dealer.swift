import CKernel
import Contract
package import Memory
package import Rings
package import Wire

/// How packets are dealt to the workers.
package enum Deal: Sendable {
  /// To the worker that owns the work set, as a network card with our filter would.
  case toOwner
  /// In turn, as a card without would: what belongs elsewhere crosses.
  case inTurn
}

/// Where the dealer's time went, in ticks.
package struct DealerTimes: Sendable {
  package var reading: UInt64 = 0
  package var dealing: UInt64 = 0
  package var collecting: UInt64 = 0
  package var writing: UInt64 = 0
  package var waiting: UInt64 = 0
}

/// The thread between a file and the workers: it reads, deals packets out, takes them back, restores their order
/// and hands them on. One producer of every worker's ring and the one consumer of every completion ring.
package struct Dealer<Source: ReceivePort> {
  package var source: Source
  package private(set) var times = DealerTimes()
  /// Packets read so far.
  package private(set) var dealt: UInt64 = 0
  private let deal: Deal
  private let frames: FrameSource
  private let toWorkers: [SPSCRing<PacketRef>]
  private let fromWorkers: [SPSCRing<PacketRef>]
  private let classifier: Classifier
  private let dispositions: UnsafePointer<Disposition>
  private let mostUnderWay: UInt64
  /// Gets the first packet's time, before any worker gets the packet.
  private let epoch: UnsafeMutablePointer<Int64>?
  private var window: ReorderWindow
  private let refs: UnsafeMutablePointer<PacketRef>
  private var finished: UInt64 = 0
  private var isOpen = true
  private var idlePolls = 0

  package init(
    _ source: Source, deal: Deal, link: LinkType, snapshot: UnsafePointer<ClassifySnapshot>,
    frames: FrameSource, toWorkers: [SPSCRing<PacketRef>], fromWorkers: [SPSCRing<PacketRef>],
    mostUnderWay: Int, capacity: Int, epoch: UnsafeMutablePointer<Int64>?
  ) {
    self.source = source
    self.deal = deal
    self.frames = frames
    self.toWorkers = toWorkers
    self.fromWorkers = fromWorkers
    classifier = Classifier(snapshot, link: link)
    dispositions = snapshot.pointee.dispositions
    self.mostUnderWay = UInt64(mostUnderWay)
    self.epoch = epoch
    window = ReorderWindow(capacity: capacity)
    refs = .allocate(capacity: Burst.capacity)
  }

  package func deallocate() {
    window.deallocate()
    refs.deallocate()
  }

  /// One turn. False when the input has ended and every packet of it has left. `stop` ends the input early.
  /// `deliver` sees every packet once, in the order of the input, verdict and all.
  package mutating func turn(stop: Bool, deliver: (PacketRef) -> Void) -> Bool {
    var clock = TickClock()
    clock.start()
    var burst = Burst(refs)
    if stop { isOpen = false }
    if isOpen, dealt &- finished < mostUnderWay { isOpen = source.receive(into: &burst) }
    times.reading &+= clock.lap()
    dealOut(burst)
    times.dealing &+= clock.lap()
    collect()
    times.collecting &+= clock.lap()
    var delivered = 0
    while true {
      var ready = Burst(refs)
      window.take(into: &ready)
      for index in 0..<ready.count { release(refs[index], deliver) }
      delivered += ready.count
      if ready.count < Burst.capacity { break }
    }
    finished &+= UInt64(delivered)
    times.writing &+= clock.lap()
    if burst.count + delivered == 0 { rest() } else { idlePolls = 0 }
    times.waiting &+= clock.lap()
    return isOpen || finished < dealt
  }

  /// A packet, and behind it what was made out of it.
  private func release(_ first: PacketRef, _ deliver: (PacketRef) -> Void) {
    var next = first
    while true {
      let header = frames.memory.header(of: next)
      let made = header.pointee.made
      header.pointee.made.length = 0
      deliver(next)
      frames.give(next)
      if made.length == 0 { break }
      next = made
    }
  }

  private mutating func dealOut(_ burst: Burst) {
    for index in 0..<burst.count {
      let ref = burst.refs[index]
      let header = frames.memory.header(of: ref)
      header.pointee.sequence = dealt
      // Nothing of what the frame held before.
      header.pointee.storySequence = 0
      header.pointee.made.length = 0
      if dealt == 0 { epoch?.pointee = header.pointee.seconds }
      let worker = owner(of: ref)
      dealt &+= 1
      // The ring holds all that can be under way, so there is always room.
      let put = toWorkers[worker].enqueue(burst.refs + index, 1)
      assert(put == 1)
    }
  }

  private func owner(of ref: PacketRef) -> Int {
    let inTurn = Int(truncatingIfNeeded: dealt / UInt64(Burst.capacity)) % toWorkers.count
    guard deal == .toOwner, toWorkers.count > 1 else { return inTurn }
    let result = classifier.judge(Bytes(frames.memory.address(of: ref), count: Int(ref.length)))
    guard result.reason == .none else { return inTurn }
    let disposition = dispositions[Int(result.workSet)]
    return disposition.verdict == 0 ? Int(disposition.worker) : inTurn
  }

  private mutating func collect() {
    for ring in fromWorkers {
      while true {
        let count = ring.dequeue(refs, Burst.capacity)
        for index in 0..<count {
          window.put(refs[index], number: frames.memory.header(of: refs[index]).pointee.sequence)
        }
        if count < Burst.capacity { break }
      }
    }
  }

  /// Nothing came and nothing went: the workers may need this core.
  private mutating func rest() {
    idlePolls += 1
    if idlePolls < 256 { hauberk_yield() } else { hauberk_sleep_microseconds(50) }
  }
}
