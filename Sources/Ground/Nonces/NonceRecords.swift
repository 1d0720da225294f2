/// The marks of a key, by sender id, in the order of the ids. Nearly always one for each worker, and a state for each of
/// very many keys: one alone lies in here, and a list is made only for more.
struct NonceRecords: Equatable {
  private var only: NonceState.Record?
  private var several: [NonceState.Record] = []

  private(set) var list: [NonceState.Record] {
    get { only.map { [$0] } ?? several }
    set { (only, several) = newValue.count == 1 ? (newValue[0], []) : (nil, newValue) }
  }

  var isEmpty: Bool { only == nil && several.isEmpty }

  subscript(id: UInt32) -> NonceState.Record? {
    get {
      if let only { return only.id == id ? only : nil }
      let list = several, place = Self.place(of: id, in: list)
      return place < list.count && list[place].id == id ? list[place] : nil
    }
    set {
      var list = list
      let place = Self.place(of: id, in: list)
      let isThere = place < list.count && list[place].id == id
      list.replaceSubrange(place..<place + (isThere ? 1 : 0), with: newValue.map { [$0] } ?? [])
      self.list = list
    }
  }

  /// Of the first that is not below.
  private static func place(of id: UInt32, in list: [NonceState.Record]) -> Int {
    var low = 0, high = list.count
    while low < high {
      let middle = (low + high) / 2
      if list[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
