/// How many of a sender's keepalives are lost (C32).
public struct LossEstimate: Equatable, Sendable {
  /// Between 0 and 1.
  public private(set) var probability = 0.0
  private var last: UInt64?

  public init() {}

  /// False where this one is older than another that has come, or the same.
  mutating func note(_ number: UInt64) -> Bool {
    guard let last else {
      last = number
      return true
    }
    guard number > last else { return false }
    // A probability stays one, however many are missing at once (X4).
    let missing = min(1, number - last - 1)
    probability = probability * 127 / 128 + Double(missing) / 128
    self.last = number
    return true
  }

  /// How many keepalives have to fit into the detection time, so that they are all lost less than once in 3600 (X3).
  public static func needed(at probability: Double) -> Int {
    var power = probability
    for n in 2...most {
      power *= probability
      if Double(n) * power < 1.0 / 3600 { return n }
    }
    return most
  }

  public static let most = 20
  /// Beyond this even the most are too few (X3).
  public static let bearable = 0.5717
}
