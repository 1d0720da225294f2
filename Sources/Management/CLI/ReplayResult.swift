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

/// What one SA did.
package struct AssociationResult: Sendable {
  package var name = ""
  package var direction = ""
  package var spi: UInt32 = 0
  package var suite = ""
  package var packets: UInt64 = 0
  package var bytes: UInt64 = 0
  package var sequence: UInt64 = 0
  package var window = 0
  package var senders = 0
  package var lost: UInt64 = 0
  package var isEnding = false
  package var drops: [(name: String, count: UInt64)] = []

  package init() {}
}

/// There and back: how many inner packets were compared, and why the others were not.
package struct RoundTripResult: Sendable {
  package var compared: UInt64
  package var mismatched: UInt64
  package var skipped: [(name: String, count: UInt64)]

  package init(compared: UInt64, mismatched: UInt64, skipped: [(name: String, count: UInt64)]) {
    self.compared = compared
    self.mismatched = mismatched
    self.skipped = skipped
  }
}

/// Everything a replay has to tell, for the summary and for `--json`.
package struct ReplayResult: Sendable {
  package var source = ""
  package var link = ""
  package var packetsIn: UInt64 = 0
  package var packetsOut: UInt64 = 0
  /// Out of nothing but another packet, and used up on purpose.
  package var packetsMade: UInt64 = 0
  /// Senders of what was too big who have not been told.
  package var unanswered: UInt64 = 0
  package var packetsConsumed: UInt64 = 0
  /// Of those consumed: fragments whose packet never became whole.
  package var unfinishedFragments: UInt64 = 0
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
  /// Who computed; nil where nothing was sealed or opened.
  package var engine: String?
  package var associations: [AssociationResult] = []
  package var roundTrip: RoundTripResult?
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
      (
        "packets",
        .object([
          ("in", .integer(packetsIn)), ("out", .integer(packetsOut)), ("made", .integer(packetsMade)),
          ("consumed", .integer(packetsConsumed)),
        ])
      ),
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
      ("engine", engine.map { .string($0) } ?? .null),
      ("securityAssociations", .array(associations.map(\.json))),
      ("roundTrip", roundTrip.map(\.json) ?? .null),
      ("workers", .integer(UInt64(workers.count))),
      ("worker", .array(workers.map(\.json))),
      ("dealerTicks", .object(dealer.map { ($0.name, .integer($0.ticks)) })),
      ("unanswered", .integer(unanswered)),
      ("unfinishedFragments", .integer(unfinishedFragments)),
      ("ticksPerSecond", .number(ticksPerSecond)),
      ("faults", .object(faults.map { ($0.name, .integer($0.count)) })),
      ("memory", .object([("pages", .string(pages)), ("node", node.map { .integer(UInt64($0)) } ?? .null)])),
      ("truncated", .bool(truncation != nil)),
    ])
  }
}

extension AssociationResult {
  var json: JSON {
    .object([
      ("name", .string(name)),
      ("direction", .string(direction)),
      ("spi", .integer(UInt64(spi))),
      ("suite", .string(suite)),
      ("packets", .integer(packets)),
      ("bytes", .integer(bytes)),
      ("sequence", .integer(sequence)),
      ("window", .integer(UInt64(window))),
      ("senders", .integer(UInt64(senders))),
      ("lost", .integer(lost)),
      ("isEnding", .bool(isEnding)),
      ("drops", .object(drops.map { ($0.name, .integer($0.count)) })),
    ])
  }
}

extension RoundTripResult {
  var json: JSON {
    .object([
      ("compared", .integer(compared)),
      ("mismatched", .integer(mismatched)),
      ("skipped", .object(skipped.map { ($0.name, .integer($0.count)) })),
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
