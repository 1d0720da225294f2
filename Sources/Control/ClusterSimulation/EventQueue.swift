/// What is to happen, the earliest first; of the same moment, in the order in which it was asked for.
struct EventQueue<Event> {
  /// Small, because it is moved about; the event itself lies still.
  private struct Entry {
    var moment: UInt64
    var order: UInt64
    var slot: Int

    func isBefore(_ other: Entry) -> Bool {
      moment == other.moment ? order < other.order : moment < other.moment
    }
  }

  private var heap: [Entry] = []
  private var events: [Event?] = []
  private var vacant: [Int] = []
  private var orders: UInt64 = 0

  var nextMoment: UInt64? { heap.first?.moment }

  mutating func add(_ event: Event, at moment: UInt64) {
    orders += 1
    let entry = Entry(moment: moment, order: orders, slot: vacant.popLast() ?? events.count)
    if entry.slot == events.count { events.append(event) } else { events[entry.slot] = event }
    heap.append(entry)
    var place = heap.count - 1
    while place > 0, entry.isBefore(heap[(place - 1) / 2]) {
      heap[place] = heap[(place - 1) / 2]
      place = (place - 1) / 2
    }
    heap[place] = entry
  }

  mutating func takeFirst() -> (moment: UInt64, event: Event)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty { sink(last) }
    guard let event = events[first.slot].take() else { return nil }
    vacant.append(first.slot)
    return (first.moment, event)
  }

  /// Into the first place, and down from there.
  private mutating func sink(_ entry: Entry) {
    var place = 0
    while 2 * place + 1 < heap.count {
      var child = 2 * place + 1
      if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
      guard heap[child].isBefore(entry) else { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = entry
  }
}
