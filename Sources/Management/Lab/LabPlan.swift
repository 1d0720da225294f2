internal import CLI

/// Where everything of a lab is, and what it is called.
///
///     host A ── inside ──┬── inside member 1 outside ──┬── outside ── host B
///                        └── inside member N outside ──┘
///
/// The two bridges are in a namespace of their own, and so is each host and each member.
struct LabPlan: Sendable {
  enum Place: Equatable, Sendable {
    case segment, hostA, hostB
    case member(Int)

    var word: String {
      switch self {
      case .segment: "segment"
      case .hostA: "hostA"
      case .hostB: "hostB"
      case .member(let number): "member\(number)"
      }
    }
  }

  let options: LabOptions
  /// In hexadecimal: which flow is whose differs from lab to lab.
  let key: String

  static let records = "/run/hauberk-labs"
  static let probePort: UInt16 = 9000
  static let firstSourcePort: UInt16 = 20_000

  var name: String { options.name }
  var numbers: ClosedRange<Int> { 1...options.members }
  var folder: String { Self.folder(name) }
  var places: [Place] { [.segment, .hostA, .hostB] + numbers.map(Place.member) }
  /// Who has a cable to which bridge.
  var plugs: [(place: Place, side: LabOrder.Side)] {
    [(.hostA, .inside), (.hostB, .outside)] + numbers.flatMap { [(.member($0), .inside), (.member($0), .outside)] }
  }

  static func record(_ name: String) -> String { "\(records)/\(name).record" }
  static func folder(_ name: String) -> String { "\(records)/\(name)" }
  /// Names are letters and digits, so no lab's prefix begins another's.
  static func prefix(_ name: String) -> String { "hauberk-\(name)-" }
  static func path(namespace: String) -> String { "/run/netns/\(namespace)" }

  func namespace(_ place: Place) -> String { Self.prefix(name) + place.word }
  func file(_ number: Int, _ kind: String) -> String { "\(folder)/member\(number).\(kind)" }

  /// A bridge's end of a cable.
  static func port(_ place: Place, _ side: LabOrder.Side) -> String {
    "\(place.word)-\(side == .inside ? "in" : "out")"
  }

  // Addresses

  private static func network(_ side: LabOrder.Side) -> String { side == .inside ? "10.1.0" : "10.2.0" }
  static func address(_ number: Int, _ side: LabOrder.Side) -> String { "\(network(side)).\(number)" }
  static func host(_ side: LabOrder.Side) -> String { address(100, side) }
  /// What all members wear.
  static func shared(_ side: LabOrder.Side) -> String { address(254, side) }

  func configuration(_ number: Int) -> String {
    let units = numbers.map { unit in
      "    - {number: \(unit), inside: \(Self.address(unit, .inside)), outside: \(Self.address(unit, .outside))}"
    }
    let ports = LabOrder.Side.allCases.map { side in
      "  \(side.rawValue): {device: \(side.rawValue), method: \(options.method.rawValue), takeAddresses: true, "
        + "addresses: [\(Self.address(number, side))/24]}"
    }
    return """
      # Made by `hauberk lab`, and gone with it.
      unit:
        number: \(number)
        stateDirectory: \(folder)/state\(number)
        certificate: \(file(number, "pem"))
        key: \(file(number, "key"))
      cluster:
        name: \(name)
        addresses: [\(Self.shared(.inside)), \(Self.shared(.outside))]
        key: \(key)
        multicastMAC: 03-00-00-00-00-01
        authority: \(folder)/authority.pem
        revocations: \(folder)/revoked.pem
        pace: \(options.pace.rawValue)
        units:
      \(units.joined(separator: "\n"))
      ports:
      \(ports.joined(separator: "\n"))
      workers: \(options.workers)
      policies:
        - action: bypass
      operation:
        control: \(file(number, "sock"))

      """
  }
}
