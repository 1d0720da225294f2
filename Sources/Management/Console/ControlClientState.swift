internal import Glibc

/// One client, as the server sees him.
struct ControlClientState {
  enum Line {
    case request([UInt8])
    case tooLong
  }

  let descriptor: Int32
  /// What he asked for and has not got yet. While it is not empty, nothing more is read.
  var output: ArraySlice<UInt8> = []
  /// He sends no more, or nothing that has an end.
  private(set) var hasEnded = false
  private(set) var lastProgress: UInt64
  private var input: [UInt8] = []

  init(_ descriptor: Int32, _ now: UInt64) {
    self.descriptor = descriptor
    lastProgress = now
  }

  /// False when the connection is over.
  mutating func receive(atMost most: Int, _ now: UInt64) -> Bool {
    // One octet more than the longest line and its end, so that what is too long is seen.
    guard let octets = UnixSocket.receive(descriptor, atMost: max(1, most + 2 - input.count)) else {
      return errno == EAGAIN
    }
    if octets.isEmpty {
      hasEnded = true
    } else {
      input += octets
    }
    return true
  }

  /// Taking a line is progress; octets alone are none.
  mutating func nextLine(_ most: Int) -> Line? {
    guard let end = input.firstIndex(of: UInt8(ascii: "\n")) else {
      guard input.count > most else { return nil }
      // Where the next one begins, nobody knows any more.
      input = []
      hasEnded = true
      return .tooLong
    }
    let line = Array(input[..<end])
    input.removeSubrange(...end)
    guard line.count > most else { return .request(line) }
    return .tooLong
  }

  /// False when the connection is over.
  mutating func send(_ now: UInt64, isFirst: Bool = false) -> Bool {
    if isFirst { lastProgress = now }
    while !output.isEmpty {
      guard let count = UnixSocket.send(descriptor, output) else { return errno == EAGAIN }
      output = output.dropFirst(count)
      lastProgress = now
    }
    output = []
    return true
  }
}
