internal import CLI

/// What has happened, by the lab's clock: what was done, and what the cluster says of itself.
struct LabEvents: Sendable {
  private(set) var all: [LabView.Event] = []
  private var untold: [LabView.Event] = []
  /// Those of the cluster that are known, so that they are not told by everybody who saw them, again and again.
  private var known: [LabView.Event] = []

  private static let most = 200
  /// As far as two looks at one event may lie apart: an answer is on its way for a while.
  private static let sameSeconds = 0.3

  mutating func note(_ text: String, at second: Double) { add(LabView.Event(second: second, text: text)) }

  /// What the master tells. What was before the first probe is no news, and what another master has told neither.
  mutating func take(_ status: ClusterStatus, at second: Double) {
    for event in status.events {
      let one = LabView.Event(second: second - event.secondsAgo, text: "unit \(status.unit): \(event.event)")
      guard one.second > 0, one.second > (known.last?.second ?? 0) - Self.sameSeconds else { continue }
      guard !known.contains(where: { $0.text == one.text && abs($0.second - one.second) < Self.sameSeconds }) else {
        continue
      }
      known.append(one)
      if known.count > Self.most { known.removeFirst() }
      add(one)
    }
  }

  /// Since this was last asked.
  mutating func takeUntold() -> [LabView.Event] {
    defer { untold = [] }
    return untold
  }

  private mutating func add(_ event: LabView.Event) {
    // What a member tells is heard a little later than it was.
    let place = (all.lastIndex { $0.second <= event.second } ?? -1) + 1
    all.insert(event, at: place)
    if all.count > Self.most { all.removeFirst() }
    untold.append(event)
    if untold.count > Self.most { untold.removeFirst() }
  }
}
