internal import CKernel
internal import CLI
internal import Glibc

/// The listening end of a control socket: a file that only its owner may open, and that is gone when this is.
final class ControlListener {
  let descriptor: Int32
  private let path: String
  private let file: (device: UInt64, number: UInt64)

  init(_ path: String) throws(CommandFailure) {
    guard let address = UnixAddress(path) else {
      throw CommandFailure(
        .usage, "a control socket's path has 1 to \(UnixAddress.mostOctets) octets, not \(path.utf8.count)")
    }
    // Two gateways that start at once must not both find a socket stale, and one remove the other's.
    let folder = try Self.lockedFolder(of: path)
    defer {
      flock(folder, LOCK_UN)
      close(folder)
    }
    try Self.clear(path, address)
    let descriptor = UnixSocket.make()
    guard descriptor >= 0 else { throw CommandFailure(.machine, "cannot make a socket: \(UnixSocket.reason())") }
    do throws(CommandFailure) {
      file = try Self.bind(descriptor, path, address)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
  }

  deinit {
    close(descriptor)
    // It may be another's by now.
    if let found = Self.file(at: path), found.device == file.device, found.number == file.number {
      unsafe _ = unlink(path)
    }
  }

  private static func lockedFolder(of path: String) throws(CommandFailure) -> Int32 {
    let end = path.lastIndex(of: "/")
    let name = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    // The last part only: that nobody made /run is no problem of ours.
    unsafe _ = mkdir(name, 0o755)
    let folder = unsafe open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else {
      throw CommandFailure(
        .machine,
        "cannot open \(name), where the control socket goes: \(UnixSocket.reason()); make it, or choose another")
    }
    for _ in 0..<200 {
      if flock(folder, LOCK_EX | LOCK_NB) == 0 { return folder }
      hauberk_sleep_microseconds(10_000)
    }
    close(folder)
    throw CommandFailure(.machine, "another process has locked \(name): no control socket can be made there now")
  }

  /// Removes what a dead process left, and nothing else.
  private static func clear(_ path: String, _ address: UnixAddress) throws(CommandFailure) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw CommandFailure(.machine, "\(path) is there and is no socket: remove it, or choose another control socket")
    }
    let probe = UnixSocket.make()
    guard probe >= 0 else { throw CommandFailure(.machine, "cannot make a socket: \(UnixSocket.reason())") }
    defer { close(probe) }
    let code = UnixSocket.connect(probe, address) == 0 ? 0 : errno
    switch code {
    case ECONNREFUSED, ENOENT: break
    // A full queue of clients is somebody's queue.
    case 0, EAGAIN:
      throw CommandFailure(
        .machine, "a gateway already answers at \(path): stop it with `hauberk stop`, or give this one its own socket")
    default:
      throw CommandFailure(
        .machine, "cannot tell whether anybody answers at \(path): \(UnixSocket.reason(code)); choose another")
    }
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
      throw CommandFailure(.machine, "cannot remove \(path), which a dead gateway left: \(UnixSocket.reason())")
    }
  }

  private static func bind(
    _ descriptor: Int32, _ path: String, _ address: UnixAddress
  ) throws(CommandFailure) -> (device: UInt64, number: UInt64) {
    // Before it has a name: nobody may find it open, not even for a moment. And after, for an umask that takes more.
    fchmod(descriptor, 0o600)
    let bound = unsafe address.with { unsafe Glibc.bind(descriptor, $0, $1) }
    guard bound == 0, unsafe chmod(path, 0o600) == 0, listen(descriptor, 16) == 0, let file = file(at: path) else {
      throw CommandFailure(.machine, "cannot listen at \(path): \(UnixSocket.reason())")
    }
    return file
  }

  private static func file(at path: String) -> (device: UInt64, number: UInt64)? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    return (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}
