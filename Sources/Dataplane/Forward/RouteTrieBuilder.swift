import Wire

/// Makes a trie out of routes. Runs on the control thread.
///
/// Routes are sorted by network, and the shorter of two with the same beginning comes first. So a route comes before all
/// that lie in it, all that lie in one word's part of the addresses are one run of the list, and filling in the list's
/// order leaves the longest prefix's value everywhere.
struct RouteTrieBuilder {
  struct Route: BitwiseCopyable {
    /// IPv4's address is the upper half of this one.
    var high: UInt64
    var low: UInt64
    var value: UInt32
    /// Its place in the list that was given: of two with one network, the last counts.
    var order: UInt32
    var length: UInt8
  }

  private var routes: ContiguousArray<Route>
  private let hasSkips: Bool
  private var words: ContiguousArray<UInt32> = []
  /// The line beside whose one skip there is room for another.
  private var spare: Int?

  static func build(_ routes: ContiguousArray<Route>, topBits: Int, hasSkips: Bool) -> RouteTrie {
    var builder = RouteTrieBuilder(routes: routes, hasSkips: hasSkips)
    builder.sort()
    let top = builder.takeLines(1 << (topBits - 4), RouteTrie.none)
    builder.divide(top, bits: topBits, builder.routes.indices, after: 0)
    return RouteTrie(builder.words, topBits: topBits)
  }

  private init(routes: ContiguousArray<Route>, hasSkips: Bool) {
    self.routes = routes
    self.hasSkips = hasSkips
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

  /// Writes a run of routes into the words at `start`, one for each value of the `bits` bits after the first `before`, in
  /// which all agree. All are longer than that.
  private mutating func divide(_ start: Int, bits: Int, _ run: Range<Int>, after before: Int) {
    var next = run.lowerBound
    while next < run.upperBound {
      let part = part(next, before, bits)
      let spare = before + bits - Int(routes[next].length)
      if spare >= 0 {
        for word in start + part..<start + part + 1 << spare { words[word] = routes[next].value }
        next += 1
      } else {
        var end = next + 1
        while end < run.upperBound, self.part(end, before, bits) == part { end += 1 }
        let word = word(for: next..<end, after: before + bits, around: words[start + part])
        words[start + part] = word
        next = end
      }
    }
  }

  private func part(_ route: Int, _ before: Int, _ bits: Int) -> Int {
    let half = before < 64 ? routes[route].high : routes[route].low
    return Int((half &<< UInt64(before)) >> UInt64(64 - bits))
  }

  /// Where to look on for a run of routes that agree in the first `before` bits and are all longer. `around`: the value of
  /// what is in none of them.
  private mutating func word(for run: Range<Int>, after before: Int, around: UInt32) -> UInt32 {
    let first = routes[run.lowerBound], last = routes[run.upperBound - 1]
    if hasSkips {
      if run.count == 1 { return skip(first, Int(first.length), inside: first.value, around) }
      // What is shorter than what all have in common would have all others in it, and come first.
      let common = min(Self.common(first, last), Int(first.length))
      if common >= before + 4 {
        let isRoute = common == Int(first.length)
        let inside = word(
          for: run.dropFirst(isRoute ? 1 : 0), after: common / 4 * 4, around: isRoute ? first.value : around)
        return skip(first, common, inside: inside, around)
      }
    }
    let bits = chunkBits(run.count, after: before)
    let chunk = takeLines(1 << (bits - 4), around)
    divide(chunk, bits: bits, run, after: before)
    return RouteTrie.chunk(line: chunk / 16, before: before, bits: bits)
  }

  /// IPv4: up to /24, then four. IPv6: so many that there is a route for every four words; all in one half of the address.
  private func chunkBits(_ routes: Int, after before: Int) -> Int {
    guard hasSkips else { return before < 24 ? 24 - before : 4 }
    let most = before < 64 ? min(16, 64 - before) : min(16, 128 - before)
    var bits = 4
    while bits + 4 <= most, routes >= 1 << (bits + 2) { bits += 4 }
    return bits
  }

  private static func common(_ one: Route, _ other: Route) -> Int {
    one.high != other.high
      ? (one.high ^ other.high).leadingZeroBitCount : 64 + (one.low ^ other.low).leadingZeroBitCount
  }

  private mutating func skip(_ route: Route, _ bits: Int, inside: UInt32, _ outside: UInt32) -> UInt32 {
    let half = spare == nil ? 0 : 1
    let start = spare ?? takeLines(1, 0)
    spare = half == 0 ? start : nil
    let skip = RouteTrie.Skip(high: route.high, low: route.low, inside: inside, outside: outside, bits: UInt64(bits))
    words.withUnsafeMutableBytes {
      $0.storeBytes(of: skip, toByteOffset: start * 4 + half * 32, as: RouteTrie.Skip.self)
    }
    return RouteTrie.skip(line: start / 16, half: half)
  }

  /// Cache lines of 16 words. Says where they begin.
  private mutating func takeLines(_ count: Int, _ word: UInt32) -> Int {
    let start = words.count
    precondition(start / 16 + count <= RouteTrie.mostLines, "more routes than a table holds")
    words.append(contentsOf: repeatElement(word, count: 16 * count))
    return start
  }
}
