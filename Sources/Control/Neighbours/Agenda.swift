/// Slots by a moment, the earliest first: a binary heap that knows where each slot lies, so that any may be moved.
struct Agenda: Sendable {
  private var heap: [(moment: UInt64, slot: Int)] = []
  /// By slot; -1 where it is not in the heap.
  private var places: [Int] = []

  var first: (moment: UInt64, slot: Int)? { heap.first }
  var count: Int { heap.count }

  func moment(of slot: Int) -> UInt64? {
    guard slot < places.count, places[slot] >= 0 else { return nil }
    return heap[places[slot]].moment
  }

  mutating func set(_ slot: Int, _ moment: UInt64) {
    while places.count <= slot { places.append(-1) }
    if places[slot] < 0 {
      places[slot] = heap.count
      heap.append((moment, slot))
    } else {
      heap[places[slot]].moment = moment
    }
    sink(rise(places[slot]))
  }

  mutating func remove(_ slot: Int) {
    guard slot < places.count, places[slot] >= 0 else { return }
    let place = places[slot]
    exchange(place, heap.count - 1)
    heap.removeLast()
    places[slot] = -1
    if place < heap.count { sink(rise(place)) }
  }

  private mutating func rise(_ from: Int) -> Int {
    var place = from
    while place > 0, heap[place].moment < heap[(place - 1) / 2].moment {
      exchange(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
    return place
  }

  private mutating func sink(_ from: Int) {
    var place = from
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count && heap[child].moment < heap[least].moment {
        least = child
      }
      guard least != place else { return }
      exchange(place, least)
      place = least
    }
  }

  private mutating func exchange(_ one: Int, _ other: Int) {
    guard one != other else { return }
    heap.swapAt(one, other)
    places[heap[one].slot] = one
    places[heap[other].slot] = other
  }
}
