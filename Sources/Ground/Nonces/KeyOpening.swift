/// A key that is to be opened, and for whom.
public struct KeyOpening: Sendable {
  public let key: NonceKey
  public let history: KeyHistory
  public let ids: SenderIDs
  /// Who is going to lease a sender id and take a block right away: those marks move along with the opening, so that
  /// the file is written once and not once more for each.
  public let workers: [Int]

  public init(_ key: NonceKey, _ history: KeyHistory, ids: SenderIDs, workers: [Int] = []) {
    self.key = key
    self.history = history
    self.ids = ids
    self.workers = workers
  }
}

extension NonceStateDirectory {
  /// The nonces of many keys, or why not, in their order: each as if it were opened alone. The register, which knows
  /// all keys that there ever were, is written once and not once for each; and so are the states of very many.
  ///
  /// What KeyRegister says of one key and of an end between two steps holds for every key here: until the register is
  /// on the disk, which is the last step, nobody has a counter of any of them.
  public func open(_ openings: [KeyOpening]) -> [Result<KeyNonces, NonceRefusal>] {
    var register: KeyRegister
    let batch: NonceBatch
    defer { self.batch = nil }
    do {
      // First: a state that moves on meanwhile is ahead of what was read here, and not behind it.
      register = try registered()
      batch = try batched()
    } catch {
      return openings.map { _ in .failure(error) }
    }
    var taken = opened
    let prepared = openings.map { opening in
      Result { () throws(NonceRefusal) in try prepare(opening, batch, &register, &taken) }
    }
    let states = prepared.compactMap { try? $0.get().state }
    let isBatch = states.count > mostApart
    do {
      // A disk that takes no state says so now, and not when the first packet waits.
      if isBatch { try commit(states, in: batch) } else { try commit(states.map { NonceFile($0) }) }
      // The states first: KeyRegister says why.
      if !states.isEmpty { try commit([NonceFile(register)]) }
    } catch {
      return prepared.map { one in one.flatMap { _ in .failure(error) } }
    }
    self.register = isBatch ? nil : register
    opened = taken
    return prepared.map { one in
      one.map { KeyNonces(directory: self, state: $0.state, ids: $0.ids, ready: $0.ready, isInBatch: isBatch) }
    }
  }

  /// A key's state as it is to be, when nothing speaks against its use.
  private struct Prepared {
    var state: NonceState
    let ids: SenderIDs
    var ready: [ReadyBlock] = []
  }

  private func prepare(
    _ opening: KeyOpening, _ batch: NonceBatch, _ register: inout KeyRegister, _ taken: inout Set<Fingerprint>
  ) throws(NonceRefusal) -> Prepared {
    let key = opening.key, ids = opening.ids
    guard !taken.contains(key.fingerprint) else {
      throw NonceRefusal(.inUse, "the nonces of key \(key.name) are open already: lease from those")
    }
    let found = try recorded(key, register, batch)
    guard found != nil || opening.history == .new || opening.history == .newUnlessRecorded else {
      throw NonceRefusal(
        .missing,
        "key \(key.name) has no nonce state in \(path): if nobody has ever used it, begin it with `hauberk keys --begin`,"
          + " or while the gateway runs with `hauberk reload --begin`; if somebody has, rekey")
    }
    var prepared = Prepared(state: found ?? NonceState(key: key, ids: ids), ids: ids)
    try accept(prepared.state, for: key, opening.history, ids)
    prepared.state.incarnation += 1
    guard register.enter(key, incarnation: prepared.state.incarnation) else {
      throw NonceRefusal(
        .directory, "\(path) has known \(KeyRegister.mostKeys) keys, and knows no more: begin new keys in a new one")
    }
    for worker in opening.workers {
      // A worker without any left is told so when it leases.
      guard
        let id = ids.of(worker: worker).first(where: { id in
          prepared.state.hasBlock(id) && !prepared.ready.contains { $0.id == id }
        })
      else { continue }
      prepared.ready.append(ReadyBlock(id: id, first: prepared.state.takeBlock(of: id, worker: worker)))
    }
    taken.insert(key.fingerprint)
    return prepared
  }

  /// Beside those that are in it already.
  private func commit(_ states: [NonceState], in batch: NonceBatch) throws(NonceRefusal) {
    var batch = batch
    batch.enter(states)
    try commit([NonceFile(batch)])
  }
}
