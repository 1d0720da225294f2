import CLI
import Glibc

/// A file that is there as a whole or not at all, whoever looks and whenever the power goes.
enum NewFile {
  /// `mode` is what it has from its first octet on. Without `replacing`, what is there already stays.
  static func write(_ text: String, _ path: String, mode: mode_t, replacing: Bool) throws(CommandFailure) {
    let new = path + ".new"
    unlink(new)
    let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard file >= 0 else { throw failure(path) }
    let count = text.utf8.count
    let isWritten = Glibc.write(file, text, count) == count && fsync(file) == 0
    let code = errno
    close(file)
    guard isWritten else {
      unlink(new)
      errno = code
      throw failure(path)
    }
    if replacing {
      guard rename(new, path) == 0 else { throw failure(path) }
    } else {
      let isThere = link(new, path) != 0
      let code = errno
      unlink(new)
      guard !isThere else {
        errno = code
        throw failure(path)
      }
    }
    syncFolder(of: path)
  }

  static func isThere(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  private static func syncFolder(of path: String) {
    let end = path.lastIndex(of: "/")
    let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return }
    fsync(file)
    close(file)
  }

  private static func failure(_ path: String) -> CommandFailure {
    CommandFailure(.output, "cannot write \(path): \(String(cString: strerror(errno)))")
  }
}
