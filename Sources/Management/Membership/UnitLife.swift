internal import Glibc

/// How often this unit has begun: a greater number than of any life before, on the disk before it is used. By it others
/// know a repeated message of an earlier life. The clock alone may have been set back.
enum UnitLife {
  /// `now` in seconds, by the clock on the wall.
  static func next(_ folder: String, now: Int64 = wallSeconds()) throws(MembershipRefusal) -> UInt64 {
    let path = folder + "/life"
    let life = max(try last(path) + 1, UInt64(clamping: now) << 20)
    try put("\(life)\n", path, folder)
    return life
  }

  /// 0 before the first one.
  private static func last(_ path: String) throws(MembershipRefusal) -> UInt64 {
    guard let file = unsafe fopen(path, "re") else {
      guard errno == ENOENT else { throw refusal("read", path) }
      return 0
    }
    var octets = [UInt8](repeating: 0, count: 32)
    let count = unsafe fread(&octets, 1, octets.count, file)
    unsafe fclose(file)
    let text = String(decoding: octets.prefix(count), as: UTF8.self)
    // There is one after it.
    guard let found = UInt64(text.prefix { $0 != "\n" }), found < .max else {
      throw MembershipRefusal("\(path) does not hold the number of this unit's last life: restore it, or remove it")
    }
    return found
  }

  private static func put(_ text: String, _ path: String, _ folder: String) throws(MembershipRefusal) {
    let next = path + ".next"
    guard let file = unsafe fopen(next, "we") else { throw refusal("write", next) }
    let isWritten = unsafe fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0
    let reason = errno
    unsafe fclose(file)
    guard isWritten else { throw refusal("write", path, reason) }
    guard unsafe rename(next, path) == 0 else { throw refusal("write", path) }
    // The name, too: without it a power failure brings the number before back.
    let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw refusal("write", path) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw refusal("write", path) }
  }

  private static func refusal(_ what: String, _ path: String, _ reason: Int32 = errno) -> MembershipRefusal {
    MembershipRefusal("cannot \(what) \(path): \(words(for: reason))", isPassing: true)
  }
}
