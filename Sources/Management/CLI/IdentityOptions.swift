internal import Config
package import Wire

/// What `hauberk identity` was asked to do.
package enum IdentityOptions: Sendable {
  case authority(cluster: String, folder: String, days: Int, isForced: Bool)
  case unit(UnitOrder)
  case revoke(authority: String, whose: Revoked)
  case show(file: String, authority: String?, json: Bool)

  package struct UnitOrder: Sendable {
    package var authority: String
    package var number: Int
    package var addresses: [IPAddress]
    package var file: String
    package var days: Int
    package var publicKey: String?
    package var isForced: Bool
  }

  /// All certificates of a unit, or one.
  package enum Revoked: Sendable {
    case number(Int)
    case serial(String)
  }

  package enum Action: String, CaseIterable, Sendable {
    case authority, unit, revoke, show

    fileprivate var options: [Option] {
      switch self {
      case .authority: [Named.cluster, Named.out, Named.days, Named.force]
      case .unit:
        [
          Named.authority, Named.number, Named.address, Named.out, Named.days, Named.publicKey, Named.force,
        ]
      case .revoke: [Named.authority, Named.number, Named.serial]
      case .show: [Named.authority, Named.json]
      }
    }
  }

  private enum Named {
    static let cluster = Option("--cluster", "NAME", "authority: the cluster's name: letters, digits, '-', '_', '.'")
    static let authority = Option("--authority", "PATH", "the folder that 'authority' made")
    static let number = Option("--number", "N", "unit, revoke: the unit's number, 0 to 63")
    static let address = Option("--address", "ADDRESS", "unit: an address of its own; may be repeated")
    static let out = Option("--out", "PATH", "authority: a folder; unit: FILE.pem, and the key beside it in FILE.key")
    static let days = Option("--days", "N", "how long it counts (default 3650 for an authority, 365 for a unit)")
    static let publicKey = Option("--public-key", "FILE", "unit: the public half (PEM) of a key that exists elsewhere")
    static let serial = Option("--serial", "HEX", "revoke: one certificate, by its serial number")
    static let force = Option("--force", nil, "take the place of files that are there, private keys included")
    static let json = Option("--json", nil, "show: one JSON object on standard output")
  }

  package static let options: [Option] = [
    Named.cluster, Named.authority, Named.number, Named.address, Named.out, Named.days, Named.publicKey, Named.serial,
    Named.force, Named.json,
  ]

  package static let mostDays = 36500

  package init(_ words: [String]) throws(CommandFailure) {
    let first = try ParsedArguments(words, Self.options).positionals.first
    guard let first, let action = Action(rawValue: first) else {
      let names = Action.allCases.map(\.rawValue)
      let hint = first.flatMap { nearestName(to: $0, among: names) }.map { ": did you mean '\($0)'?" }
      throw CommandFailure(
        .usage,
        "identity takes one of \(names.joined(separator: ", "))" + (hint ?? ": 'hauberk help identity' has more"))
    }
    let parsed = try ParsedArguments(words, action.options)
    guard parsed.positionals.count == (action == .show ? 2 : 1) else {
      throw CommandFailure(
        .usage,
        action == .show
          ? "identity show takes one file: hauberk identity show FILE"
          : "identity \(action.rawValue) takes options, and no other words: '\(parsed.positionals.last ?? "")' is none")
    }
    switch action {
    case .authority: self = try Self.authority(parsed)
    case .unit: self = try .unit(UnitOrder(parsed))
    case .revoke: self = try Self.revoke(parsed)
    case .show:
      self = .show(
        file: parsed.positionals[1], authority: parsed.value(Named.authority.name), json: parsed.has(Named.json.name))
    }
  }

  private static func authority(_ parsed: ParsedArguments) throws(CommandFailure) -> IdentityOptions {
    .authority(
      cluster: try parsed.needed(Named.cluster, "authority"), folder: try parsed.needed(Named.out, "authority"),
      days: try parsed.integer(Named.days.name, in: 1...mostDays) ?? 3650, isForced: parsed.has(Named.force.name))
  }

  private static func revoke(_ parsed: ParsedArguments) throws(CommandFailure) -> IdentityOptions {
    let number = try parsed.integer(Named.number.name, in: 0...63), serial = parsed.value(Named.serial.name)
    let authority = try parsed.needed(Named.authority, "revoke")
    switch (number, serial) {
    case (let number?, nil): return .revoke(authority: authority, whose: .number(number))
    case (nil, let serial?): return .revoke(authority: authority, whose: .serial(serial.lowercased()))
    default:
      throw CommandFailure(.usage, "identity revoke takes either --number N or --serial HEX, and one of them it needs")
    }
  }
}

extension IdentityOptions.UnitOrder {
  fileprivate init(_ parsed: ParsedArguments) throws(CommandFailure) {
    authority = try parsed.needed(IdentityOptions.Named.authority, "unit")
    _ = try parsed.needed(IdentityOptions.Named.number, "unit")
    number = try parsed.integer("--number", in: 0...63) ?? 0
    _ = try parsed.needed(IdentityOptions.Named.address, "unit")
    addresses = []
    for text in parsed.all("--address") {
      guard let address = IPAddress(text) else {
        throw CommandFailure(.usage, "--address takes an IPv4 or IPv6 address, not '\(text)'")
      }
      addresses.append(address)
    }
    file = try parsed.needed(IdentityOptions.Named.out, "unit")
    days = try parsed.integer("--days", in: 1...IdentityOptions.mostDays) ?? 365
    publicKey = parsed.value("--public-key")
    isForced = parsed.has("--force")
  }
}

extension ParsedArguments {
  fileprivate func needed(_ option: Option, _ action: String) throws(CommandFailure) -> String {
    guard let value = value(option.name) else {
      throw CommandFailure(.usage, "identity \(action) needs \(option.name) \(option.placeholder ?? "")")
    }
    return value
  }
}
