/// What a packet's headers said.
package struct StoryHeaders: JSONMembers {
  /// Nil where the headers could not be read so far.
  package var source: String?
  package var destination: String?
  package var `protocol` = ""
  package var sourcePort: UInt16?
  package var destinationPort: UInt16?
  package var spi: UInt32?
  package var sequence: UInt32?
  package var vlan: UInt16?
  package var isFragment = false
  /// Of the frame, in octets.
  package var length: UInt32 = 0

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("source", \.source), Member("destination", \.destination), Member("protocol", \.protocol),
      Member("sourcePort", \.sourcePort), Member("destinationPort", \.destinationPort), Member("spi", \.spi),
      Member("sequence", \.sequence), Member("vlan", \.vlan), Member("fragment", \.isFragment),
      Member("length", \.length),
    ]
  }

  fileprivate var text: String {
    var words = `protocol`
    if let source, let destination {
      words += " " + end(source, sourcePort) + " > " + end(destination, destinationPort)
    }
    if let spi { words += ", SPI 0x\(Format.hex(UInt64(spi), digits: 8)) number \(sequence ?? 0)" }
    if isFragment { words += ", a fragment" }
    if let vlan { words += ", VLAN \(vlan)" }
    return words + ", \(length) octets"
  }

  private func end(_ address: String, _ port: UInt16?) -> String {
    guard let port else { return address }
    return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }
}

/// What became of a packet that was traced.
package enum PacketFate: String, CodedWord {
  case sealed, opened, forwarded
  /// The control thread made it.
  case made
  /// Handed to the control thread, with a reason.
  case punted
  /// Used up on purpose, with a reason.
  case consumed
  case dropped
}

/// Who took a packet: `tunnel`, `group` or `policy`.
package struct StoryTaker: JSONMembers {
  package var kind = ""
  package var name = ""
  package var spi: UInt32?
  package var suite: String?

  package init() {}

  package init(kind: String, name: String, spi: UInt32? = nil, suite: String? = nil) {
    self.kind = kind
    self.name = name
    self.spi = spi
    self.suite = suite
  }

  package static var members: [Member<Self>] {
    [Member("kind", \.kind), Member("name", \.name), Member("spi", \.spi), Member("suite", \.suite)]
  }

  fileprivate var text: String {
    kind + " " + (kind == "policy" ? name : "'\(name)'")
      + (spi.map { ", SPI 0x\(Format.hex(UInt64($0), digits: 8))" } ?? "")
      + (suite.map { ", \($0)" } ?? "")
  }
}

/// One packet's way through the gateway: never what it carries, and never a key.
package struct TraceStory: JSONMembers {
  /// Seconds of the epoch.
  package var time = 0.0
  /// `inside`, `outside`, or `control`, which made it.
  package var origin = ""
  package var device: String?
  package var worker = 0
  package var crossedFrom: Int?
  package var came = StoryHeaders()
  package var workSet: UInt16?
  package var takenBy: StoryTaker?
  package var fate = PacketFate.forwarded
  package var reason: String?
  package var meaning: String?
  /// As it left; nil where it is what came.
  package var left: StoryHeaders?
  /// What was made out of it besides: other fragments, an answer to its sender.
  package var made: UInt16 = 0
  /// The device it left by, and its neighbour there.
  package var exit: String?
  package var nextHop: String?

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("time", \.time), Member("origin", \.origin), Member("device", \.device), Member("worker", \.worker),
      Member("crossedFrom", \.crossedFrom), Member("came", \.came), Member("workSet", \.workSet),
      Member("takenBy", \.takenBy), Member("fate", \.fate), Member("reason", \.reason), Member("meaning", \.meaning),
      Member("left", \.left), Member("made", \.made), Member("exit", \.exit), Member("nextHop", \.nextHop),
    ]
  }

  package func text(number: Int) -> String {
    var lines = ["packet \(number), \(clock)"]
    func tell(_ stage: String, _ text: String) { lines.append("  " + Format.left(stage, 9) + text) }
    let way = crossedFrom.map { "by worker \($0), which sent it over to worker \(worker)" } ?? "by worker \(worker)"
    tell("came", (device.map { "\(origin), \($0), " } ?? "from \(origin), ") + way)
    tell("was", came.text)
    if let workSet { tell("set", "\(workSet)") }
    if let takenBy { tell("taken", "by \(takenBy.text)") }
    tell("became", fate.rawValue + (reason.map { " as \($0): \(meaning ?? "")" } ?? ""))
    if let left { tell("is", left.text) }
    if made > 0 { tell("and", "\(made) more \(made == 1 ? "packet was" : "packets were") made of it") }
    if let exit { tell("left", "by \(exit)" + (nextHop.map { " to \($0)" } ?? "")) }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Of the day, in UTC.
  private var clock: String {
    guard time >= 0, time < 1e15 else { return "-" }
    let microseconds = UInt64((time * 1e6).rounded())
    let seconds = microseconds / 1_000_000 % 86_400
    func two(_ number: UInt64) -> String { (number < 10 ? "0" : "") + String(number) }
    let fraction = String(microseconds % 1_000_000 + 1_000_000).dropFirst()
    return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)).\(fraction) UTC"
  }
}

/// The stories of packets that passed since the last time somebody asked.
package struct TraceAnswer: JSONMembers {
  package var stories: [TraceStory] = []
  /// How many are still awaited.
  package var left = 0
  /// How many packets fitted so far, and came too fast to be told.
  package var untold: UInt64 = 0

  package init() {}

  package init(stories: [TraceStory], left: Int, untold: UInt64 = 0) {
    self.stories = stories
    self.left = left
    self.untold = untold
  }

  package static var members: [Member<Self>] {
    [Member("stories", \.stories), Member("left", \.left), Member("untold", \.untold)]
  }
}
