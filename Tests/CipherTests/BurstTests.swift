@testable import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// A packet of a suite, and what the reference makes of it.
private struct One {
  let suite: CipherSuite
  let packet: RandomCase
  let sealed: Sealed

  var what: String { "\(suite), \(packet.text.count) octets, suffix \(packet.suffix != nil)" }
  var blank: Sealed { Sealed(text: packet.text, tag: [UInt8](repeating: 0xa5, count: suite.tagBytes)) }
}

/// The keys of every suite on one engine.
private final class SuiteKeys {
  let bench: CipherBench
  private(set) var sealing: [CipherSuite: CipherKey] = [:]
  private(set) var opening: [CipherSuite: CipherKey] = [:]
  private static let materials: [CipherSuite: [UInt8]] = {
    var random = Seeded(seed: 0xca5e)
    return Dictionary(uniqueKeysWithValues: CipherSuite.allCases.map { ($0, random.octets($0.materialBytes)) })
  }()

  init(_ kind: CryptoEngine.Kind) throws {
    bench = try CipherBench(kind)
    for (suite, material) in Self.materials {
      sealing[suite] = try bench.key(suite, .seal, material)
      opening[suite] = try bench.key(suite, .open, material)
    }
  }

  deinit { for key in [sealing.values, opening.values].joined() { key.destroy() } }

  func known(_ suite: CipherSuite, length: Int, _ random: inout Seeded) throws -> One {
    let packet = RandomCase(suite, length: length, &random)
    let sealed = bench.seal(
      suite, sealing[suite]!, nonce: packet.nonce, aad: packet.aad, packet.text, suffix: packet.suffix)
    return One(suite: suite, packet: packet, sealed: try #require(sealed))
  }

  func burst(_ use: CipherKey.Use, _ all: [One], _ layout: BurstMemory.Layout) -> BurstMemory {
    let burst = BurstMemory(bytes: all.reduce(0) { $0 + $1.packet.text.count + 512 }, count: all.count)
    for one in all {
      burst.add(
        (use == .seal ? sealing : opening)[one.suite]!, nonce: one.packet.nonce, aad: one.packet.aad,
        use == .seal ? one.blank : one.sealed, suffix: one.packet.suffix, layout)
    }
    return burst
  }
}

@Suite("A burst is as many single calls") struct BurstTests {
  /// Short ones of every length, a usual and a jumbo one.
  static let lengths = Array(0...200) + [1420, 9000]

  /// Seals and opens the packets as bursts of `size`, and compares with what is known.
  private func check(_ all: [One], inBurstsOf size: Int, _ layout: BurstMemory.Layout, _ keys: SuiteKeys) {
    for start in stride(from: 0, to: all.count, by: size) {
      let some = Array(all[start..<min(start + size, all.count)])
      let (sealing, opening) = (keys.burst(.seal, some, layout), keys.burst(.open, some, layout))
      sealing.run(.seal, on: keys.bench.lane)
      opening.run(.open, on: keys.bench.lane)
      for (index, one) in some.enumerated() {
        #expect(sealing.isGood(index) && sealing[index] == one.sealed, "sealed: \(one.what), \(layout)")
        #expect(opening.isGood(index) && opening[index].text == one.packet.text, "opened: \(one.what), \(layout)")
      }
    }
  }

  @Test(arguments: CipherSuite.allCases, engines)
  func `one suite, every length, alone and by sixty-four`(_ suite: CipherSuite, _ engine: CryptoEngine.Kind) throws {
    let keys = try SuiteKeys(engine)
    // What OpenSSL makes of it, one call at a time, is what a burst has to give.
    let reference = try SuiteKeys(.openSSL)
    var random = Seeded(seed: 0xb57)
    let all = try stride(from: 0, to: Self.lengths.count, by: Effort.step(7)).map {
      try reference.known(suite, length: Self.lengths[$0], &random)
    }
    for layout in BurstMemory.Layout.allCases {
      check(all, inBurstsOf: 1, layout, keys)
      check(all, inBurstsOf: 64, layout, keys)
    }
  }

  @Test(arguments: engines, BurstMemory.Layout.allCases)
  func `all suites in one burst`(_ engine: CryptoEngine.Kind, _ layout: BurstMemory.Layout) throws {
    let keys = try SuiteKeys(engine)
    let reference = try SuiteKeys(.openSSL)
    var random = Seeded(seed: 0x313)
    let all = try (0..<64 * 20).map { _ in
      let suite = CipherSuite.allCases[random.below(CipherSuite.allCases.count)]
      return try reference.known(suite, length: Self.lengths[random.below(Self.lengths.count)], &random)
    }
    for size in [2, 3, 17, 63, 64] { check(all, inBurstsOf: size, layout, keys) }
  }

