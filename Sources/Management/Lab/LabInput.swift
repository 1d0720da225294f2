internal import Glibc

/// Standard input, as far as there is something: keys of a terminal, or lines of anything else.
struct LabInput {
  private var keys = LabKeys()
  private let isTerminal: Bool
  private var begun: [UInt8] = []
  private(set) var isOver = false

  static let mostOctets = 4096

  init(isTerminal: Bool) { self.isTerminal = isTerminal }

  var typed: String { keys.text }

  /// Waits for it at most so long. `isOver` afterwards: nothing will come any more.
  mutating func lines(waitMilliseconds: Int32) -> [String] {
    guard !isOver else {
      _ = poll(nil, 0, waitMilliseconds)
      return []
    }
    var one = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&one, 1, waitMilliseconds) > 0 else { return [] }
    var buffer = [UInt8](repeating: 0, count: Self.mostOctets)
    let count = unsafe Glibc.read(0, &buffer, buffer.count)
    if count < 0, errno == EINTR || errno == EAGAIN { return [] }
    guard count > 0 else {
      isOver = true
      // A last line may want its end.
      defer { begun = [] }
      return begun.isEmpty ? [] : [String(decoding: begun, as: UTF8.self)]
    }
    return isTerminal ? typed(buffer[0..<count]) : read(buffer[0..<count])
  }

  private mutating func typed(_ octets: ArraySlice<UInt8>) -> [String] {
    keys.type(octets).compactMap { outcome in
      switch outcome {
      case .line(let line): return line
      case .end:
        isOver = true
        return nil
      }
    }
  }

  private mutating func read(_ octets: ArraySlice<UInt8>) -> [String] {
    begun += octets
    var lines: [String] = []
    while let end = begun.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: begun[..<end], as: UTF8.self))
      begun.removeSubrange(...end)
    }
    // Nobody writes such a line; what follows is told apart again by its end.
    if begun.count > Self.mostOctets { begun = [] }
    return lines
  }
}
