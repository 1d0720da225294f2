import CKernel
package import Contract
package import Memory
package import Rings
import Synchronization

/// What control asks a worker to do with a frame of its making: in place of a verdict.
package enum Injection: UInt8 {
  /// As if it had come from inside: policies and routes say where it goes.
  case route = 0
  case inside, outside
  /// By the routes, whatever policies say.
  case forward
}

/// A side of a worker has another port from now on; or, on the way back, had this one.
package struct PortChange: BitwiseCopyable, Sendable {
  package var side: Side
  package var port: LivePort

  package init(_ side: Side, _ port: LivePort) {
    self.side = side
    self.port = port
  }
}

/// Between one worker and the control thread: packets that are not for the fast path, and what comes of them.
package struct ControlExchange: @unchecked Sendable {
  package let punted: SPSCRing<PacketRef>
  package let injected: SPSCRing<PacketRef>
  /// Ports that a worker is to use, each behind an order that tells of it; and those that it has let go of, which are
  /// control's to close. Neither waits for the other.
  package let offered: SPSCRing<PortChange>
  package let retired: SPSCRing<PortChange>
  /// Event counters of the kernel's: to be waited at.
  package let wakesControlBy: Int32
  package let wakesWorker: Int32
  /// Not 0 while the worker sleeps, or is about to: whoever has something for it wakes it.
  private let asleep: UnsafeMutablePointer<Atomic<UInt64>>

  /// In the sequence of a punted packet's header: it came out of a tunnel. Below it, the side that it came from.
  package static var openedBit: UInt64 { 1 << 8 }
  static var originBits: UInt64 { 0xffff }
  /// And above it, in which generation of the routes its next hop has its number.
  package static var generationShift: UInt64 { 32 }
  /// A side is offered a port only when the last one has come back: one for each is under way.
  package static var mostChanges: Int { 2 }

  package init(capacity: Int, wakesControlBy control: Int32) {
    punted = SPSCRing(capacity: capacity)
    injected = SPSCRing(capacity: capacity)
    offered = SPSCRing(capacity: Self.mostChanges)
    retired = SPSCRing(capacity: Self.mostChanges)
    wakesControlBy = control
    wakesWorker = hauberk_event_make()
    asleep = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
      .bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    asleep.initialize(to: Atomic(0))
  }

  package func deallocate() {
    punted.deallocate()
    injected.deallocate()
    offered.deallocate()
    retired.deallocate()
    hauberk_event_close(wakesWorker)
    asleep.deinitialize(count: 1)
    UnsafeMutableRawPointer(asleep).deallocate()
  }

  @inline(__always)
  func noteAsleep(_ isAsleep: Bool) { asleep.pointee.store(isAsleep ? 1 : 0, ordering: .relaxed) }

  /// Another worker has sent something over. What is missed here costs a millisecond: nobody sleeps for longer.
  @inline(__always)
  func wakeIfAsleep() {
    if asleep.pointee.load(ordering: .relaxed) != 0 { hauberk_event_raise(wakesWorker) }
  }

  @inline(__always)
  func wakeControl() { hauberk_event_raise(wakesControlBy) }

  package func wakeWorker() { hauberk_event_raise(wakesWorker) }

  /// Whether control has something to say to it.
  @inline(__always)
  static func wants(_ reason: DropReason) -> Bool {
    switch reason {
    case .arp, .forUs, .noNeighbour, .hopLimitOver, .noRoute, .tooBigForLink: true
    default: false
    }
  }

  /// Whether nothing is left to be done about such a packet.
  @inline(__always)
  static func isOver(_ reason: DropReason) -> Bool { !wants(reason) && reason != .passedOn }
}

/// What a live worker does when there is nothing to do: looks again at once for a while, then sleeps until there is.
struct LiveWait {
  private let inside: Int32
  private let outside: Int32
  private let event: Int32
  private let milliseconds: Int32
  /// How often a worker looks in vain before it sleeps.
  let polls: Int

  init(_ inside: LivePort, _ outside: LivePort, _ event: Int32, _ polling: Polling, hasOthers: Bool) {
    self.inside = inside.descriptor
    self.outside = outside.descriptor
    self.event = event
    polls =
      switch polling {
      case .busy: .max
      // About as long as it takes to fall asleep and wake up: whoever waits longer than that before he sleeps loses more
      // than he can save. (512 took twice the processor's time for each of 10 000 packets a second, and lost as few of
      // 80 000.)
      case .adaptive: 64
      case .sleep: 1
      }
    // A wake-up for what crosses can be missed.
    milliseconds = hasOthers || inside.isMute || outside.isMute ? 1 : 50
  }

  @inline(never)
  func wait(_ polls: Int, _ exchange: ControlExchange) {
    if polls < self.polls {
      hauberk_pause()
    } else {
      // One more look at everything after this, and then to sleep.
      exchange.noteAsleep(true)
      if polls == self.polls { return }
      hauberk_wait_for(inside, outside, event, milliseconds)
      exchange.noteAsleep(false)
    }
  }
}
