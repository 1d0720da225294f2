import Wire

/// Makes a trie out of routes. Runs on the control thread.
///
/// Routes are sorted by network, and the shorter of two with the same beginning comes first. So a route comes before all
/// that lie in it, everything that lies in a part of a node is one run of the list, and filling in the list's order
/// leaves the longest prefix's value everywhere.
struct RouteTrieBuilder {
  struct Route: BitwiseCopyable {
    var high: UInt64
    var low: UInt64
    var value: UInt32
    /// Its place in the list that was given: of two with one network, the last counts.
    var order: UInt32
    var length: UInt8
  }

  private var routes: ContiguousArray<Route>
  private var slots: ContiguousArray<RouteTrie.Slot> = []
  private var leaves: ContiguousArray<UInt32> = []

  private init(_ routes: ContiguousArray<Route>) { self.routes = routes }

  static func build(_ routes: ContiguousArray<Route>, topBits: Int) -> RouteTrie {
    var builder = RouteTrieBuilder(routes)
    builder.sort()
    let top = builder.fillTop(bits: topBits)
    return RouteTrie(slots: builder.slots, leaves: builder.leaves, top: top)
  }

  private mutating func sort() {
    routes.sort { one, other in
      if one.high != other.high { return one.high < other.high }
      if one.low != other.low { return one.low < other.low }
      if one.length != other.length { return one.length < other.length }
      return one.order < other.order
    }
    var kept = 0
    for index in routes.indices {
      let route = routes[index]
      if kept > 0, routes[kept - 1].high == route.high, routes[kept - 1].low == route.low,
        routes[kept - 1].length == route.length
      {
        kept -= 1
      }
      routes[kept] = route
      kept += 1
    }
    routes.removeLast(routes.count - kept)
  }

  private mutating func fillTop(bits: Int) -> ContiguousArray<UInt32> {
    var top = ContiguousArray<UInt32>(repeating: RouteTrie.none, count: 1 << bits)
    var next = 0
    while next < routes.count {
      let route = routes[next]
      let place = Int(route.high >> UInt64(64 - bits))
      if Int(route.length) <= bits {
        for place in place..<place + 1 << (bits - Int(route.length)) { top[place] = route.value }
        next += 1
      } else {
        var end = next + 1
        while end < routes.count, Int(routes[end].high >> UInt64(64 - bits)) == place { end += 1 }
        let slot = take(slots: 1)
        let around = top[place]
        top[place] = RouteTrie.slotFlag | UInt32(slot)
        fill(slot, next..<end, after: bits, around: around)
        next = end
      }
    }
    return top
  }

  private mutating func take(slots count: Int) -> Int {
    slots.append(contentsOf: repeatElement(RouteTrie.Slot(), count: count))
    return slots.count - count
  }

  /// A slot for a run of routes that agree in the first `bits` and are all longer. `around`: the value of what is in none
  /// of them.
  private mutating func fill(_ slot: Int, _ run: Range<Int>, after bits: Int, around: UInt32) {
    let first = routes[run.lowerBound], last = routes[run.upperBound - 1]
    if run.count == 1 {
      skip(slot, first, Int(first.length), inside: first.value, around)
      return
    }
    // What is shorter than what all have in common would have all others in it, and come first.
    let common = min(Self.common(first, last), Int(first.length))
    guard common >= bits + 6 else {
      divide(slot, run, after: bits, around: around)
      return
    }
    let isRoute = common == Int(first.length)
    let target = take(slots: 1)
    skip(slot, first, common, inside: RouteTrie.slotFlag | UInt32(target), around)
    fill(
      target, run.dropFirst(isRoute ? 1 : 0), after: common, around: isRoute ? first.value : around)
  }

  private static func common(_ one: Route, _ other: Route) -> Int {
    one.high != other.high
      ? (one.high ^ other.high).leadingZeroBitCount : 64 + (one.low ^ other.low).leadingZeroBitCount
  }

  private mutating func skip(_ slot: Int, _ route: Route, _ bits: Int, inside: UInt32, _ outside: UInt32) {
    slots[slot].children = route.high
    slots[slot].runs = route.low
    slots[slot].firstChild = inside
    slots[slot].firstLeaf = outside
    slots[slot].bits = UInt8(bits)
    slots[slot].isSkip = true
  }

  private mutating func divide(_ slot: Int, _ run: Range<Int>, after bits: Int, around: UInt32) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { values in
      withUnsafeTemporaryAllocation(of: Range<Int>.self, capacity: 64) { inside in
        values.initialize(repeating: around)
        var node = RouteTrie.Slot()
        var next = run.lowerBound
        while next < run.upperBound {
          let route = routes[next]
          let part = self.part(next, bits)
          if Int(route.length) <= bits + 6 {
            for part in part..<part + 1 << (bits + 6 - Int(route.length)) { values[part] = route.value }
            next += 1
          } else {
            var end = next + 1
            while end < run.upperBound, self.part(end, bits) == part { end += 1 }
            inside.initializeElement(at: node.children.nonzeroBitCount, to: next..<end)
            node.children |= 1 << UInt64(part)
            next = end
          }
        }
        node.bits = UInt8(bits)
        node.firstLeaf = UInt32(leaves.count)
        node.runs = addLeaves(values, except: node.children)
        let children = node.children.nonzeroBitCount
        let firstChild = take(slots: children)
        node.firstChild = UInt32(firstChild)
        slots[slot] = node
        var left = node.children
        for child in 0..<children {
          fill(firstChild + child, inside[child], after: bits + 6, around: values[left.trailingZeroBitCount])
          left &= left - 1
        }
      }
    }
  }

  private func part(_ route: Int, _ bits: Int) -> Int {
    Int(RouteTrie.part(routes[route].high, routes[route].low, UInt64(bits), isIPv6: true))
  }

  /// A leaf for each run of equal values. Says where they begin.
  private mutating func addLeaves(_ values: UnsafeMutableBufferPointer<UInt32>, except children: UInt64) -> UInt64 {
    var runs: UInt64 = 0
    for part in 0..<64 where children >> UInt64(part) & 1 == 0 {
      if runs == 0 || leaves[leaves.count - 1] != values[part] {
        runs |= 1 << UInt64(part)
        leaves.append(values[part])
      }
    }
    return runs
  }
}
