import ControlKit

/// Who may break a rule with whom for a while: two whose segments have become one have two masters until these have heard
/// each other (X19). Everybody else is held to the rules all the time.
struct Excuses {
  private let members: Int
  private var until: [Moment]
  /// Two masters may be among these that cannot tell each other, because of a cut of the control plane.
  private var isUntold: [Bool]
  /// One of these does not hear the other, nor what the other's workers send: a segment is one both ways, or two (X19).
  private var isParted: [Bool]

  init(members: Int) {
    self.members = members
    until = Array(repeating: 0, count: members * members)
    isUntold = Array(repeating: false, count: members * members)
    isParted = isUntold
  }

  func holds(_ one: Int, _ other: Int, at now: Moment) -> Bool {
    let pair = pair(one, other)
    return isUntold[pair] || isParted[pair] || now < until[pair]
  }

  mutating func excuse(_ one: Int, _ other: Int, until moment: Moment) {
    until[pair(one, other)] = max(until[pair(one, other)], moment)
  }

  mutating func part(_ one: Int, _ other: Int, _ isParted: Bool) { self.isParted[pair(one, other)] = isParted }

  /// The control plane is cut: who is excused now stays so until it is whole.
  mutating func wait(at now: Moment) {
    for pair in until.indices where until[pair] > now { isUntold[pair] = true }
  }

  /// It is whole, and they can tell each other.
  mutating func go(until moment: Moment) {
    for pair in until.indices where isUntold[pair] {
      isUntold[pair] = false
      until[pair] = max(until[pair], moment)
    }
  }

  private func pair(_ one: Int, _ other: Int) -> Int { min(one, other) * members + max(one, other) }
}
