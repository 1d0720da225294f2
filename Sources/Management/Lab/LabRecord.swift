internal import CKernel
internal import CLI
internal import CLab
internal import Config
internal import Glibc

/// What a lab has made, written down line by line as it is made, so that it can be taken away whatever becomes of the
/// process: this and nothing else. A lock on the file says that its lab is alive.
struct LabRecord: Sendable {
  enum Entry: Equatable, Sendable {
    /// The lab's own process.
    case lab(pid_t, born: UInt64)
    case namespace(String)
    case process(pid_t, born: UInt64)

    var line: String {
      switch self {
      case .lab(let process, let born): "lab \(process) \(born)"
      case .namespace(let name): "namespace \(name)"
      case .process(let process, let born): "process \(process) \(born)"
      }
    }

    /// Nil for what is none: the last line may have been cut short.
    init?(_ line: Substring) {
      let words = line.split(separator: " ").map(String.init)
      switch words.first {
      case "namespace" where words.count == 2: self = .namespace(words[1])
      case "lab" where words.count == 3, "process" where words.count == 3:
        guard let process = pid_t(words[1]), process > 1, let born = UInt64(words[2]), born > 0 else { return nil }
        self = words[0] == "lab" ? .lab(process, born: born) : .process(process, born: born)
      default: return nil
      }
    }
  }

  let name: String
  private let lock: Int32

  private init(_ name: String, _ lock: Int32) {
    self.name = name
    self.lock = lock
  }

  /// A new one. What an earlier lab of this name has left must be away by now.
  static func begin(_ name: String) throws(CommandFailure) -> LabRecord {
    let path = LabPlan.record(name)
    try LabFile.makeFolder(LabPlan.records)
    let lock = try lock(path, name)
    guard lock >= 0 else { throw LabTools.failure("cannot lock \(path)", -lock) }
    let record = LabRecord(name, lock)
    let own = getpid()
    try record.add(.lab(own, born: hauberk_lab_born(own)))
    return record
  }

  /// Whoever takes away what another lab has left has its lock for some seconds; whoever is a lab, for as long as it lives.
  private static func lock(_ path: String, _ name: String) throws(CommandFailure) -> Int32 {
    let deadline = Console.now() + lockPatience
    while true {
      let lock = unsafe hauberk_lab_lock(path, true)
      guard lock == -EWOULDBLOCK else { return lock }
      let labs = entries(name).compactMap { entry -> (process: pid_t, born: UInt64)? in
        if case .lab(let process, let born) = entry { (process, born) } else { nil }
      }
      let alive = labs.last.flatMap { hauberk_lab_born($0.process) == $0.born ? $0.process : nil }
      if let alive {
        throw CommandFailure(
          .machine, "the lab '\(name)' is up already: it is process \(alive); --name makes another beside it")
      }
      if hauberk_lab_caught() != 0 { throw CommandFailure(.interrupted, "") }
      guard Console.now() < deadline else {
        throw CommandFailure(
          .machine, "somebody has a lock on \(path) and does not let go of it; --name makes another lab")
      }
      hauberk_sleep_microseconds(20_000)
    }
  }

  private static let lockPatience = 10.0

  func add(_ entry: Entry) throws(CommandFailure) {
    try LabFile.append(entry.line + "\n", lock, LabPlan.record(name))
  }

  /// Takes everything away. Sentences of what could not be: then the record stays, and the next start tries again.
  func remove(_ tools: LabTools) -> [String] {
    let words = Self.remove(name, Self.entries(name), tools)
    if words.isEmpty { unsafe _ = unlink(LabPlan.record(name)) }
    close(lock)
    return words
  }

  // Leftovers

  /// Labs that are not alive any more, and have left something: it is taken away. A sentence for each.
  static func removeLeftovers(_ tools: LabTools) -> [String] {
    names().compactMap { name in
      let lock = unsafe hauberk_lab_lock(LabPlan.record(name), false)
      guard lock >= 0 else { return nil }
      let words = LabRecord(name, lock).remove(tools)
      return words.isEmpty
        ? "took away what a lab '\(name)' had left, whose process is gone"
        : "a lab '\(name)' is gone and has left something: \(words.joined(separator: "; "))"
    }
  }

  private static func names() -> [String] {
    guard let folder = unsafe opendir(LabPlan.records) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { octets in
        unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".record") { names.append(String(name.dropLast(7))) }
    }
    return names.sorted()
  }

  private static func entries(_ name: String) -> [Entry] {
    let octets = (try? FileOctets.read(LabPlan.record(name), atMost: 1 << 20)) ?? []
    return String(decoding: octets, as: UTF8.self).split(separator: "\n").compactMap(Entry.init)
  }

  private static func remove(_ name: String, _ entries: [Entry], _ tools: LabTools) -> [String] {
    var words = end(entries)
    for case .namespace(let namespace) in entries where namespace.hasPrefix(LabPlan.prefix(name)) {
      guard unsafe access(LabPlan.path(namespace: namespace), F_OK) == 0 else { continue }
      do {
        if let complaint = try tools.complaint(of: ["netns", "del", namespace]) {
          words.append("\(namespace) stays: \(complaint)")
        }
      } catch {
        words.append("\(namespace) stays: \(error)")
      }
    }
    let code = unsafe hauberk_lab_remove(LabPlan.folder(name))
    if code != 0 { words.append("\(LabPlan.folder(name)) stays: \(unsafe String(cString: strerror(code)))") }
    return words
  }

  /// Ends those that still are who they were.
  private static func end(_ entries: [Entry]) -> [String] {
    let alive = entries.compactMap { entry -> (process: pid_t, born: UInt64)? in
      guard case .process(let process, let born) = entry, hauberk_lab_born(process) == born else { return nil }
      return (process, born)
    }
    for one in alive { kill(one.process, SIGKILL) }
    let deadline = Console.now() + 5
    var left = alive
    while true {
      left = left.filter { one in
        var how: Int32 = 0
        // Ours leave something until they are asked how they ended.
        unsafe _ = hauberk_lab_reap(one.process, &how)
        return hauberk_lab_born(one.process) == one.born
      }
      if left.isEmpty || Console.now() > deadline { break }
      hauberk_sleep_microseconds(2000)
    }
    return left.map { "process \($0.process) does not end" }
  }
}
