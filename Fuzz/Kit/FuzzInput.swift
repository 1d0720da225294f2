/// A driver's input, read from the front: when it is used up there are zeros, and no octets.
public struct FuzzInput {
  private let data: UnsafePointer<UInt8>
  private var left: Int
  private var at = 0

  public init(_ data: UnsafePointer<UInt8>, _ size: Int) {
    self.data = data
    left = size
  }

  public var isEmpty: Bool { left == 0 }

  public mutating func byte() -> Int {
    guard left > 0 else { return 0 }
    defer {
      at += 1
      left -= 1
    }
    return Int(data[at])
  }

  public mutating func word() -> Int { byte() << 8 | byte() }

  /// As many as there are.
  public mutating func octets(_ count: Int) -> [UInt8] {
    let taken = min(count, left)
    defer {
      at += taken
      left -= taken
    }
    return Array(UnsafeBufferPointer(start: data + at, count: taken))
  }

  /// Sets a few octets of a run, where and to what the input says. True: it is not what it was.
  public mutating func bend(_ count: Int, _ start: UnsafeMutablePointer<UInt8>, from end: Bool = false) -> Bool {
    // What was there first: a second edit may put it back.
    var before: [Int: UInt8] = [:]
    for _ in 0..<byte() & 7 {
      let place = word(), value = UInt8(byte())
      guard count > 0 else { continue }
      let offset = end ? count - 1 - place % count : place % count
      if before[offset] == nil { before[offset] = start[offset] }
      start[offset] = value
    }
    return before.contains { start[$0.key] != $0.value }
  }

  public mutating func bend(_ octets: inout [UInt8], from end: Bool = false) -> Bool {
    octets.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return false }
      return bend(buffer.count, start, from: end)
    }
  }
}
