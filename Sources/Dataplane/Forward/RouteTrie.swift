import CKernel
import Wire

/// From an address to the value of the longest prefix that it is in.
///
/// The address's first bits are a place in the *top*. What lies there, and at every further step, is a *word*: the value,
/// or where to look next. That is a *chunk*, words for the address's next bits: four of them on one cache line, or more
/// where there are so many routes; or, for IPv6 alone, a *skip*, which stands for a network with nothing else around it:
/// an address is in it and goes on at one word, or is not and has the other. Every value is written wherever it is the
/// longest prefix's, so the first value that is met is the answer.
///
/// Neighbouring words are often equal. Bit maps and counting would store them in less than half, and make a step of a few
/// instructions one of thirty: measured with IPv4, what is warm then takes nearly twice as long, what is not about as long.
struct RouteTrie {
  /// 32 bytes: two on a cache line.
  struct Skip: BitwiseCopyable {
    var high: UInt64
    var low: UInt64
    /// The word in the network, and the one around it.
    var inside: UInt32
    var outside: UInt32
    /// How many bits the network has: 1...128.
    var bits: UInt64
  }

  let words: UnsafeMutablePointer<UInt32>
  /// How many of the address's bits say where in the top.
  let topBits: UInt64
  let bytes: Int
  private let memory: TableMemory

  init(_ list: ContiguousArray<UInt32>, topBits: Int) {
    bytes = list.count * 4
    memory = TableMemory(bytes: bytes)
    words = memory.base.bindMemory(to: UInt32.self, capacity: list.count)
    self.topBits = UInt64(topBits)
    _ = UnsafeMutableBufferPointer(start: words, count: list.count).initialize(fromContentsOf: list)
  }

  func deallocate() { memory.deallocate() }
}

// Words. A value has neither flag. Where to look next is a flag and the number of a cache line; at a chunk, also how many
// bits come before and how many it looks at, both in fours; at a skip, which half of the line.
extension RouteTrie {
  /// The value of an address that no prefix has.
  @inline(__always) static var none: UInt32 { 0x3fff_ffff }
  @inline(__always) static var chunkFlag: UInt32 { 0x8000_0000 }
  @inline(__always) static var skipFlag: UInt32 { 0x4000_0000 }
  /// 512 MB.
  static let mostLines = 1 << 23

  static func chunk(line: Int, before: Int, bits: Int) -> UInt32 {
    chunkFlag | UInt32(before / 4) << 25 | UInt32(bits / 4 - 1) << 23 | UInt32(line)
  }

  static func skip(line: Int, half: Int) -> UInt32 { skipFlag | UInt32(half) << 23 | UInt32(line) }

  @inline(__always)
  static func isChunk(_ word: UInt32) -> Bool { Int32(bitPattern: word) < 0 }
  @inline(__always)
  static func isValue(_ word: UInt32) -> Bool { word < skipFlag }

  @inline(__always)
  func line(_ word: UInt32) -> UnsafeMutablePointer<UInt32> { words + Int(word & 0x7f_ffff) &* 16 }

  @inline(__always)
  func skip(_ word: UInt32) -> UnsafePointer<Skip> {
    UnsafeRawPointer(line(word) + Int((word &>> 23) & 1) &* 8).assumingMemoryBound(to: Skip.self)
  }

  /// Asks for what a word points at; a value asks for what is there already, without a branch.
  @inline(__always)
  func prefetch(_ word: UInt32) {
    let isElsewhere = UInt32(bitPattern: Int32(bitPattern: word | word &<< 1) &>> 31)
    hauberk_prefetch(line(word & isElsewhere))
  }
}
