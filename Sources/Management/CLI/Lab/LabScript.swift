/// Orders that are carried out by the clock, counted from the first probe.
package struct LabScript: Equatable, Sendable {
  package struct Step: Equatable, Sendable {
    package let second: Double
    package let order: LabOrder

    package init(second: Double, order: LabOrder) {
      self.second = second
      self.order = order
    }
  }

  /// Those that are still to come, the next one first.
  package private(set) var steps: [Step] = []

  package static let mostSteps = 1000
  package static let mostSeconds = 86_400

  package init() {}

  /// `at 3 kill 1`, in any order; of those at one time the first comes first.
  package init(_ lines: [String], members: Int) throws(LabOrder.Refusal) {
    guard lines.count <= Self.mostSteps else {
      throw LabOrder.Refusal(description: "a script has at most \(Self.mostSteps) steps, and not \(lines.count)")
    }
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true).map(String.init)
      guard words.count == 3, words[0].lowercased() == "at", let second = Self.seconds(words[1]) else {
        throw LabOrder.Refusal(description: "it is written `at SECONDS ORDER`, as in `at 3 kill 1`, and not '\(line)'")
      }
      steps.append(Step(second: second, order: try LabOrder(words[2], members: members)))
    }
    // Sorting keeps the order of equals only by their places.
    steps = steps.enumerated().sorted { ($0.element.second, $0.offset) < ($1.element.second, $1.offset) }.map(\.element)
  }

  private static func seconds(_ text: String) -> Double? {
    guard let number = Double(text), number.isFinite, (0...Double(mostSeconds)).contains(number) else { return nil }
    return number
  }

  /// What is due at this second of the run.
  package mutating func take(until second: Double) -> [LabOrder] {
    let due = steps.prefix { $0.second <= second }
    steps.removeFirst(due.count)
    return due.map(\.order)
  }
}
