internal import Config

/// What a person does to a lab: one line, from the keyboard, a pipe or a script.
package enum LabOrder: Equatable, Sendable {
  /// A member by its number, or whoever is master when the order is carried out.
  package enum Target: Equatable, Sendable {
    case member(Int)
    case master

    package var word: String {
      switch self {
      case .member(let number): "\(number)"
      case .master: "master"
      }
    }
  }

  /// What happens to a member, and stands in front of its number.
  package enum Deed: String, CaseIterable, Sendable {
    case kill, stop, `continue`, start, drain, cut, mend

    package var meaning: String {
      switch self {
      case .kill: "it dies without a word (SIGKILL)"
      case .stop: "it stands still, as a machine does whose host is busy (SIGSTOP)"
      case .continue: "it goes on after a stop (SIGCONT)"
      case .start: "it begins again, after it has ended"
      case .drain: "it gives its work away, leaves, and ends"
      case .cut: "its cables are pulled: both, or `cut N inside`, `cut N outside`"
      case .mend: "they are plugged in again"
      }
    }

    var takesSide: Bool { self == .cut || self == .mend }
  }

  package enum Side: String, CaseIterable, Sendable {
    case inside, outside
  }

  case act(Deed, Target, [Side])
  case help
  case quit

  package static let words = Deed.allCases.map(\.rawValue) + ["help", "quit"]

  /// As it was meant, written out.
  package var text: String {
    switch self {
    case .act(let deed, let target, let sides):
      let side = sides.count == 1 ? " \(sides[0].rawValue)" : ""
      return "\(deed.rawValue) \(target.word)\(side)"
    case .help: return "help"
    case .quit: return "quit"
    }
  }

  package struct Refusal: Error, CustomStringConvertible {
    package let description: String
  }

  /// The beginning of a word is enough where no other begins so; `exit` is `quit`.
  package init(_ line: String, members: Int) throws(Refusal) {
    let words = line.split(whereSeparator: \.isWhitespace).map { $0.lowercased() }
    guard let first = words.first else { throw Refusal(description: "there is no order on this line") }
    let name = try Self.word(first)
    if name == "help" || name == "quit" {
      guard words.count == 1 else { throw Refusal(description: "'\(name)' stands alone") }
      self = name == "help" ? .help : .quit
      return
    }
    guard let deed = Deed(rawValue: name) else { throw Self.unknown(first) }
    guard words.count >= 2 else {
      throw Refusal(description: "\(name) whom? `\(name) 1` to `\(name) \(members)`, or `\(name) master`")
    }
    var sides = deed.takesSide ? Side.allCases : []
    if words.count == 3, deed.takesSide, let side = Side.allCases.first(where: { $0.rawValue.hasPrefix(words[2]) }) {
      sides = [side]
    } else if words.count > 2 {
      let hint = deed.takesSide ? "a member and, if you like, inside or outside" : "one member"
      throw Refusal(description: "\(name) takes \(hint): '\(words[2])' is too much")
    }
    self = .act(deed, try Self.target(words[1], members), sides)
  }

  private static func word(_ text: String) throws(Refusal) -> String {
    if text == "exit" || text == "q" { return "quit" }
    if text == "?" { return "help" }
    if words.contains(text) { return text }
    let begun = words.filter { $0.hasPrefix(text) }
    if begun.count == 1 { return begun[0] }
    if begun.count > 1 { throw Refusal(description: "'\(text)' may be \(begun.joined(separator: " or "))") }
    throw unknown(text)
  }

  private static func unknown(_ text: String) -> Refusal {
    let hint = nearestName(to: text, among: words).map { "did you mean '\($0)'?" } ?? "`help` lists the orders"
    return Refusal(description: "there is no '\(text.prefix(40))': \(hint)")
  }

  private static func target(_ text: String, _ members: Int) throws(Refusal) -> Target {
    if text == "master" || text == "m" { return .master }
    guard let number = Int(text), (1...members).contains(number) else {
      throw Refusal(description: "there is no member '\(text.prefix(40))': they are 1 to \(members), or `master`")
    }
    return .member(number)
  }
}
