/// Where the marks of all keys are kept: a file for each key, one more for those that were opened together, a register of
/// all of them; one process for the directory.
///
/// Whoever holds a block of counters holds on to this until its last packet has left: the lock ends with it.
public final class NonceStateDirectory {
  /// For sentences.
  public let path: String
  private let disk: any NonceDisk
  var opened: Set<Fingerprint> = []
  /// The step that left open what is on the disk.
  private var uncertainty: DiskFailure?
  /// As it is on the disk; nil before the first look, and again when very many keys have been opened: then it is large,
  /// and rarely asked for.
  var register: KeyRegister?
  /// The same; nil again whenever an opening is over.
  var batch: NonceBatch?
  /// So many keys that are opened together have a file each.
  let mostApart: Int

  public static let usuallyApart = 64

  /// Locks the directory, which is there already.
  public convenience init(path: String) throws(NonceRefusal) {
    self.init(disk: try SystemDisk(path), path: path)
  }

  /// To look and to change nothing, whoever has the directory.
  public convenience init(reading path: String) throws(NonceRefusal) {
    self.init(disk: try SystemDisk(path, isLocked: false), path: path)
  }

  /// On a disk of the caller's, for tests of its failures.
  public init(disk: any NonceDisk, path: String, mostApart: Int = usuallyApart) {
    self.disk = disk
    self.path = path
    self.mostApart = mostApart
  }

  /// The nonces of one key. Refuses whatever could lead to a nonce that was used before.
  public func open(
    _ key: NonceKey, _ history: KeyHistory, ids: SenderIDs
  ) throws(NonceRefusal) -> KeyNonces {
    try open([KeyOpening(key, history, ids: ids)])[0].get()
  }

  /// What is recorded of a key; nil where it was never begun. Refuses what `open` would refuse.
  public func find(_ key: NonceKey, ids: SenderIDs) throws(NonceRefusal) -> NonceFinding? {
    // The register first: a state that moves on meanwhile is ahead of it.
    let register = try registered()
    guard let state = try recorded(key, register, batched()) else { return nil }
    try accept(state, for: key, .known(used: []), ids)
    return NonceFinding(state, ids)
  }

  func registered() throws(NonceRefusal) -> KeyRegister {
    if let register { return register }
    let octets: [UInt8]?
    do {
      octets = try disk.read(KeyRegister.fileName)
    } catch {
      throw NonceRefusal(.damaged, "the register of keys in \(path) cannot be read: \(error); \(Self.wholeRemedy)")
    }
    guard let found = octets.map({ KeyRegister(octets: $0) }) ?? KeyRegister() else {
      throw NonceRefusal(
        .damaged, "the register of keys in \(path) is damaged or of another version; \(Self.wholeRemedy)")
    }
    register = found
    return found
  }

  func batched() throws(NonceRefusal) -> NonceBatch {
    if let batch { return batch }
    let octets: [UInt8]?
    do {
      octets = try disk.read(NonceBatch.fileName)
    } catch {
      throw NonceRefusal(.damaged, "the nonce states in \(path) cannot be read: \(error); \(Self.wholeRemedy)")
    }
    guard let found = octets.map({ NonceBatch(octets: $0) }) ?? NonceBatch() else {
      throw NonceRefusal(.damaged, "the nonce states in \(path) are damaged or of another version; \(Self.wholeRemedy)")
    }
    batch = found
    return found
  }

  /// nil for a key that has no state and never had.
  func recorded(
    _ key: NonceKey, _ register: KeyRegister, _ batch: NonceBatch
  ) throws(NonceRefusal) -> NonceState? {
    let octets: [UInt8]?
    do {
      octets = try disk.read(NonceFile.name(key))
    } catch {
      throw NonceRefusal(
        .damaged, "the nonce state of key \(key.name) in \(path) cannot be read: \(error); \(Self.remedy)")
    }
    let batched = batch[key]
    let own = octets.map { NonceState(octets: $0) }
    if let own, own?.key.fingerprint != key.fingerprint {
      throw NonceRefusal(
        .damaged, "the nonce state of key \(key.name) in \(path) is damaged or of another version; \(Self.remedy)")
    }
    guard let state = [own ?? nil, batched].compactMap(\.self).max(by: { $0.incarnation < $1.incarnation }) else {
      guard register[key] == nil else {
        throw NonceRefusal(
          .missing, "key \(key.name) was begun in \(path), and its nonce state is missing; \(Self.remedy)")
      }
      return nil
    }
    if let last = register[key], state.incarnation < last {
      throw NonceRefusal(
        .older,
        "the nonce state of key \(key.name) in \(path) is an older copy: of start \(state.incarnation), and there were"
          + " \(last); \(Self.remedy)")
    }
    return state
  }

