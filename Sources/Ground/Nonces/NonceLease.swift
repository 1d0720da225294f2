/// The nonces of one key on this unit. For one thread: the one that controls the workers. There may be very many, so
/// nothing is in it twice.
public final class KeyNonces {
  let directory: NonceStateDirectory
  public var ids: SenderIDs { SenderIDs(of: state, workers: Int(lastWorker) + 1) }
  private var state: NonceState
  /// Nearly always there is one, and a list of one takes memory of its own.
  private var firstLeased: UInt32?
  /// NonceBatch says what that means for the next block.
  private var isInBatch: Bool
  private let lastWorker: UInt16
  /// The others: few, one for each worker.
  private var leased: [UInt32] = []
  /// Blocks whose marks moved with the opening, until somebody takes them: few.
  private var ready: [ReadyBlock]

  init(directory: NonceStateDirectory, state: NonceState, ids: SenderIDs, ready: [ReadyBlock], isInBatch: Bool) {
    self.directory = directory
    self.state = state
    lastWorker = UInt16(ids.workers - 1)
    self.ready = ready
    self.isInBatch = isInBatch
  }

  deinit { directory.closed(state.key) }

  /// How many times the state of this key has been opened, this time included, or has left those of others.
  public var incarnation: UInt64 { state.incarnation }

  /// What is on record of it now.
  public var finding: NonceFinding { NonceFinding(state, ids) }

  /// A sender id for one worker, which nobody else has while the lease lives.
  public func lease(worker: Int) throws(NonceRefusal) -> NonceLease {
    let own = ids.of(worker: worker)
    guard !own.isEmpty else {
      throw NonceRefusal(.division, "worker \(worker) has no sender id: there are workers 0 to \(ids.workers - 1)")
    }
    var isFree = false
    for id in own where id != firstLeased && !leased.contains(id) {
      isFree = true
      guard ready.contains(where: { $0.id == id }) || state.hasBlock(id) else { continue }
      if firstLeased == nil { firstLeased = id } else { leased.append(id) }
      return NonceLease(id: id, worker: worker, of: self)
    }
    guard isFree else {
      throw NonceRefusal(
        .leased, "worker \(worker) has leased all its sender ids of key \(state.key.name): give one back first")
    }
    throw exhausted("worker \(worker)")
  }

  private func exhausted(_ who: String) -> NonceRefusal {
    NonceRefusal(.exhausted, "\(who) has used every nonce that it has under key \(state.key.name): rekey")
  }

  /// Moves the mark on the disk, then hands out what lies before it.
  fileprivate func block(id: UInt32, worker: Int) throws(NonceRefusal) -> NonceBlock {
    if let place = ready.firstIndex(where: { $0.id == id }) {
      let first = ready.remove(at: place).first
      // Its memory, too: there may be very many keys.
      if ready.isEmpty { ready = [] }
      return NonceBlock(id: id, first: first, width: ids.width)
    }
    guard state.hasBlock(id) else { throw exhausted("sender id \(id)") }
    var next = state
    if isInBatch { next.incarnation += 1 }
    let first = next.takeBlock(of: id, worker: worker)
    try directory.commit(next, leavesBatch: isInBatch)
    isInBatch = false
    state = next
    return NonceBlock(id: id, first: first, width: ids.width)
  }

  fileprivate func giveBack(_ id: UInt32) {
    if firstLeased == id { firstLeased = nil } else { leased.removeAll { $0 == id } }
  }
}

/// A block that is reserved on the disk, and nobody's yet.
struct ReadyBlock {
  let id: UInt32
  let first: UInt64
}

/// One sender id in the hands of one worker, until it is given back. The next one to lease it goes on after the mark.
public final class NonceLease {
  public let id: UInt32
  public let worker: Int
  private var nonces: KeyNonces?

  init(id: UInt32, worker: Int, of nonces: KeyNonces) {
    self.id = id
    self.worker = worker
    self.nonces = nonces
  }

  deinit { giveBack() }

  public var isLive: Bool { nonces != nil }

  /// The next 2^20 counters, which nobody had before and nobody will have again. Takes as long as a disk takes: ask
  /// while the worker still has some.
  public func nextBlock() throws(NonceRefusal) -> NonceBlock {
    guard let nonces else {
      throw NonceRefusal(.ended, "the lease of sender id \(id) has ended: lease again before encrypting")
    }
    return try nonces.block(id: id, worker: worker)
  }

  public func giveBack() {
    nonces?.giveBack(id)
    nonces = nil
  }
}

/// What a worker has to encrypt with: counters of its own, in order, each once. Nothing here waits, locks or allocates.
/// Whoever copies it uses one of the copies.
public struct NonceBlock: BitwiseCopyable, Sendable {
  @inlinable public static var counters: UInt64 { 1 << 20 }
  /// A worker without a live sender id: it does not encrypt.
  @inlinable @inline(__always) public static var none: NonceBlock { NonceBlock() }

  @usableFromInline var next: UInt64
  @usableFromInline var end: UInt64

  @usableFromInline @inline(__always)
  init() {
    next = 0
    end = 0
  }

  init(id: UInt32, first: UInt64, width: SenderIDWidth) {
    next = UInt64(id) << UInt64(width.counterBits) | first
    // The end of the last block of the last id is 2^64, which is 0: only equality and distance are asked of it.
    end = next &+ Self.counters
  }

  @inlinable @inline(__always)
  public var left: UInt64 { end &- next }

  /// How many counters its sender id has used up, or may have.
  public func used(_ width: SenderIDWidth) -> UInt64 { next & (width.counters - 1) }

  /// The next IV, where the caller has seen that there is one.
  @inlinable @inline(__always)
  public mutating func takeOne() -> CounterIV {
    assert(next != end)
    let iv = CounterIV(raw: next)
    next = next &+ 1
    return iv
  }

  /// The next IV; false when there is none, and the packet is not to be sent.
  @inlinable @inline(__always)
  public mutating func take(_ iv: inout CounterIV) -> Bool {
    guard next != end else { return false }
    iv = CounterIV(raw: next)
    next = next &+ 1
    return true
  }
}
