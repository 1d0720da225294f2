import CKernel
import Glibc

/// What was taken from the kernel at a device, in a file, for the start after one that ended without giving it back.
struct KernelRecord {
  var index: UInt32
  var hadIPv6: Bool
  var addresses: [hauberk_address]

  init(index: UInt32, hadIPv6: Bool, addresses: [hauberk_address]) {
    self.index = index
    self.hadIPv6 = hadIPv6
    self.addresses = addresses
  }

  /// Nil where there is none, or it says nothing of this device: one of the same name may be another.
  init?(_ path: String, index wanted: UInt32) {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var octets = [UInt8](repeating: 0, count: 1 << 16)
    octets.removeLast(octets.count - fread(&octets, 1, octets.count, file))
    let lines = String(decoding: octets, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
    guard let first = lines.first, first.count == 3, first[0] == Self.mark, UInt32(first[1]) == wanted else {
      return nil
    }
    self.init(index: wanted, hadIPv6: first[2] == "ipv6", addresses: lines.dropFirst().compactMap(Self.address))
  }

  private static let mark = "taken"

  func write(_ path: String) {
    let lines =
      ["\(Self.mark) \(index) \(hadIPv6 ? "ipv6" : "-")"] + addresses.map { Self.octets($0).joined(separator: " ") }
    guard let file = fopen(path, "we") else { return }
    fputs(lines.joined(separator: "\n") + "\n", file)
    fclose(file)
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

  /// Those that are there and those that were, each once.
  static func union(_ now: [hauberk_address], _ before: [hauberk_address]) -> [hauberk_address] {
    let there = Set(now.map(octets))
    return now + before.filter { !there.contains(octets($0)) }
  }
}
