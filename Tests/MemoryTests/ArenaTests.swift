import Glibc
import Memory
import Testing

@Suite("The arena is mapped once, aligned to huge pages, and says what it got")
struct ArenaTests {
  private let huge = 2 << 20

  @Test("Any wish is rounded up to whole huge pages", arguments: [1, 64, 2 << 20, (2 << 20) + 1, 5 << 20])
  func rounding(_ wanted: Int) throws {
    let arena = try Arena(bytes: wanted, near: nil)
    defer { arena.unmap() }
    #expect(arena.bytes % huge == 0)
    #expect(arena.bytes >= wanted)
    #expect(arena.bytes < wanted + huge)
    #expect(UInt(bitPattern: arena.base) % UInt(huge) == 0)
    #expect(arena.node == nil)
  }

  @Test("Every byte is there, zero at first, and can be written")
  func contents() throws {
    let arena = try Arena(bytes: 4 << 20, near: nil)
    defer { arena.unmap() }
    let words = UnsafeMutableRawBufferPointer(start: arena.base, count: arena.bytes).bindMemory(
      to: UInt64.self)
    #expect(!words.contains { $0 != 0 })
    words.update(repeating: 0x5555_5555_5555_5555)
    #expect(words.first == 0x5555_5555_5555_5555)
    #expect(words.last == 0x5555_5555_5555_5555)
  }

  @Test("The kind of pages is what the kernel says about the mapping")
  func pages() throws {
    let arena = try Arena(bytes: 4 << 20, near: nil)
    defer { arena.unmap() }
    let mapping = try #require(try mappingThatHolds(UInt(bitPattern: arena.base)))
    let isExplicit = mapping["KernelPageSize"] == "2048 kB"
    let isTransparent = mapping["AnonHugePages"] != "0 kB"
    switch arena.pages {
    case .explicitHuge: #expect(isExplicit)
    case .transparentHuge: #expect(!isExplicit && isTransparent)
    case .plain: #expect(!isExplicit && !isTransparent)
    }
  }

  @Test("Near a processor, the arena names a node, or none where the machine has no such thing")
  func node() throws {
    let arena = try Arena(bytes: 1, near: 0)
    defer { arena.unmap() }
    if let node = arena.node { #expect((0..<1024).contains(node)) }
  }

  @Test("More than the address space holds is an error with a sentence")
  func tooMuch() {
    #expect {
      try Arena(bytes: 1 << 60, near: nil)
    } throws: { error in
      "\(error)".hasPrefix("cannot map \(1 << 40) MiB for packets: ")
    }
  }

  private func mappingThatHolds(_ address: UInt) throws -> [String: String]? {
    var found: [String: String]?
    for line in try smaps().split(separator: "\n") {
      let head = line.split(separator: " ").first ?? ""
      let range = head.split(separator: "-").compactMap { UInt($0, radix: 16) }
      if range.count == 2, !head.hasSuffix(":") {
        if found != nil { return found }
        if range[0] <= address, address < range[1] { found = [:] }
      } else if found != nil, head.hasSuffix(":") {
        found?[String(head.dropLast())] = line.dropFirst(head.count).drop { $0 == " " }.description
      }
    }
    return found
  }

  /// Read in pieces: the file has no size, and grows with every mapping.
  private func smaps() throws -> String {
    let file = try #require(fopen("/proc/self/smaps", "r"))
    defer { fclose(file) }
    var octets: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { octets += piece[..<count] }
    return String(decoding: octets, as: UTF8.self)
  }
}
