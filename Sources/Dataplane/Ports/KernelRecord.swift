import CKernel
import Glibc

/// What was taken from the kernel at a device, in a file, for the start after one that ended without giving it back.
struct KernelRecord {
  var index: UInt32
  var hadIPv6 = false
  /// The discipline that our filter is at is ours.
  var madeDiscipline = false
  var addresses: [hauberk_address] = []

  init(index: UInt32) { self.index = index }

  var isEmpty: Bool { !hadIPv6 && !madeDiscipline && addresses.isEmpty }

  /// Nil where there is none, or it says nothing of this device: one of the same name may be another, and after a boot the
  /// kernel has everything again.
  init?(_ path: String, index wanted: UInt32) {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var octets = [UInt8](repeating: 0, count: 1 << 16)
    octets.removeLast(octets.count - fread(&octets, 1, octets.count, file))
    let lines = String(decoding: octets, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
    guard let first = lines.first, first.count == 5, first[0] == Self.mark, UInt32(first[1]) == wanted,
      first[2] == Self.boot
    else { return nil }
    self.init(index: wanted)
    hadIPv6 = first[3] == "ipv6"
    madeDiscipline = first[4] == "clsact"
    addresses = lines.dropFirst().compactMap(Self.address)
  }

  private static let mark = "taken"

  /// Of this run of the kernel.
  private static let boot: String = {
    guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return "-" }
    defer { fclose(file) }
    var octets = [UInt8](repeating: 0, count: 36)
    octets.removeLast(octets.count - fread(&octets, 1, octets.count, file))
    return octets.isEmpty ? "-" : String(decoding: octets, as: UTF8.self)
  }()

  /// In one step: an end in the middle leaves the earlier one. Its folder is made where it is not there.
  func write(_ path: String) throws(PortError) {
    let flags = "\(hadIPv6 ? "ipv6" : "-") \(madeDiscipline ? "clsact" : "-")"
    let lines =
      ["\(Self.mark) \(index) \(Self.boot) \(flags)"] + addresses.map { Self.octets($0).joined(separator: " ") }
    let next = path + ".next"
    if let end = path.lastIndex(of: "/"), end != path.startIndex { mkdir(String(path[..<end]), 0o750) }
    let file = fopen(next, "we")
    let isWritten = file.map { fputs(lines.joined(separator: "\n") + "\n", $0) >= 0 && fflush($0) == 0 } ?? false
    let error = errno
    if let file { fclose(file) }
    guard isWritten, rename(next, path) == 0 else {
      throw PortError(
        "cannot write down what is taken of the kernel's, in \(path): \(text(of: isWritten ? errno : error))")
    }
  }

  static func remove(_ path: String) { unlink(path) }

  /// In decimal digits.
  private static func octets(_ address: hauberk_address) -> [String] {
    withUnsafeBytes(of: address.message) { $0.prefix(Int(address.bytes)).map { "\($0)" } }
  }

  private static func address(_ words: [Substring]) -> hauberk_address? {
    let octets = words.compactMap { UInt8($0) }
    guard octets.count == words.count, (8...Int(HAUBERK_ADDRESS_BYTES)).contains(octets.count) else { return nil }
    var address = hauberk_address()
    address.family = octets[0]
    address.prefix = octets[1]
    address.bytes = UInt16(octets.count)
    withUnsafeMutableBytes(of: &address.message) { $0.copyBytes(from: octets) }
    return address
  }

  /// Those that were and those that are, each once, in the kernel's order: of two in one network the first is the one that
  /// packets leave with.
  static func union(_ before: [hauberk_address], _ now: [hauberk_address]) -> [hauberk_address] {
    let known = Set(before.map(octets))
    return before + now.filter { !known.contains(octets($0)) }
  }
}
