internal import CKernel
internal import Glibc

/// A real directory, locked for this process for as long as the value lives; or not locked, and then it is only read.
final class SystemDisk: NonceDisk {
  static let lockName = "lock"
  /// The states of as many keys as there may be.
  static let mostBytes = 128 << 20

  private let directory: Int32
  private let lock: Int32
  /// The files that are written and not yet synced, the first of them: the others wait for the whole file system.
  private var written: [Int32] = []
  private var areOthersWritten = false

  init(_ path: String, isLocked: Bool = true) throws(NonceRefusal) {
    directory = try Self.opened(path)
    guard isLocked else {
      lock = -1
      return
    }
    do {
      lock = try Self.locked(directory, path)
    } catch {
      close(directory)
      throw error
    }
  }

  private static func opened(_ path: String) throws(NonceRefusal) -> Int32 {
    let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else {
      throw NonceRefusal(
        .directory, "cannot open the nonce state directory \(path): \(reason()); make it with `mkdir -m 700`")
    }
    return directory
  }

  private static func locked(_ directory: Int32, _ path: String) throws(NonceRefusal) -> Int32 {
    let lock = unsafe openat(directory, lockName, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else {
      throw NonceRefusal(
        .directory, "cannot lock the nonce state directory \(path): \(reason()); make it writable for this user")
    }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(lock)
      throw code == EWOULDBLOCK
        ? NonceRefusal(
          .inUse, "another process uses the nonce state directory \(path): stop it, or give this one its own")
        : NonceRefusal(
          .directory, "cannot lock the nonce state directory \(path): \(reason(code)); put it on a local file system")
    }
    return lock
  }

  deinit {
    abandon()
    // Closing alone would leave it locked while a child that is just being started still has a copy.
    if lock >= 0 {
      flock(lock, LOCK_UN)
      close(lock)
    }
    close(directory)
  }

  func read(_ name: String) throws(DiskFailure) -> [UInt8]? {
    let file = unsafe openat(directory, name, O_RDONLY | O_CLOEXEC)
    if file < 0 {
      if errno == ENOENT { return nil }
      throw DiskFailure("cannot open \(name): \(Self.reason())")
    }
    defer { close(file) }
    // Most are short, and there may be very many of them.
    var octets: [UInt8] = []
    var room = 1024
    while true {
      var count = 0
      octets += unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
        unsafe count = Glibc.read(file, buffer.baseAddress, buffer.count)
        filled = max(0, count)
      }
      if count == 0 { return octets }
      if count < 0 {
        if errno == EINTR { continue }
        throw DiskFailure("cannot read \(name): \(Self.reason())")
      }
      guard octets.count <= Self.mostBytes else { throw DiskFailure("\(name) is no state file: it is too long") }
      room = 65_536
    }
  }

  func write(_ name: String, _ octets: [UInt8]) throws(DiskFailure) {
    guard lock >= 0 else { throw DiskFailure("\(name) is here to be read alone") }
    let file = unsafe openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failed("cannot make \(name)") }
    written.append(file)
    var rest = octets[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw failed("cannot write \(name)")
      }
      rest = rest.dropFirst(count)
    }
    if written.count > Self.mostAlone { try finish() }
  }

  /// With the last of many files: nobody has to ask for each of them.
  private func finish() throws(DiskFailure) {
    areOthersWritten = true
    let file = written.removeLast()
    // Where nobody tells of all, it has to be each of them, and now.
    let synced = Self.tellsOfAll || fsync(file) == 0 ? 0 : errno
    let closed = close(file) == 0 ? 0 : errno
    guard synced == 0, closed == 0 else {
      abandon()
      throw DiskFailure("cannot sync the state: \(Self.reason(synced != 0 ? synced : closed))")
    }
  }

  private func failed(_ what: String) -> DiskFailure {
    let failure = DiskFailure("\(what): \(Self.reason())")
    abandon()
    return failure
  }

  private func abandon() {
    for file in written { close(file) }
    written = []
    areOthersWritten = false
  }

  func sync() throws(DiskFailure) {
    guard !written.isEmpty else { throw DiskFailure("nothing was written that could be synced") }
    // One for the whole file system costs little more than one for a file, and others' data as well.
    let syncsAll = areOthersWritten && Self.tellsOfAll
    var failure = syncsAll ? hauberk_sync_file_system(directory) : 0
    for file in written {
      let synced = syncsAll || fsync(file) == 0 ? 0 : errno
      // Some file systems tell of a failed write only here.
      let closed = close(file) == 0 ? 0 : errno
      if failure == 0 { failure = synced != 0 ? synced : closed }
    }
    written = []
    areOthersWritten = false
    guard failure == 0 else { throw DiskFailure("cannot sync the state: \(Self.reason(failure))") }
  }

  private static let mostAlone = 8
  private static let tellsOfAll = hauberk_file_system_tells_of_failures()

  func rename(_ old: String, to new: String) throws(DiskFailure) {
    guard unsafe renameat(directory, old, directory, new) == 0 else {
      throw DiskFailure("cannot rename \(old): \(Self.reason())")
    }
  }

  func syncNames() throws(DiskFailure) {
    guard fsync(directory) == 0 else { throw DiskFailure("cannot sync the directory: \(Self.reason())") }
  }

  func remove(_ name: String) {
    if lock >= 0 { unsafe _ = unlinkat(directory, name, 0) }
  }

  private static func reason(_ code: Int32 = errno) -> String { unsafe String(cString: strerror(code)) }
}
