/// A line that grows on a terminal while something takes longer than a second.
package struct Progress {
  private let start = Console.now()
  private var last: Double
  private let isShown: Bool
  private var wasDrawn = false

  package init() {
    last = start
    isShown = Console.errorIsTerminal
  }

  /// `share` is nil when nobody knows how much there is.
  package mutating func update(packets: UInt64, share: Double?) {
    guard isShown else { return }
    let seconds = Console.now() - start
    update(packets, "packets, \(Format.scaled(Double(packets) / max(1e-9, seconds), "packet/s"))", share: share)
  }

  /// So many of something.
  package mutating func update(_ count: UInt64, _ what: String, share: Double?) {
    guard isShown else { return }
    let now = Console.now()
    guard now - start > 1, now - last > 0.1 else { return }
    last = now
    let text = "\(Format.grouped(count)) \(what)"
    if let share {
      let bar = Format.left(Format.bar(share, width: 30), 30)
      Console.overwrite("[\(bar)] \(Format.fixed(min(1, share) * 100, 0)) %  \(text)")
    } else {
      Console.overwrite(text)
    }
    wasDrawn = true
  }

  package func finish() {
    if wasDrawn { Console.overwrite("") }
  }
}
