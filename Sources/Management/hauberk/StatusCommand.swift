import CKernel
import CLI
import Console

/// `hauberk status` and `hauberk show`: once, or again and again.
struct StatusCommand {
  /// Nil: the overview.
  var what: Shown?
  var most = Page.mostRows
  let control: ControlOptions

  init(_ options: StatusOptions) { control = options.control }

  init(_ options: ShowOptions) {
    what = options.what
    most = options.most
    control = options.control
  }

  func run() throws(CommandFailure) -> ExitCode {
    var before: GatewayStatus?
    guard let seconds = control.watch else {
      try Console.output(try look(&before, isWatching: false))
      return .success
    }
    return try watch(every: seconds, &before)
  }

  private func watch(every seconds: Double, _ before: inout GatewayStatus?) throws(CommandFailure) -> ExitCode {
    var screen = Screen(areLines: control.json)
    // Without a gateway at the beginning there is nothing to watch; one that goes away may come back.
    var picture = try look(&before, isWatching: true)
    while true {
      try screen.draw(picture, footer: "every \(Format.seconds(seconds)); Ctrl-C ends")
      let next = Console.now() + seconds
      while Console.now() < next, !hauberk_was_interrupted() {
        hauberk_sleep_microseconds(UInt32(max(0, min(0.1, next - Console.now())) * 1e6))
      }
      do {
        if hauberk_was_interrupted() { break }
        picture = try look(&before, isWatching: true)
      } catch {
        if hauberk_was_interrupted() { break }
        guard error.code == .unreachable else { throw error }
        picture = control.json ? JSON.object([("error", .string(error.description))]).line + "\n" : "\(error)\n"
      }
    }
    try screen.leave()
    // That is how watching ends.
    return .success
  }

  /// A new connection each time: the gateway may be another by now.
  private func look(_ before: inout GatewayStatus?, isWatching: Bool) throws(CommandFailure) -> String {
    let client = try ControlClient(control.path)
    switch what {
    case .sas: return show(try listing(client, .sas, AssociationStatus.self), isWatching) { $0.text }
    case .routes: return show(try listing(client, .routes, RouteStatus.self), isWatching) { $0.text }
    case .neighbours: return show(try listing(client, .neighbours, NeighbourStatus.self), isWatching) { $0.text }
    case .config:
      let config = try client.result(of: .show(.config, Page()), ConfigurationStatus.self).value
      return show(config, isWatching) {
        "\($0.path), in force for \(Format.duration($0.ageSeconds))\n\n\($0.text)"
      }
    case .cluster, .members, .work:
      let cluster = try client.result(of: .show(what ?? .cluster, Page()), ClusterStatus.self).value
      return show(cluster, isWatching) {
        what == .members ? $0.membersText : what == .work ? $0.workText : $0.text
      }
    case nil, .ports, .workers, .drops, .counters:
      let (status, json) = try client.result(of: .status, GatewayStatus.self)
      let tables = StatusTables(status, isWatching ? Rates(from: before, to: status) : nil)
      before = status
      guard !control.json else {
        return text(of: what.map { Response($0, of: status, Page(most: most)).resultJSON } ?? json, isWatching)
      }
      return tables.text(of: what)
    }
  }

  private func show<Value: JSONCoded>(_ value: Value, _ isWatching: Bool, _ words: (Value) -> String) -> String {
    control.json ? text(of: value.json, isWatching) : words(value)
  }

  /// Among many, each on a line of its own.
  private func text(of json: JSON, _ isWatching: Bool) -> String { (isWatching ? json.line : json.text) + "\n" }

  /// Page by page, as far as it was asked for.
  private func listing<Row: JSONMembers>(
    _ client: ControlClient, _ what: Shown, _ type: Row.Type
  ) throws(CommandFailure) -> Listing<Row> {
    var all = Listing<Row>()
    while all.rows.count < most {
      let page = Page(from: UInt64(all.rows.count), most: min(Page.mostRows, most - all.rows.count))
      let part = try client.result(of: .show(what, page), Listing<Row>.self).value
      all.total = part.total
      all.rows += part.rows
      if part.rows.isEmpty || UInt64(all.rows.count) >= part.total { break }
    }
    return all
  }
}
