import Contract

/// Some of the 1024 work sets.
public struct WorkSetBitmap: Equatable, Sendable {
  public private(set) var words: [UInt64]

  static let wordCount = WorkSets.count / 64

  public init() { words = Self.none }
  public init(_ sets: some Sequence<Int>) {
    self.init()
    for set in sets { insert(set) }
  }
  /// Nil unless there are as many words as it takes.
  init?(words: [UInt64]) {
    guard words.count == Self.wordCount else { return nil }
    self.words = words
  }

  private static let none = [UInt64](repeating: 0, count: wordCount)
  public static let all = WorkSetBitmap(0..<WorkSets.count)

  public func contains(_ set: Int) -> Bool { words[set >> 6] & 1 << UInt64(set & 63) != 0 }
  public mutating func insert(_ set: Int) { words[set >> 6] |= 1 << UInt64(set & 63) }
  public mutating func remove(_ set: Int) { words[set >> 6] &= ~(1 << UInt64(set & 63)) }

  public var isEmpty: Bool { words == Self.none }
  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
  public var first: Int? {
    guard let word = words.firstIndex(where: { $0 != 0 }) else { return nil }
    return word << 6 + words[word].trailingZeroBitCount
  }

  public mutating func formUnion(_ other: WorkSetBitmap) { combine(other) { $0 | $1 } }
  public mutating func formIntersection(_ other: WorkSetBitmap) { combine(other) { $0 & $1 } }
  public mutating func subtract(_ other: WorkSetBitmap) { combine(other) { $0 & ~$1 } }

  public func union(_ other: WorkSetBitmap) -> WorkSetBitmap { with { $0.formUnion(other) } }
  public func intersection(_ other: WorkSetBitmap) -> WorkSetBitmap { with { $0.formIntersection(other) } }
  public func subtracting(_ other: WorkSetBitmap) -> WorkSetBitmap { with { $0.subtract(other) } }
  public func meets(_ other: WorkSetBitmap) -> Bool {
    for word in 0..<Self.wordCount where words[word] & other.words[word] != 0 { return true }
    return false
  }

  /// The lowest first.
  public func forEach(_ body: (Int) -> Void) {
    for word in 0..<Self.wordCount {
      var bits = words[word]
      while bits != 0 {
        body(word << 6 + bits.trailingZeroBitCount)
        bits &= bits - 1
      }
    }
  }

  private mutating func combine(_ other: WorkSetBitmap, _ operation: (UInt64, UInt64) -> UInt64) {
    for word in 0..<Self.wordCount { words[word] = operation(words[word], other.words[word]) }
  }

  private func with(_ change: (inout WorkSetBitmap) -> Void) -> WorkSetBitmap {
    var copy = self
    change(&copy)
    return copy
  }
}
