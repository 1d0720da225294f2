/// Where the marks of all keys are kept: one file for each key, one process for the directory.
///
/// Whoever holds a block of counters holds on to this until its last packet has left: the lock ends with it.
public final class NonceStateDirectory {
  /// For sentences.
  public let path: String
  private let disk: any NonceDisk
  private var opened: Set<[UInt8]> = []
  /// The step that left open what is on the disk.
  private var uncertainty: DiskFailure?

  /// Locks the directory, which is there already.
  public convenience init(path: String) throws(NonceRefusal) {
    self.init(disk: try SystemDisk(path), path: path)
  }

  /// On a disk of the caller's, for tests of its failures.
  public init(disk: any NonceDisk, path: String) {
    self.disk = disk
    self.path = path
  }

  static func fileName(_ key: NonceKey) -> String { key.name + ".nonces" }
  static func nextName(_ key: NonceKey) -> String { key.name + ".next" }

  /// The nonces of one key. Refuses whatever could lead to a nonce that was used before.
  public func open(
    _ key: NonceKey, _ history: KeyHistory, ids: SenderIDs
  ) throws(NonceRefusal) -> KeyNonces {
    guard !opened.contains(key.fingerprint) else {
      throw NonceRefusal(.inUse, "the nonces of key \(key.name) are open already: lease from those")
    }
    var state = try recorded(key, history) ?? NonceState(key: key, ids: ids)
    try accept(state, for: key, history, ids)
    state.incarnation += 1
    // A disk that takes no state says so now, and not when the first packet waits.
    try commit(state)
    opened.insert(key.fingerprint)
    return KeyNonces(directory: self, state: state, ids: ids)
  }

  /// nil for a new key that has none.
  private func recorded(_ key: NonceKey, _ history: KeyHistory) throws(NonceRefusal) -> NonceState? {
    let octets: [UInt8]?
    do {
      octets = try disk.read(Self.fileName(key))
    } catch {
      throw NonceRefusal(
        .damaged, "the nonce state of key \(key.name) in \(path) cannot be read: \(error); \(Self.remedy)")
    }
    if let octets {
      guard let state = NonceState(octets: octets), state.key.fingerprint == key.fingerprint else {
        throw NonceRefusal(
          .damaged, "the nonce state of key \(key.name) in \(path) is damaged or of another version; \(Self.remedy)")
      }
      return state
    }
    guard history == .new else {
      throw NonceRefusal(.missing, "the nonce state of key \(key.name) is missing from \(path); \(Self.remedy)")
    }
    return nil
  }

  private func accept(
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

  /// Returns once the state is on the disk for good.
  func commit(_ state: NonceState) throws(NonceRefusal) {
    if let uncertainty {
      throw NonceRefusal(
        .uncertain, "what is in \(path) is uncertain since a failure: \(uncertainty); mend the disk and start again")
    }
    let next = Self.nextName(state.key)
    do {
      try disk.write(next, state.octets)
    } catch {
      disk.remove(next)
      throw NonceRefusal(
        .disk, "the nonce state in \(path) cannot be written: \(error); make room for it, or mend the disk")
    }
    do {
      try disk.sync()
      try disk.rename(next, to: Self.fileName(state.key))
      try disk.syncNames()
    } catch {
      uncertainty = error
      throw NonceRefusal(
        .uncertain, "the nonce state in \(path) may not have reached the disk: \(error); mend it and start again")
    }
  }

  func closed(_ key: NonceKey) { opened.remove(key.fingerprint) }
}