  @Test(arguments: CipherSuite.allCases, engines)
  func `longer than a job may be`(_ suite: CipherSuite, _ engine: CryptoEngine.Kind) throws {
    let keys = try SuiteKeys(engine)
    let reference = try SuiteKeys(.openSSL)
    var random = Seeded(seed: 0x10e6)
    let lengths = [65_440, 65_456, 65_472, 65_480, 65_484, 65_488, 65_500, 65_519, 65_536, 65_552, 100_000]
    let all = try stride(from: 0, to: lengths.count, by: Effort.step(5)).map {
      try reference.known(suite, length: lengths[$0], &random)
    }
    check(all, inBurstsOf: all.count, .together, keys)
  }
}

@Suite("Each packet of a burst is for itself") struct BurstRejectionTests {
  /// RFC 4106, 5: what is not authentic is given out neither as plaintext nor in part.
  private func isWithheld(_ left: Sealed, arrived: Sealed) -> Bool {
    left.text == arrived.text || left.text.allSatisfy { $0 == 0 }
  }

  @Test(arguments: engines, BurstMemory.Layout.allCases)
  func `one that was changed disturbs no other`(_ engine: CryptoEngine.Kind, _ layout: BurstMemory.Layout) throws {
    let keys = try SuiteKeys(engine)
    var random = Seeded(seed: 0xbad)
    let all = try (0..<64).map { number in
      try keys.known(CipherSuite.allCases[number % CipherSuite.allCases.count], length: 16 + number * 3, &random)
    }
    for victim in all.indices {
      for part in [BurstMemory.Part.aad, .text, .tag] {
        let burst = keys.burst(.open, all, layout)
        burst.flip(victim, part, bit: random.below(burst.bits(victim, part)))
        let arrived = burst[victim]
        burst.run(.open, on: keys.bench.lane)
        for (index, one) in all.enumerated() where index != victim {
          #expect(burst.isGood(index) && burst[index].text == one.packet.text, "\(one.what), beside \(victim)")
        }
        #expect(!burst.isGood(victim) && isWithheld(burst[victim], arrived: arrived), "\(all[victim].what): \(part)")
      }
    }
  }

  @Test(arguments: CipherSuite.allCases, engines)
  func `every bit counts, in the middle of good ones`(_ suite: CipherSuite, _ engine: CryptoEngine.Kind) throws {
    let keys = try SuiteKeys(engine)
    var random = Seeded(seed: 0xb175)
    for layout in BurstMemory.Layout.allCases {
      let known = try keys.known(suite, length: 48, &random)
      // With an HMAC, ESP has the IV inside the AAD.
      let parts = BurstMemory.Part.allCases.filter { $0 != .nonce || suite.cipher.isAEAD }
      let one = keys.burst(.open, [known], layout)
      var bits = parts.flatMap { part in (0..<one.bits(0, part)).map { (part, $0) } }
      while !bits.isEmpty {
        let some = bits.suffix(63)
        bits.removeLast(some.count)
        let good = random.below(some.count + 1)
        let burst = keys.burst(.open, [One](repeating: known, count: some.count + 1), layout)
        var bent = Array(0...some.count)
        bent.remove(at: good)
        for (index, (part, bit)) in zip(bent, some) { burst.flip(index, part, bit: bit) }
        let arrived = bent.map { burst[$0] }
        burst.run(.open, on: keys.bench.lane)
        #expect(burst.isGood(good) && burst[good].text == known.packet.text)
        for (at, (index, (part, bit))) in zip(bent, some).enumerated() {
          #expect(!burst.isGood(index) && isWithheld(burst[index], arrived: arrived[at]), "\(part), bit \(bit)")
        }
      }
    }
  }

  @Test(arguments: engines, BurstMemory.Layout.allCases)
  func `what does not fit is left as it was`(_ engine: CryptoEngine.Kind, _ layout: BurstMemory.Layout) throws {
    let keys = try SuiteKeys(engine)
    var random = Seeded(seed: 0xf17)
    for use in [CipherKey.Use.seal, .open] {
      let burst = BurstMemory(bytes: CipherSuite.allCases.count * 4 * 512, count: CipherSuite.allCases.count * 2)
      var fits: [(Bool, Sealed)] = []
      for suite in CipherSuite.allCases {
        let one = try keys.known(suite, length: 64, &random)
        let (right, wrong) = use == .seal ? (keys.sealing, keys.opening) : (keys.opening, keys.sealing)
        let packet = one.packet
        var text = use == .seal ? one.blank : one.sealed
        burst.add(right[suite]!, nonce: packet.nonce, aad: packet.aad, text, suffix: packet.suffix, layout)
        fits.append((true, text))
        // No suffix with an AEAD, no half blocks with CBC, and no key for the other direction.
        let suffix: [UInt8]? = suite.cipher.isAEAD ? [0, 0, 0, 1] : packet.suffix
        if suite.cipher == .aesCBC { text.text.removeLast() }
        let isWrong = !suite.cipher.isAEAD && suite.cipher != .aesCBC
        burst.add((isWrong ? wrong : right)[suite]!, nonce: packet.nonce, aad: packet.aad, text, suffix: suffix, layout)
        fits.append((false, text))
      }
      burst.run(use, on: keys.bench.lane)
      for (index, (isGood, before)) in fits.enumerated() {
        #expect(burst.isGood(index) == isGood, "\(CipherSuite.allCases[index / 2])")
        if !isGood { #expect(burst[index] == before, "\(CipherSuite.allCases[index / 2])") }
      }
    }
  }
}
