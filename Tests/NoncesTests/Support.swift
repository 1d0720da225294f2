import Glibc
import Nonces
import Testing

/// A folder that is gone after the test.
final class Folder {
  let path: String

  init() {
    var template = Array("/tmp/hauberk-nonces-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit {
    for name in names { unlink(path + "/" + name) }
    rmdir(path)
  }

  var names: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names.filter { $0 != "." && $0 != ".." }
  }

  func read(_ name: String) -> [UInt8] {
    guard let file = fopen(path + "/" + name, "r") else { return [] }
    defer { fclose(file) }
    var octets = [UInt8](repeating: 0, count: 1 << 20)
    return Array(octets[..<fread(&octets, 1, octets.count, file)])
  }

  func remove(_ name: String) { unlink(path + "/" + name) }

  func write(_ name: String, _ octets: [UInt8]) {
    guard let file = fopen(path + "/" + name, "w") else { preconditionFailure("cannot write \(name)") }
    defer { fclose(file) }
    precondition(fwrite(octets, 1, octets.count, file) == octets.count)
  }
}

func makeKey(_ octet: UInt8 = 7, born: UInt64 = 1000) -> NonceKey {
  NonceKey(fingerprint: [UInt8](repeating: octet, count: NonceKey.fingerprintBytes), born: born)!
}

func makeIDs(_ width: SenderIDWidth = .eight, units: Int = 4, unit: Int = 1, workers: Int = 2) -> SenderIDs {
  try! SenderIDs(width: width, units: units, unit: unit, workers: workers)
}

/// The refusal that this ends in; nil when it does not.
func refusal(_ body: () throws -> Void) -> NonceRefusal? {
  do {
    try body()
    return nil
  } catch {
    return error as? NonceRefusal
  }
}

extension NonceRefusal {
  /// One sentence, and it says what can be done.
  func names(_ remedy: String) -> Bool {
    description.contains(remedy) && !description.contains("\n") && description.utf8.count > 30
  }
}

/// Blocks as they were used, by their first IV.
struct UsedBlocks {
  private var firsts: Set<UInt64> = []
  private(set) var repeated = false
  var count: Int { firsts.count }

  /// All blocks begin at a multiple of their length, so that two that overlap are equal.
  mutating func use(_ first: UInt64) {
    if first % NonceBlock.counters != 0 || !firsts.insert(first).inserted { repeated = true }
  }

  mutating func use(_ block: NonceBlock) {
    var block = block, iv = CounterIV(raw: 0)
    if block.left != NonceBlock.counters || !block.take(&iv) { repeated = true }
    use(iv.value)
  }
}

/// A disk in memory that stops at a step of one's choice, and that forgets what was not synced.
final class MemoryDisk: NonceDisk {
  struct Stop: Equatable {
    /// The step before which the process ends, from 0; or which fails.
    var step: Int
    /// A failure that the process survives, in place of its end.
    var survives = false
  }

  /// What a power cut leaves of that which was not synced: of a file a first part, of names the new ones or the old.
  struct Loss {
    var kept: Int
    var namesKept: Bool
  }

  private var contents: [String: [UInt8]] = [:]
  /// Where the last sync of the names left them.
  private var durable: [String: [UInt8]] = [:]
  /// By the name that it has now.
  private var pending: [String: [UInt8]] = [:]
  private(set) var steps = 0
  /// How many octets were written, by the file's name.
  private(set) var written: [String: Int] = [:]
  var stop: Stop?
  var hasEnded = false

  private func step() throws(DiskFailure) {
    if hasEnded { throw DiskFailure("the process has ended") }
    defer { steps += 1 }
    guard let stop, stop.step == steps else { return }
    if !stop.survives { hasEnded = true }
    throw DiskFailure("No space left on device")
  }

  func read(_ name: String) throws(DiskFailure) -> [UInt8]? {
    if hasEnded { throw DiskFailure("the process has ended") }
    return contents[name]
  }

  func write(_ name: String, _ octets: [UInt8]) throws(DiskFailure) {
    contents[name] = []
    pending[name] = octets
    // Torn: half of it.
    contents[name] = Array(octets.prefix(octets.count / 2))
    try step()
    contents[name] = octets
    written[name, default: 0] += octets.count
  }

  func sync() throws(DiskFailure) {
    try step()
    pending = [:]
  }

  func rename(_ old: String, to new: String) throws(DiskFailure) {
    try step()
    contents[new] = contents.removeValue(forKey: old)
    pending[new] = pending.removeValue(forKey: old)
  }

  func syncNames() throws(DiskFailure) {
    try step()
    durable = contents
  }

  func remove(_ name: String) {
    if hasEnded { return }
    contents[name] = nil
    pending[name] = nil
  }

  /// By somebody else's hand, and for good.
  func put(_ name: String, _ octets: [UInt8]) {
    contents[name] = octets
    durable[name] = octets
  }

  /// The machine starts again: with `loss` after a power cut, without after a kill.
  func restart(_ loss: Loss?) {
    if let loss {
      for (name, octets) in pending where contents[name] != nil { contents[name] = Array(octets.prefix(loss.kept)) }
      if !loss.namesKept { contents = durable }
    }
    durable = contents
    pending = [:]
    hasEnded = false
    stop = nil
    steps = 0
  }
}
