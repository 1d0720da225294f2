internal import Cluster
package import ClusterSimulation
internal import ControlKit

/// How a simulated run ended, for a person and for a program.
package struct SimulationSummary {
  private let scenario: Scenario
  private let outcome: Outcome

  package init(_ scenario: Scenario, _ outcome: Outcome) {
    self.scenario = scenario
    self.outcome = outcome
  }

  package var text: String {
    var lines = [
      "seed \(scenario.seed): \(scenario.members) members, detection in \(Self.milliseconds(scenario.profile.detection)), "
        + "\(Self.milliseconds(scenario.end)) long",
      "",
    ]
    for fault in scenario.faults.sorted(by: { $0.begin < $1.begin }) { lines.append("  fault     \(fault)") }
    if scenario.faults.isEmpty { lines.append("  fault     none") }
    lines.append(
      "  steps     \(Format.grouped(UInt64(outcome.events))), \(Format.grouped(UInt64(outcome.messages))) messages, "
        + "\(outcome.terms) times somebody spoke for the cluster")
    for outage in outcome.outages {
      lines.append(
        "  outage    \(Self.milliseconds(outage.end - outage.begin)) from \(Self.milliseconds(outage.begin)) on, "
          + "of \(outage.sets.count) sets")
    }
    if outcome.outages.isEmpty { lines.append("  outage    none") }
    if let recovery = outcome.recovery, !scenario.faults.isEmpty {
      lines.append("  whole     \(Self.milliseconds(recovery)) after the last fault")
    }
    for load in outcome.loads {
      lines.append(
        "  load      unit \(load.unit): \(Format.grouped(UInt64(load.packetsPerSecond))) packets/s in \(load.sets) sets, "
          + "\(Format.grouped(UInt64(load.heaviest))) in one")
    }
    for violation in outcome.violations { lines.append("  BROKEN    \(violation)") }
    lines.append(outcome.isGood ? "  verdict   every rule held" : "  verdict   a rule was broken")
    return lines.joined(separator: "\n") + "\n"
  }

  package var json: JSON {
    .object([
      ("seed", .integer(scenario.seed)),
      ("members", .integer(UInt64(scenario.members))),
      ("detectionMilliseconds", Self.number(scenario.profile.detection)),
      ("milliseconds", Self.number(scenario.end)),
      ("good", .bool(outcome.isGood)),
      ("violations", .array(outcome.violations.map { .string($0) })),
      ("faults", .array(scenario.faults.sorted { $0.begin < $1.begin }.map(Self.json))),
      ("steps", .integer(UInt64(outcome.events))),
      ("messages", .integer(UInt64(outcome.messages))),
      ("announcements", .integer(UInt64(outcome.terms))),
      ("recoveryMilliseconds", outcome.recovery.map(Self.number) ?? .null),
      ("longestOutageMilliseconds", Self.number(outcome.gap)),
      ("outages", .array(outcome.outages.map(Self.json))),
      ("loads", .array(outcome.loads.map(Self.json))),
    ])
  }

  private static func json(_ fault: Fault) -> JSON {
    .object([
      ("kind", .string(fault.name.rawValue)),
      ("units", .array(fault.units.map { .integer(UInt64($0)) })),
      ("detail", .string(fault.detail)),
      ("beginMilliseconds", number(fault.begin)),
      ("endMilliseconds", number(fault.end)),
    ])
  }

  private static func json(_ outage: Outage) -> JSON {
    .object([
      ("beginMilliseconds", number(outage.begin)),
      ("milliseconds", number(outage.end - outage.begin)),
      ("sets", .integer(UInt64(outage.sets.count))),
    ])
  }

  private static func json(_ load: Outcome.Load) -> JSON {
    .object([
      ("unit", .integer(UInt64(load.unit))), ("sets", .integer(UInt64(load.sets))),
      ("packetsPerSecond", .integer(UInt64(load.packetsPerSecond))),
    ])
  }

  /// To the microsecond.
  private static func number(_ time: Nanoseconds) -> JSON { .number(Double(time / .microsecond) / 1000) }
  private static func milliseconds(_ time: Nanoseconds) -> String {
    Format.fixed(Double(time) / Double(Nanoseconds.millisecond), 1) + " ms"
  }
}
