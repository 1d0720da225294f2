/// One unit of the cluster, as this one sees it.
package struct MemberStatus: JSONMembers {
  package var unit = 0
  package var inside = ""
  package var outside = ""
  /// `master`, `member`, `joining`, or `away`.
  package var role = "away"
  package var isOwn = false
  package var isDeputy = false
  package var sets = 0
  /// As a mean over about ten seconds, by its own word; nil where it has not said so lately.
  package var packetsPerSecond: Int?
  /// The share of its keepalives that do not come; only a master knows.
  package var loss: Double?
  package var isSuspected = false
  package var isDraining = false

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("unit", \.unit), Member("inside", \.inside), Member("outside", \.outside), Member("role", \.role),
      Member("isOwn", \.isOwn), Member("isDeputy", \.isDeputy), Member("sets", \.sets),
      Member("packetsPerSecond", \.packetsPerSecond), Member("loss", \.loss), Member("isSuspected", \.isSuspected),
      Member("isDraining", \.isDraining),
    ]
  }
}

package struct ClusterEventStatus: JSONMembers {
  package var secondsAgo = 0.0
  package var event = ""
  package var isWarning = false

  package init() {}

  package init(secondsAgo: Double, event: String, isWarning: Bool) {
    self.secondsAgo = secondsAgo
    self.event = event
    self.isWarning = isWarning
  }

  package static var members: [Member<Self>] {
    [Member("secondsAgo", \.secondsAgo), Member("event", \.event), Member("isWarning", \.isWarning)]
  }
}

/// A member's view of its cluster.
package struct ClusterStatus: JSONMembers {
  package var name = ""
  package var unit = 0
  package var role = ""
  package var term: UInt64 = 0
  package var master: Int?
  package var deputy: Int?
  /// How packets to the cluster's addresses get to members.
  package var delivery = ""
  package var isFenced = true
  /// What is left of the lease, without which nothing is worked on.
  package var leaseMilliseconds = 0.0
  package var detectionMilliseconds = 0.0
  /// While somebody is missing, hosts that were not heard before may be another half's, and their packets wait (X19).
  package var asksNewcomers = false
  /// So many keepalives within the detection time.
  package var n = 0
  /// Whether members are to have the same number of `sets` or of `packets`.
  package var balance = "sets"
  package var tableVersion: UInt64 = 0
  package var sent: UInt64 = 0
  package var unsent: UInt64 = 0
  package var passed: UInt64 = 0
  package var oneSided: UInt64 = 0
  package var refused = NamedCounts()
  /// The most that the cluster's thread came late to anything.
  package var latestMilliseconds = 0.0
  package var units: [MemberStatus] = []
  /// Of every work set, its member, and those that are on their way to theirs.
  package var work: [Int?] = []
  package var pending: [Int] = []
  /// Those that this member works on: how many, and which.
  package var running = 0
  package var runs: [Int] = []
  /// How old all this is: the cluster's thread says it now and then.
  package var ageMilliseconds = 0.0
  package var events: [ClusterEventStatus] = []

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("name", \.name), Member("unit", \.unit), Member("role", \.role), Member("term", \.term),
      Member("master", \.master), Member("deputy", \.deputy), Member("delivery", \.delivery),
      Member("isFenced", \.isFenced),
      Member("leaseMilliseconds", \.leaseMilliseconds), Member("detectionMilliseconds", \.detectionMilliseconds),
      Member("asksNewcomers", \.asksNewcomers),
      Member("n", \.n), Member("balance", \.balance), Member("tableVersion", \.tableVersion), Member("sent", \.sent),
      Member("unsent", \.unsent),
      Member("passed", \.passed), Member("oneSided", \.oneSided), Member("refused", \.refused),
      Member("latestMilliseconds", \.latestMilliseconds), Member("units", \.units), Member("work", \.work),
      Member("pending", \.pending),
      Member("running", \.running), Member("runs", \.runs), Member("ageMilliseconds", \.ageMilliseconds),
      Member("events", \.events),
    ]
  }
}
