import ControlKit
import Testing

@testable import Neighbours

@Suite("The agenda gives the earliest first, whatever is moved or taken out")
struct AgendaTests {
  @Test("Against a plain search, over thousands of changes", arguments: [1, 2, 3, 4] as [UInt64])
  func model(_ seed: UInt64) {
    var jitter = Jitter(seed: seed)
    var agenda = Agenda()
    var moments: [Int: UInt64] = [:]
    for _ in 0..<5000 {
      let slot = Int(jitter.between(0, 200))
      if jitter.between(0, 3) == 0 {
        agenda.remove(slot)
        moments[slot] = nil
      } else {
        // Few moments, so that many are the same.
        let moment = jitter.between(0, 3000)
        agenda.set(slot, moment)
        moments[slot] = moment
      }
      #expect(agenda.count == moments.count)
      #expect(agenda.first?.moment == moments.values.min())
      #expect(agenda.first.map { moments[$0.slot] == $0.moment } ?? true)
      #expect(agenda.moment(of: slot) == moments[slot])
      if jitter.between(0, 50) == 0 { #expect(drained(agenda) == moments.values.sorted()) }
    }
    #expect(agenda.moment(of: 999) == nil)
  }
}

private func drained(_ agenda: Agenda) -> [UInt64] {
  var agenda = agenda
  var moments: [UInt64] = []
  while let first = agenda.first {
    moments.append(first.moment)
    agenda.remove(first.slot)
  }
  return moments
}
