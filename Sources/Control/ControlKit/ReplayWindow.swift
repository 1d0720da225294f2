/// Which of a sender's latest numbers have been seen. Wide, because a master's numbers go to all of its members in turn.
struct ReplayWindow: Sendable {
  static let width: UInt64 = 1024
  private var greatest: UInt64 = 0
  private var seen = [UInt64](repeating: 0, count: Int(width / 64))

  /// Numbers begin with 1.
  func isNew(_ number: UInt64) -> Bool {
    if number > greatest { return true }
    return number > 0 && greatest - number < Self.width && seen[Self.word(number)] & Self.bit(number) == 0
  }

  mutating func note(_ number: UInt64) {
    if number > greatest {
      let first = number - greatest < Self.width ? greatest + 1 : number - Self.width + 1
      // Word by word where a whole word passes out of the window.
      var passing = first
      while passing <= number {
        if passing % 64 == 0, number - passing >= 63 {
          seen[Self.word(passing)] = 0
          passing += 64
        } else {
          seen[Self.word(passing)] &= ~Self.bit(passing)
          passing += 1
        }
      }
      greatest = number
    }
    seen[Self.word(number)] |= Self.bit(number)
  }

  private static func word(_ number: UInt64) -> Int { Int(number / 64 % (width / 64)) }
  private static func bit(_ number: UInt64) -> UInt64 { 1 << (number % 64) }
}
