import Cluster
import ControlKit

/// One unit: the control that is under test, and a dataplane that does what it is told, by a clock of its own.
struct SimulatedUnit {
  /// What a process that stands still finds when it goes on, in its order.
  enum Pending {
    case message(Message, Envelope)
    case octets([UInt8])
    case happening(Happening)
    case probe(from: Int, wire: Int)
    /// The dataplane has ended these sets; control is not told yet.
    case ended(WorkSetBitmap)
    /// It notes what it works on of these, or holds them.
    case noting(WorkSetBitmap)
    case holding(WorkSetBitmap)

    /// Within the unit, and not by a wire.
    var isOwn: Bool {
      switch self {
      case .ended, .noting, .holding: true
      default: false
      }
    }
  }

  enum State: Equatable {
    case running
    /// The control thread stands still; workers go on while their lease lasts.
    case frozen
    /// Everything stands still.
    case stopped
    /// The same, and nobody takes in what comes: the whole machine stands still.
    case paused
    case dead
  }

  var clock: SimulatedClock
  var control: ClusterUnit
  var gate: Gate
  var state = State.running
  var incarnation: UInt64 = 1
  var sequence: UInt64 = 0
  var watchwords = Watchwords()
  var waiting: [Pending] = []
  /// Which timer event counts: each new one makes the ones before it void.
  var timer: UInt64 = 0
  var timerMoment: Moment?
  var heardAt: Moment = 0

  // The dataplane
  var lease: Moment = 0
  var isFenced = true
  var running = WorkSetBitmap()
  /// To be noted or held, from when it is.
  var isToNote = WorkSetBitmap()
  var isToHold = WorkSetBitmap()
  private(set) var noting = WorkSetBitmap()
  private(set) var holding = WorkSetBitmap()
  var notes: [WorkedPacket] = []
  var held: [Int: [UInt64]] = [:]
  /// Of sets that are about to start.
  var worked: [(WorkSetBitmap, WorkNotes)] = []
  var load: SimulatedLoad
  /// What it asks of hosts while somebody is missing, and when it was found that they are with it.
  var doubt: Doubt?
  var refusesUntil: Moment = 0
  var hosts: [Int: Moment] = [:]
  var fences = 0

  // The wires
  var plugs: [Plug]
  /// By wire: whether the link is seen to have gone, and whether control has been told.
  var isMissing: [Bool]
  var isKnownMissing: [Bool]
  var pausedAt: Moment = 0

  static let mostWaiting = 2000

  struct Doubt {
    var since: Moment
    var learning: Nanoseconds
    var waiting: Nanoseconds
  }

  /// Where a unit is on one wire.
  struct Plug: Equatable {
    var segment = 0
    var isDeaf = false
    var isMute = false
  }

  init(clock: SimulatedClock, control: ClusterUnit, gate: Gate, wires: Int, load: SimulatedLoad) {
    self.clock = clock
    self.control = control
    self.gate = gate
    self.load = load
    plugs = Array(repeating: Plug(), count: wires)
    isMissing = Array(repeating: false, count: wires)
    isKnownMissing = isMissing
  }

  mutating func fence() {
    isFenced = true
    fences += 1
    held = [:]
  }

  /// The process is gone, and its workers with it.
  mutating func clear() {
    fence()
    lease = 0
    running = WorkSetBitmap()
    keep(isToNote)
    forgo(isToHold)
    notes = []
    worked = []
    doubt = nil
    waiting = []
    timerMoment = nil
    load.clear()
  }

  mutating func beginNoting(_ sets: WorkSetBitmap) { noting.formUnion(sets.intersection(isToNote)) }
  mutating func beginHolding(_ sets: WorkSetBitmap) { holding.formUnion(sets.intersection(isToHold)) }

  mutating func keep(_ sets: WorkSetBitmap) {
    isToNote.subtract(sets)
    noting.subtract(sets)
  }

  mutating func forgo(_ sets: WorkSetBitmap) {
    isToHold.subtract(sets)
    holding.subtract(sets)
    sets.forEach { held[$0] = nil }
  }

  /// What has been noted of them is all that there will be.
  mutating func end(_ sets: WorkSetBitmap) -> WorkNotes {
    running.subtract(sets)
    keep(sets)
    let noted = notes.filter { sets.contains(Int($0.set)) }
    notes.removeAll { sets.contains(Int($0.set)) }
    return WorkNotes(noted)
  }

  /// Whether packets would get work done here: what comes in is worked on, and leaves.
  func works(at moment: Moment) -> Bool { answers(at: moment) && plugs.indices.contains { canForward(from: $0) } }

  /// What comes in by one wire leaves by the other, or by the only one.
  func canForward(from wire: Int) -> Bool { !plugs[wire].isDeaf && !plugs[plugs.count - 1 - wire].isMute }

  /// Whether its worker answers a probe.
  func answers(at moment: Moment) -> Bool {
    !isFenced && (state == .running || state == .frozen) && clock.local(moment) <= lease
  }
}
