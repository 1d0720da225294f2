internal import Glibc

/// What /proc and /sys say. A file that is not there says nothing.
enum SystemFiles {
  private static let mostOctets = 1 << 20

  static func text(_ path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var octets: [UInt8] = []
    while octets.count < mostOctets {
      var count = 0
      octets += unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
        unsafe count = read(file, buffer.baseAddress, buffer.count)
        filled = max(0, count)
      }
      if count <= 0 { break }
    }
    return String(decoding: octets, as: UTF8.self)
  }

  /// One line, without blanks around it.
  static func line(_ path: String) -> String? {
    guard let text = text(path), let line = text.split(separator: "\n").first else { return nil }
    return String(line.trimmed)
  }

  static func number(_ path: String) -> Int? { line(path).flatMap { Int($0) } }

  /// `0-3,8`
  static func list(_ path: String) -> [Int] { line(path).map(numbers) ?? [] }

  /// At most as many as Linux has processors; what is no list is empty.
  static func numbers(_ text: String) -> [Int] {
    var numbers: [Int] = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0.trimmed) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0, last >= first,
        last < 8192
      else { continue }
      numbers += first...last
    }
    return numbers
  }

  /// The one in brackets: `always [madvise] never`
  static func choice(_ path: String) -> String? {
    guard let line = line(path), let first = line.firstIndex(of: "["), let last = line.firstIndex(of: "]"), first < last
    else { return nil }
    return String(line[line.index(after: first)..<last])
  }

  static func names(in folder: String) -> [String] {
    guard let directory = unsafe opendir(folder) else { return [] }
    defer { unsafe _ = closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// The last part of what a link points to.
  static func target(_ path: String) -> String? {
    var octets = [UInt8](repeating: 0, count: 4096)
    var count = 0
    unsafe octets.withUnsafeMutableBytes { buffer in
      guard let place = buffer.baseAddress else { return }
      unsafe count = readlink(path, place.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    guard count > 0 else { return nil }
    return String(decoding: octets.prefix(count), as: UTF8.self).split(separator: "/").last.map(String.init)
  }

  /// The words behind `NAME:` or `NAME  :` in a file of such lines, the first of them.
  static func field(_ name: String, of text: String) -> String? {
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      let rest = line.dropFirst(name.count).trimmed
      if rest.hasPrefix(":") { return String(rest.dropFirst().trimmed) }
    }
    return nil
  }
}

extension Substring {
  var trimmed: Substring {
    let front = drop { $0 == " " || $0 == "\t" }
    guard let last = front.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
    return front[...last]
  }
}