  func accept(
    _ state: NonceState, for key: NonceKey, _ history: KeyHistory, _ ids: SenderIDs
  ) throws(NonceRefusal) {
    guard state.key.born == key.born else {
      throw NonceRefusal(
        .older,
        "the nonce state in \(path) is of a key \(key.name) that is \(state.key.born < key.born ? "older" : "newer")"
          + " than this one; \(Self.remedy)")
    }
    guard state.width == ids.width, state.units == ids.units, state.unit == ids.unit else {
      throw NonceRefusal(
        .divided,
        "key \(key.name) was used by unit \(state.unit) of \(state.units) with \(state.width.rawValue)-bit sender ids,"
          + " now it is unit \(ids.unit) of \(ids.units) with \(ids.width.rawValue)-bit ones: restore that division,"
          + " or rekey")
    }
    switch history {
    case .new:
      guard state.records.isEmpty else {
        throw NonceRefusal(
          .notNew, "key \(key.name) is said to be new, but it has nonce state in \(path); \(Self.remedy)")
      }
    case .newUnlessRecorded: break
    case .known(let used):
      for one in used where ids.ofUnit.contains(one.id) && state.mark(of: one.id) <= one.counter {
        throw NonceRefusal(
          .older,
          "the nonce state of key \(key.name) in \(path) is older than its use: sender id \(one.id) has used counter"
            + " \(one.counter), the mark is \(state.mark(of: one.id)); \(Self.remedy)")
      }
    }
  }

  private static let remedy = "rekey, so that a new key begins with new state"
  private static let wholeRemedy = "rekey everything, and begin with an empty directory"

  /// Returns once the state is on the disk for good. `leavesBatch`: it has no file of its own yet, or an older one.
  func commit(_ state: NonceState, leavesBatch: Bool) throws(NonceRefusal) {
    guard leavesBatch else { return try commit([NonceFile(state)]) }
    var register = try registered()
    _ = register.enter(state.key, incarnation: state.incarnation)
    // In this order: KeyRegister says why.
    try commit([NonceFile(state)])
    try commit([NonceFile(register)])
    self.register = register
  }

  /// All of them, or after a refusal any of them: each is as it was, or as it is to be.
  func commit(_ files: [NonceFile]) throws(NonceRefusal) {
    if files.isEmpty { return }
    if let uncertainty {
      throw NonceRefusal(
        .uncertain, "what is in \(path) is uncertain since a failure: \(uncertainty); mend the disk and start again")
    }
    do {
      for file in files { try disk.write(file.next, file.octets) }
    } catch {
      for file in files { disk.remove(file.next) }
      throw NonceRefusal(
        .disk, "the nonce state in \(path) cannot be written: \(error); make room for it, or mend the disk")
    }
    do {
      try disk.sync()
      for file in files { try disk.rename(file.next, to: file.name) }
      try disk.syncNames()
    } catch {
      uncertainty = error
      throw NonceRefusal(
        .uncertain, "the nonce state in \(path) may not have reached the disk: \(error); mend it and start again")
    }
  }

  func closed(_ key: NonceKey) { opened.remove(key.fingerprint) }
}

/// What is to become a file of the directory, and by which name it gets there.
struct NonceFile {
  let name: String
  let next: String
  let octets: [UInt8]

  static func name(_ key: NonceKey) -> String { key.name + ".nonces" }

  init(_ state: NonceState) {
    let key = state.key.name
    name = key + ".nonces"
    next = key + ".next"
    octets = state.octets
  }

  init(_ batch: NonceBatch) {
    name = NonceBatch.fileName
    next = NonceBatch.nextName
    octets = batch.octets
  }

  init(_ register: KeyRegister) {
    name = KeyRegister.fileName
    next = KeyRegister.nextName
    octets = register.octets
  }
}
