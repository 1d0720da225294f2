/// What `hauberk show` shows.
package enum Shown: String, CodedWord {
  case ports, workers, sas, routes, neighbours, drops, counters, config, cluster, members, work

  package var meaning: String {
    switch self {
    case .ports: "the two sides: device, link, and what came and went"
    case .workers: "the threads that do the work, and how busy they are"
    case .sas: "the security associations: numbers, windows, what is left of their lives"
    case .routes: "where packets to which network go"
    case .neighbours: "who answers to which address on a link"
    case .drops: "packets that went no further, by reason"
    case .counters: "what else was counted"
    case .config: "the configuration that is in force, without keys"
    case .cluster: "the cluster as this member sees it: role, term, lease, what has happened"
    case .members: "its units, and how much each has"
    case .work: "a map of all work sets: whose each one is"
    }
  }
}

/// Which rows of a list.
package struct Page: Sendable, Equatable {
  package var from: UInt64
  package var most: Int

  package static let mostRows = 1000

  package init(from: UInt64 = 0, most: Int = mostRows) {
    self.from = from
    self.most = most
  }
}

/// What a client asks a running gateway for.
package enum Request: Sendable, Equatable {
  /// Answered by a `GatewayStatus`.
  case status
  /// Answered by a `Listing` of rows (`Response(_:of:_:)` makes those that a status has); `config` by a
  /// `ConfigurationStatus`; `cluster`, `members` and `work` by a `ClusterStatus`.
  case show(Shown, Page)
  /// Answered by a `TraceAnswer`. Fresh: begin with the next packets that are wished for, that many; else: what has come
  /// since. A trace that nobody fetches ends by itself, and one of 0 packets ends at once.
  case trace(TraceWish = TraceWish(), packets: Int, isFresh: Bool)
  /// Answered by a `DrainAnswer`, again and again until it is done; then the gateway ends.
  case drain
  /// These are answered by a `Done`. Begins: keys without a nonce record are new.
  case reload(begins: Bool)
  case stop

  package static let mostTraced = 1000
  static let names = ["status", "show", "trace", "reload", "drain", "stop"]

  package var json: JSON {
    switch self {
    case .status: .object([("command", .string("status"))])
    case .show(let what, let page):
      .object([
        ("command", .string("show")), ("what", what.json), ("from", page.from.json), ("most", page.most.json),
      ])
    case .trace(let wish, let packets, let isFresh):
      .object([("command", .string("trace")), ("packets", packets.json), ("fresh", isFresh.json)] + wish.members)
    case .reload(let begins):
      .object([("command", .string("reload"))] + (begins ? [("begin", .bool(true))] : []))
    case .drain: .object([("command", .string("drain"))])
    case .stop: .object([("command", .string("stop"))])
    }
  }

  /// Members that are unknown are refused: half of a request is not what was asked for.
  package init(json: JSON) throws(JSONMismatch) {
    guard case .object(let members) = json else { throw JSONMismatch("a request is an object") }
    guard case .string(let command)? = json["command"] else { throw JSONMismatch("a request has a \"command\"") }
    let known: [String]
    switch command {
    case "status":
      known = []
      self = .status
    case "show":
      known = ["what", "from", "most"]
      self = .show(
        try Self.member("what", of: json, nil),
        Page(
          from: try Self.member("from", of: json, 0), most: try Self.most("most", of: json, 1...Page.mostRows)))
    case "trace":
      known = ["packets", "fresh"] + TraceWish.names
      self = .trace(
        try TraceWish(json: json), packets: try Self.most("packets", of: json, 0...Self.mostTraced),
        isFresh: try Self.member("fresh", of: json, true))
    case "reload":
      known = ["begin"]
      self = .reload(begins: try Self.member("begin", of: json, false))
    case "drain", "stop":
      known = []
      self = command == "drain" ? .drain : .stop
    default:
      throw JSONMismatch("there is no command '\(command.prefix(40))': \(Self.names.joined(separator: ", "))")
    }
    if let odd = members.first(where: { $0.0 != "command" && !known.contains($0.0) }) {
      throw JSONMismatch("'\(command)' takes no '\(odd.0.prefix(40))'")
    }
  }

  private static func member<Value: JSONCoded>(
    _ name: String, of json: JSON, _ otherwise: Value?
  ) throws(JSONMismatch) -> Value {
    guard let found = json[name] else {
      guard let otherwise else { throw JSONMismatch("'\(name)' is missing") }
      return otherwise
    }
    do {
      return try Value(json: found)
    } catch {
      throw JSONMismatch("\(name): \(error)")
    }
  }

  private static func most(
    _ name: String, of json: JSON, _ range: ClosedRange<Int>
  ) throws(JSONMismatch) -> Int {
    let number = try member(name, of: json, range.upperBound)
    guard range.contains(number) else {
      throw JSONMismatch("\(name): a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
