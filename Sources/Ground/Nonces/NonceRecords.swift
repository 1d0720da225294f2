/// The marks of a key, by sender id. Nearly always one for each worker, and a state for each of very many keys: a list
/// in the order of the ids.
struct NonceRecords: Equatable {
  private(set) var list: [NonceState.Record] = []

  var isEmpty: Bool { list.isEmpty }

  subscript(id: UInt32) -> NonceState.Record? {
    get {
      let place = place(of: id)
      return place < list.count && list[place].id == id ? list[place] : nil
    }
    set {
      let place = place(of: id)
      let isThere = place < list.count && list[place].id == id
      list.replaceSubrange(place..<place + (isThere ? 1 : 0), with: newValue.map { [$0] } ?? [])
    }
  }

  /// Of the first that is not below.
  private func place(of id: UInt32) -> Int {
    var low = 0, high = list.count
    while low < high {
      let middle = (low + high) / 2
      if list[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
