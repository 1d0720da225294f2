import CXDP
import Contract
import Wire

/// A line of the policy, as the kernel compares it with clear packets (X5): `names` says which of its fields count
/// besides the prefixes.
struct EarlySelector {
  var source: IPPrefix
  var destination: IPPrefix
  var fields: hauberk_early_selector

  /// As what comes from outside is asked for: as what would go there.
  var turned: EarlySelector {
    var turned = EarlySelector(source: destination, destination: source, fields: fields)
    turned.fields.from_first = fields.to_first
    turned.fields.from_last = fields.to_last
    turned.fields.to_first = fields.from_first
    turned.fields.to_last = fields.from_last
    return turned
  }
}

/// The lines in buckets, for packets of one side. The kernel asks for a packet once per shape, as workers do
/// (PolicyTable), and compares what lies in one bucket: all of a shape with the same prefixes, and what chance adds.
struct EarlySelectors {
  private(set) var shapes: [hauberk_early_shape] = []
  private(set) var buckets: [[hauberk_early_selector]] = []
  private(set) var salt: UInt64 = 0

  /// In their order. Nil where there are too many: of all, of shapes, or with the same prefixes.
  init?(_ lines: [EarlySelector]) {
    guard lines.count <= Int(HAUBERK_EARLY_MOST_SELECTORS) else { return nil }
    var numbers: [[UInt64]: Int] = [:]
    var laid: [hauberk_early_selector] = []
    for (number, line) in lines.enumerated() {
      let source = Self.mask(line.source), destination = Self.mask(line.destination)
      let form = [source.high, source.low, destination.high, destination.low, source.isIPv6 ? 1 : 0]
      let shape = numbers[form] ?? shapes.count
      if shape == shapes.count {
        guard shape < Int(HAUBERK_EARLY_SHAPES) else { return nil }
        numbers[form] = shape
        shapes.append(
          hauberk_early_shape(
            source_high: source.high, source_low: source.low, high: destination.high, low: destination.low,
            first: UInt32(number), is_ipv6: source.isIPv6 ? 1 : 0))
      }
      let from = line.source.masked.address.halves, to = line.destination.masked.address.halves
      var entry = line.fields
      (entry.source_high, entry.source_low, entry.high, entry.low) = (from.high, from.low, to.high, to.low)
      entry.line = UInt32(number)
      entry.shape = UInt8(shape + 1)
      laid.append(entry)
    }
    guard let found = Self.buckets(laid) else { return nil }
    (buckets, salt) = found
  }

  /// A bucket for each line, or more: then nearly every salt does.
  private static func buckets(_ lines: [hauberk_early_selector]) -> ([[hauberk_early_selector]], salt: UInt64)? {
    var count = 64
    while count < lines.count { count *= 2 }
    for salt in UInt64(0)..<16 {
      var buckets = [[hauberk_early_selector]](repeating: [], count: count)
      let fits = lines.allSatisfy { line in
        let place = hauberk_early_selector_place(
          line.source_high, line.source_low, line.high, line.low, UInt32(line.shape) - 1, salt)
        let bucket = Int(place) & (count - 1)
        // Behind one that asks for addresses alone none with the same is ever reached: so are tunnels during a rekey.
        if buckets[bucket].contains(where: { $0.names == 0 && hasSamePrefixes($0, line) }) { return true }
        buckets[bucket].append(line)
        return buckets[bucket].count <= Int(HAUBERK_EARLY_SELECTORS)
      }
      if fits { return (buckets, salt) }
    }
    return nil
  }

  private static func hasSamePrefixes(_ one: hauberk_early_selector, _ other: hauberk_early_selector) -> Bool {
    one.shape == other.shape && one.source_high == other.source_high && one.source_low == other.source_low
      && one.high == other.high && one.low == other.low
  }

  /// Which bits of an address a prefix looks at.
  private static func mask(_ prefix: IPPrefix) -> (high: UInt64, low: UInt64, isIPv6: Bool) {
    let all: IPAddress =
      prefix.address.isIPv6 ? .v6(IPv6Address(high: .max, low: .max)) : .v4(IPv4Address(.max))
    return (IPPrefix(all, length: prefix.length) ?? prefix).masked.address.halves
  }

  // MARK: - As the kernel reads them

  /// False where there is no room for them.
  func write(to memory: hauberk_early, _ half: Int) -> Bool {
    guard memory.asks_policy, let shapes = memory.shapes, let selectors = memory.selectors,
      buckets.count <= Int(memory.selector_buckets)
    else { return false }
    let most = Int(HAUBERK_EARLY_SHAPES)
    for place in 0..<most {
      shapes[half * most + place] =
        place < self.shapes.count
        ? self.shapes[place]
        : hauberk_early_shape(
          source_high: 0, source_low: 0, high: 0, low: 0, first: .max, is_ipv6: 0)
    }
    for (place, bucket) in buckets.enumerated() {
      withUnsafeMutableBytes(of: &selectors[half * Int(memory.selector_buckets) + place].entries) { bytes in
        let entries = bytes.bindMemory(to: hauberk_early_selector.self)
        for entry in entries.indices {
          entries[entry] = entry < bucket.count ? bucket[entry] : hauberk_early_selector()
        }
      }
    }
    return true
  }
}
