internal import CKernel
internal import CLI
internal import Console
internal import Synchronization

/// Asks members what they know, again and again, on a thread of its own: who stands still does not answer, and nobody
/// else is to wait for that.
final class LabWatch: Sendable {
  private struct State {
    /// The control sockets of those that are to be asked.
    var asked: [Int: String] = [:]
    var answers: [Int: (status: ClusterStatus, at: Double)] = [:]
    var isDue = false
  }

  private let state = Mutex(State())
  private let thread = LabThread()

  private static let roundSeconds = 0.15
  private static let patienceSeconds = 0.3
  /// What was true so long ago says nothing about now.
  private static let freshSeconds = 1.0

  func start() throws(CommandFailure) {
    try thread.start("lab-watch") { [self] in
      while !thread.isToEnd { round() }
    }
  }

  func end() { thread.end() }

  /// From now on these are asked, and what the others said is forgotten.
  func ask(_ sockets: [Int: String]) {
    state.withLock { state in
      state.asked = sockets
      state.answers = state.answers.filter { sockets[$0.key] != nil }
    }
  }

  var look: LabLook {
    let now = Console.now()
    let answers = state.withLock { $0.answers }.filter { now - $0.value.at < Self.freshSeconds }
    return LabLook(
      answers: answers.mapValues { answer in
        var status = answer.status
        // They were so old when they were told.
        for place in status.events.indices { status.events[place].secondsAgo += now - answer.at }
        return status
      })
  }

  private func round() {
    let began = Console.now()
    for (number, socket) in state.withLock({ $0.asked }).sorted(by: { $0.key < $1.key }) {
      guard !thread.isToEnd else { return }
      let answer = Self.answer(socket)
      state.withLock { state in
        // It may have been forgotten meanwhile.
        guard state.asked[number] != nil, let answer else { return }
        state.answers[number] = (answer, Console.now())
      }
    }
    while !thread.isToEnd, Console.now() - began < Self.roundSeconds { hauberk_sleep_microseconds(10_000) }
  }

  private static func answer(_ socket: String) -> ClusterStatus? {
    do {
      let client = try ControlClient(socket, patienceSeconds: patienceSeconds)
      return try client.result(of: .show(.cluster, Page()), ClusterStatus.self).value
    } catch {
      // Who does not answer is not there: that is what there is to know.
      return nil
    }
  }
}
