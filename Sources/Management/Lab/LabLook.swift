internal import CLI

/// The cluster as its members tell of it, at one moment.
struct LabLook: Sendable {
  /// By member; only of those that answered lately.
  var answers: [Int: ClusterStatus] = [:]

  /// Who leads by his own word: of two that do, the later.
  var master: ClusterStatus? {
    answers.values.filter { $0.role == "master" && !$0.isFenced }.max { ($0.term, $0.unit) < ($1.term, $1.unit) }
  }

  /// Whether these are all members, and share all the work evenly.
  func isSettled(_ numbers: some Collection<Int>) -> Bool {
    let shares = numbers.compactMap { number in answers[number].flatMap { $0.isFenced ? nil : $0.running } }
    guard shares.count == numbers.count, let master, master.pending.isEmpty, !master.work.isEmpty else { return false }
    return shares.reduce(0, +) == master.work.count && (shares.max() ?? 0) - (shares.min() ?? 0) <= 1
  }
}
