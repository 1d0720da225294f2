package import Contract

/// What one worker did.
package struct WorkerResult: Sendable {
  package var processor: Int?
  package var packets: UInt64 = 0
  package var bytes: UInt64 = 0
  package var crossedIn: UInt64 = 0
  package var bursts: UInt64 = 0
  /// Ticks by stage, in pipeline order.
  package var stages: [(name: String, ticks: UInt64)] = []

  package init() {}
}

/// What a member got.
package struct MemberShare: Sendable {
  package var packets: UInt64 = 0
  package var workSets = 0

  package init() {}
}

/// Everything a replay has to tell, for the summary and for `--json`.
package struct ReplayResult: Sendable {
  package var source = ""
  package var link = ""
  package var packetsIn: UInt64 = 0
  package var packetsOut: UInt64 = 0
  package var bytesIn: UInt64 = 0
  package var bytesOut: UInt64 = 0
  package var drops: [(reason: DropReason, count: UInt64)] = []
  package var workSetsUsed = 0
  package var members: [MemberShare] = []
  package var member: Int?
  package var seconds = 0.0
  package var ticksPerSecond = 0.0
  package var workers: [WorkerResult] = []
  /// Where the thread between the files and the workers spent its ticks.
  package var dealer: [(name: String, ticks: UInt64)] = []
  package var faults: [(name: String, count: UInt64)] = []
  package var hash = HashKind.keyed
  package var acceptsEveryMAC = true
  package var keyIsZero = true
  package var pages = ""
  package var node: Int?
  package var out: String?
  package var truncation: String?

  package init() {}

  package var packetsPerSecond: Double { seconds > 0 ? Double(packetsIn) / seconds : 0 }

  package var json: JSON {
    .object([
      ("source", .string(source)),
      ("linkType", .string(link)),
      ("packets", .object([("in", .integer(packetsIn)), ("out", .integer(packetsOut))])),
      ("bytes", .object([("in", .integer(bytesIn)), ("out", .integer(bytesOut))])),
      ("drops", .object(drops.map { ($0.reason.name, .integer($0.count)) })),
      (
        "workSets",
        .object([
          ("used", .integer(UInt64(workSetsUsed))),
          ("perMember", .array(members.map { .integer(UInt64($0.workSets)) })),
        ])
      ),
      ("packetsPerMember", .array(members.map { .integer($0.packets) })),
      ("hash", .string(hash.rawValue)),
      ("seconds", .number(seconds)),
      ("packetsPerSecond", .number(packetsPerSecond)),
      ("workers", .integer(UInt64(workers.count))),
      ("worker", .array(workers.map(\.json))),
      ("dealerTicks", .object(dealer.map { ($0.name, .integer($0.ticks)) })),
      ("ticksPerSecond", .number(ticksPerSecond)),
      ("faults", .object(faults.map { ($0.name, .integer($0.count)) })),
      ("memory", .object([("pages", .string(pages)), ("node", node.map { .integer(UInt64($0)) } ?? .null)])),
      ("truncated", .bool(truncation != nil)),
    ])
  }
}

extension WorkerResult {
  var json: JSON {
    .object([
      ("processor", processor.map { .integer(UInt64($0)) } ?? .null),
      ("packets", .integer(packets)),
      ("bytes", .integer(bytes)),
      ("crossedIn", .integer(crossedIn)),
      ("bursts", .integer(bursts)),
      ("stageTicks", .object(stages.map { ($0.name, .integer($0.ticks)) })),
    ])
  }
}
