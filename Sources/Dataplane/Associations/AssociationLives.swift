import Contract
import Nonces

/// Room for the states of the SAs that begin with one generation; it stays as long as one of them lives.
final class StateRoom {
  /// One for both: memory comes in huge pages, and what is left of the last is lost.
  private let memory: TableMemory
  private var nextOutbound: UnsafeMutableRawPointer
  private var nextInbound: UnsafeMutableRawPointer
  let workers: Int
  private let origin: Int32

  /// A tunnel's parameters, or nil for a group. `origin`: when they begin, in seconds after the epoch.
  init(_ beginning: [ESPDescription?], workers: Int, origin: Int32) {
    self.workers = workers
    self.origin = origin
    let groups = beginning.count { $0 == nil }, tunnels = beginning.count - groups
    let windows = beginning.reduce(0) { $0 + ($1.map { ReplayWindow.bytes(size: $0.window) } ?? 0) }
    let states = tunnels + groups * workers
    memory = TableMemory(bytes: states * (OutboundState.stride + InboundState.stride) + windows)
    nextOutbound = memory.base
    nextInbound = memory.base + states * OutboundState.stride
  }

  deinit { memory.deallocate() }

  func outboundState(_ esp: ESPDescription) -> UnsafeMutablePointer<OutboundState> {
    let state = nextOutbound.bindMemory(to: OutboundState.self, capacity: 1)
    nextOutbound += OutboundState.stride
    state.initialize(
      to: OutboundState(
        nonces: .none,
        sequence: OutboundSequence(
          extended: esp.isExtended, softLimit: esp.packets?.soft, hardLimit: esp.packets?.hard),
        origin: origin, nextNonces: .none))
    return state
  }

  /// With its window right behind it.
  func inboundState(_ esp: ESPDescription) -> UnsafeMutablePointer<InboundState> {
    let state = nextInbound.bindMemory(to: InboundState.self, capacity: 1)
    state.initialize(to: InboundState())
    _ = ReplayWindow(at: nextInbound + InboundState.stride, size: esp.window, extended: esp.isExtended)
    nextInbound += InboundState.stride + ReplayWindow.bytes(size: esp.window)
    return state
  }

  func inboundStates() -> UnsafeMutablePointer<InboundState> {
    let state = nextInbound.bindMemory(to: InboundState.self, capacity: workers)
    state.initialize(repeating: InboundState(), count: workers)
    nextInbound += workers * InboundState.stride
    return state
  }
}

/// What a tunnel's two SAs have besides their records: keys, numbers, a window. They outlive a change of everything else.
final class TunnelLife {
  let sealing: CipherKey
  let opening: CipherKey
  let outboundState: UnsafeMutablePointer<OutboundState>
  let inboundState: UnsafeMutablePointer<InboundState>
  /// What tells it from other lives of its SPI, once somebody has asked.
  var name: StateName?
  private let room: StateRoom

  init(_ esp: ESPDescription, _ sealing: CipherKey, _ opening: CipherKey, _ room: StateRoom) {
    self.sealing = sealing
    self.opening = opening
    self.room = room
    outboundState = room.outboundState(esp)
    inboundState = room.inboundState(esp)
  }

  deinit {
    sealing.destroy()
    opening.destroy()
  }

  /// False: another SA, which begins anew. `before`: as which it has lived till now.
  static func goesOn(from before: TunnelDescription, as next: TunnelDescription) throws(CryptoError) -> Bool {
    guard let old = before.security, let new = next.security else { return false }
    let isSame = [(new.inboundKey, old.inboundKey), (new.outboundKey, old.outboundKey)].map {
      $0.material.isSame(as: $1.material)
    }
    guard isSame.contains(true) else { return false }
    // Otherwise what was opened or sealed with the key that stays would be begun anew.
    guard !isSame.contains(false), next.outboundSPI == before.outboundSPI else {
      throw AssociationChange.refusal("the tunnel \(next.name)", "its outbound SPI or one of two keys")
    }
    try AssociationChange.check(new.esp, follows: old.esp, "the tunnel \(next.name)")
    return true
  }
}

/// The same for a group: a state for each worker, a window for each sender.
final class GroupLife {
  let sealing: CipherKey
  let opening: CipherKey
  let outboundStates: UnsafeMutablePointer<OutboundState>
  let inboundStates: UnsafeMutablePointer<InboundState>
  let windows: UnsafeMutablePointer<SenderWindows>
  var name: StateName?
  private let group: GroupDescription
  private let room: StateRoom

  init(
    _ group: GroupDescription, _ sealing: CipherKey, _ opening: CipherKey, _ share: ESPDescription, _ room: StateRoom
  ) {
    self.group = group
    self.sealing = sealing
    self.opening = opening
    self.room = room
    outboundStates = room.outboundState(share)
    for _ in 1..<max(1, room.workers) { _ = room.outboundState(share) }
    inboundStates = room.inboundStates()
    windows = .allocate(capacity: 1)
    windows.initialize(
      to: SenderWindows(
        senderIDBits: group.senderIDBits, capacity: group.security?.maxSenders ?? 1, window: share.window))
  }

  deinit {
    sealing.destroy()
    opening.destroy()
    windows.pointee.deallocate()
    windows.deallocate()
  }

  func goesOn(as next: GroupDescription) throws(CryptoError) -> Bool {
    guard let old = group.security, let new = next.security, new.key.material.isSame(as: old.key.material) else {
      return false
    }
    try AssociationChange.check(new.esp, follows: old.esp, "the group \(next.name)")
    guard new.units == old.units, new.maxSenders == old.maxSenders, next.senderIDBits == group.senderIDBits,
      !old.sites.isEmpty || new.sites.isEmpty
    else {
      throw AssociationChange.refusal("the group \(next.name)", "units, maxSenders, sender ids or its first site")
    }
    return true
  }
}

enum AssociationChange {
  /// What numbers and windows depend on cannot change under a key: either is what keeps packets from being taken twice.
  static func check(_ new: ESPDescription, follows old: ESPDescription, _ who: String) throws(CryptoError) {
    if new.suite != old.suite { throw refusal(who, "the cipher") }
    if new.window != old.window { throw refusal(who, "the window") }
    if new.isExtended != old.isExtended { throw refusal(who, "esn") }
    if new.packets != old.packets || new.bytes != old.bytes || new.seconds != old.seconds {
      throw refusal(who, "the lifetime")
    }
  }

  static func refusal(_ who: String, _ what: String) -> CryptoError {
    CryptoError(description: "\(who) has \(what) changed under its old keys: give it new keys, or start again")
  }
}
