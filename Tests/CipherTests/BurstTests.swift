import CCrypto
@testable import Contract
@testable import Dataplane
import PacketMaking
import Testing

/// Packets of one burst, each in memory of its own between octets that nobody may touch:
///
///     | guard | AAD | payload | tag | guard |     or, apart: | guard | AAD | guard | payload | guard | tag | guard |
final class BurstMemory {
  enum Layout: CaseIterable { case together, apart }

  struct Place {
    let key: CipherKey
    let aadAt, textAt, tagAt: Int
    let packet: RandomCase
    let tagBytes: Int
  }

  private static let gap = 64
  private static let filler: UInt8 = 0xa5
  private let memory: UnsafeMutableRawBufferPointer
  private let packets: UnsafeMutableBufferPointer<hauberk_packet>
  private var used = 0
  private(set) var places: [Place] = []

  init(bytes: Int, count: Int) {
    memory = .allocate(byteCount: bytes + Self.gap, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: Self.filler)
    packets = .allocate(capacity: count)
    used = Self.gap
  }

  deinit {
    memory.deallocate()
    packets.deallocate()
  }

  private func put(_ octets: [UInt8], gap: Bool) -> Int {
    let at = used
    memory[at..<at + octets.count].copyBytes(from: octets)
    used += octets.count + (gap ? Self.gap : 0)
    precondition(used <= memory.count, "too little memory for the burst")
    return at
  }

  private func address(_ at: Int) -> UnsafeMutablePointer<UInt8> {
    (memory.baseAddress! + at).assumingMemoryBound(to: UInt8.self)
  }

  func add(_ key: CipherKey, _ packet: RandomCase, _ sealed: Sealed, _ layout: Layout) {
    let nonce = put(packet.nonce + [UInt8](repeating: 0x5a, count: 16 - packet.nonce.count), gap: true)
    let suffix = packet.suffix.map { put($0, gap: true) }
    let aad = put(packet.aad, gap: layout == .apart)
    let text = put(sealed.text, gap: layout == .apart)
    let tag = put(sealed.tag, gap: true)
    packets.initializeElement(
      at: places.count,
      to: hauberk_packet(
        key: key.key, nonce: address(nonce), aad: address(aad), payload: address(text), tag: address(tag),
        suffix: suffix.map { UnsafePointer(address($0)) }, aad_length: UInt32(packet.aad.count),
        length: UInt32(sealed.text.count), is_good: 7, spare: 0))
    places.append(
      Place(key: key, aadAt: aad, textAt: text, tagAt: tag, packet: packet, tagBytes: sealed.tag.count))
  }

  /// Writes what may be written to the memory afterwards, and nothing else.
  func run(_ use: CipherKey.Use, on lane: CryptoLane) {
    let before = Array(memory)
    switch use {
    case .seal: lane.seal(packets.baseAddress!, count: places.count)
    case .open: lane.open(packets.baseAddress!, count: places.count)
    }
    var changed = Array(memory)
    for place in places {
      let text = place.textAt..<place.textAt + place.packet.text.count
      changed.replaceSubrange(text, with: before[text])
      if use == .seal {
        let tag = place.tagAt..<place.tagAt + place.tagBytes
        changed.replaceSubrange(tag, with: before[tag])
      }
    }
    precondition(changed == before, "written beside the texts and the tags")
  }

  func isGood(_ index: Int) -> Bool {
    precondition(packets[index].is_good < 2, "a packet without an answer")
    return packets[index].is_good == 1
  }

  func left(_ index: Int) -> Sealed {
    let place = places[index]
    return Sealed(
      text: Array(memory[place.textAt..<place.textAt + place.packet.text.count]),
      tag: Array(memory[place.tagAt..<place.tagAt + place.tagBytes]))
  }
}

