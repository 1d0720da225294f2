/// What is to happen, the earliest first; of the same moment, in the order in which it was asked for.
struct EventQueue<Event> {
  private var heap: [(moment: UInt64, order: UInt64, event: Event)] = []
  private var orders: UInt64 = 0

  var nextMoment: UInt64? { heap.first?.moment }

  mutating func add(_ event: Event, at moment: UInt64) {
    orders += 1
    heap.append((moment, orders, event))
    var place = heap.count - 1
    while place > 0, isBefore(place, (place - 1) / 2) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func takeFirst() -> (moment: UInt64, event: Event)? {
    guard !heap.isEmpty else { return nil }
    heap.swapAt(0, heap.count - 1)
    let taken = heap.removeLast()
    var place = 0
    while true {
      var least = place
      if 2 * place + 1 < heap.count, isBefore(2 * place + 1, least) { least = 2 * place + 1 }
      if 2 * place + 2 < heap.count, isBefore(2 * place + 2, least) { least = 2 * place + 2 }
      guard least != place else { return (taken.moment, taken.event) }
      heap.swapAt(place, least)
      place = least
    }
  }

  private func isBefore(_ one: Int, _ other: Int) -> Bool {
    heap[one].moment == heap[other].moment
      ? heap[one].order < heap[other].order : heap[one].moment < heap[other].moment
  }
}
