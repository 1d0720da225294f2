/// What a gateway answers: something, or why not.
package enum Response: Sendable {
  case result(JSON)
  case refused(ExitCode, String)

  package init(_ result: some JSONCoded) { self = .result(result.json) }

  /// A part of a status as `show` answers it. The long lists are no part of it, and are refused.
  package init(_ what: Shown, of status: GatewayStatus, _ page: Page) {
    switch what {
    case .ports: self.init(Listing(status.ports, page))
    case .workers: self.init(Listing(status.workers, page))
    case .drops: self.init(Listing(status.drops, page))
    case .counters: self.init(Listing(status.counters, page))
    case .sas, .routes, .neighbours, .config, .cluster, .members, .work:
      self = .refused(.usage, "a status has no \(what.rawValue)")
    }
  }

  /// What was asked for; nothing where it was refused.
  package var resultJSON: JSON {
    if case .result(let json) = self { json } else { .null }
  }

  package var json: JSON {
    switch self {
    case .result(let result): .object([("ok", .bool(true)), ("result", result)])
    case .refused(let code, let sentence):
      .object([("ok", .bool(false)), ("error", .string(sentence)), ("code", .integer(UInt64(code.rawValue)))])
    }
  }

  package init(json: JSON) throws(JSONMismatch) {
    switch (json["ok"], json["result"], json["error"]) {
    case (.bool(true)?, let result?, _): self = .result(result)
    case (.bool(false)?, _, .string(let sentence)?):
      let code = try json["code"].map { (code) throws(JSONMismatch) in try UInt32(json: code) }
      // A code that is not known here, or says that all is well, is no reason to end well.
      let known = code.flatMap { ExitCode(rawValue: Int32(clamping: $0)) }
      self = .refused(known == nil || known == .success ? .machine : known ?? .machine, sentence)
    default: throw JSONMismatch("neither a result nor an error")
    }
  }
}

/// The answer of what changes something: one sentence, and more about it.
package struct Done: JSONMembers {
  package var sentence = ""
  package var details: [String] = []

  package init() {}

  package init(_ sentence: String, details: [String] = []) {
    self.sentence = sentence
    self.details = details
  }

  package static var members: [Member<Self>] { [Member("sentence", \.sentence), Member("details", \.details)] }
}