/// The keys of every suite on one engine.
final class SuiteKeys {
  let bench: CipherBench
  private(set) var sealing: [CipherSuite: CipherKey] = [:]
  private(set) var opening: [CipherSuite: CipherKey] = [:]
  private static let materials: [CipherSuite: [UInt8]] = {
    var random = Seeded(seed: 0xca5e)
    return Dictionary(
      uniqueKeysWithValues: CipherSuite.allCases.map { ($0, random.octets($0.materialBytes)) })
  }()

  init(_ kind: CryptoEngine.Kind) throws {
    bench = try CipherBench(kind)
    for (suite, material) in Self.materials {
      sealing[suite] = try bench.key(suite, .seal, material)
      opening[suite] = try bench.key(suite, .open, material)
    }
  }

  deinit { for key in [sealing.values, opening.values].joined() { key.destroy() } }

  func seal(_ suite: CipherSuite, _ packet: RandomCase) -> Sealed? {
    bench.seal(
      suite, sealing[suite]!, nonce: packet.nonce, aad: packet.aad, packet.text, suffix: packet.suffix)
  }
}

@Suite("A burst is as many single calls") struct BurstTests {
  /// Short ones of every length, a usual and a jumbo one.
  static let lengths = Array(0...200) + [1420, 9000]

  private struct One {
    let suite: CipherSuite
    let packet: RandomCase
    let sealed: Sealed
  }

  /// Seals and opens the packets as bursts of `size`, and compares with what is known.
  private func check(
    _ all: [One], inBurstsOf size: Int, _ layout: BurstMemory.Layout, _ keys: SuiteKeys
  ) {
    for start in stride(from: 0, to: all.count, by: size) {
      let some = Array(all[start..<min(start + size, all.count)])
      let bytes = some.reduce(0) { $0 + $1.packet.text.count + 512 }
      let (sealing, opening) = (BurstMemory(bytes: bytes, count: size), BurstMemory(bytes: bytes, count: size))
      for one in some {
        let blank = Sealed(text: one.packet.text, tag: [UInt8](repeating: 0xa5, count: one.suite.tagBytes))
        sealing.add(keys.sealing[one.suite]!, one.packet, blank, layout)
        opening.add(keys.opening[one.suite]!, one.packet, one.sealed, layout)
      }
      sealing.run(.seal, on: keys.bench.lane)
      opening.run(.open, on: keys.bench.lane)
      for (index, one) in some.enumerated() {
        let what = "\(one.suite), \(one.packet.text.count) octets, suffix \(one.packet.suffix != nil), \(layout)"
        #expect(sealing.isGood(index) && sealing.left(index) == one.sealed, "sealed: \(what)")
        #expect(opening.isGood(index) && opening.left(index).text == one.packet.text, "opened: \(what)")
        #expect(opening.left(index).tag == one.sealed.tag, "the tag is as it came: \(what)")
      }
    }
  }

  @Test(arguments: CipherSuite.allCases, engines)
  func `one suite, every length, alone and by sixty-four`(_ suite: CipherSuite, _ engine: CryptoEngine.Kind) throws {
    let keys = try SuiteKeys(engine)
    // What the other engine makes of it, one call at a time, is what a burst has to give.
    let reference = try SuiteKeys(.openSSL)
    var random = Seeded(seed: 0xb57)
    let all = try Self.lengths.map { length in
      let packet = RandomCase(suite, length: length, &random)
      return One(suite: suite, packet: packet, sealed: try #require(reference.seal(suite, packet)))
    }
    for one in all { #expect(keys.seal(suite, one.packet) == one.sealed) }
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
    let all = try (0..<64 * 40).map { _ in
      let suite = CipherSuite.allCases[random.below(CipherSuite.allCases.count)]
      let packet = RandomCase(suite, length: Self.lengths[random.below(Self.lengths.count)], &random)
      return One(suite: suite, packet: packet, sealed: try #require(reference.seal(suite, packet)))
    }
    for size in [2, 3, 17, 63, 64] { check(all, inBurstsOf: size, layout, keys) }
  }
}
