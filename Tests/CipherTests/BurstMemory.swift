import CCrypto
@testable import Dataplane
import Glibc
import PacketMaking

/// Packets of one burst, each in memory of its own between octets that nobody may touch:
///
///     | guard | AAD | payload | tag | guard |                    together
///     | guard | AAD | payload | guard | tag | guard |            with the tag apart
///     | guard | AAD | guard | payload | guard | tag | guard |    apart
final class BurstMemory {
  enum Layout: CaseIterable { case together, tagApart, apart }

  enum Part: CaseIterable { case nonce, aad, text, suffix, tag }

  private struct Place {
    let nonce, aad, text, suffix, tag: Range<Int>

    subscript(_ part: Part) -> Range<Int> {
      switch part {
      case .nonce: nonce
      case .aad: aad
      case .text: text
      case .suffix: suffix
      case .tag: tag
      }
    }
  }

  private static let gap = 64
  private static let filler: UInt8 = 0xa5
  private let memory: UnsafeMutableRawBufferPointer
  private let packets: UnsafeMutableBufferPointer<hauberk_packet>
  private var used = 0
  private var places: [Place] = []

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

  private func put(_ octets: [UInt8], gap: Bool) -> Range<Int> {
    let range = used..<used + octets.count
    used = range.upperBound + (gap ? Self.gap : 0)
    precondition(used <= memory.count, "too little memory for the burst")
    octets.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: memory[range]).copyMemory(from: $0) }
    return range
  }

  private func address(_ range: Range<Int>) -> UnsafeMutablePointer<UInt8> {
    (memory.baseAddress! + range.lowerBound).assumingMemoryBound(to: UInt8.self)
  }

  func add(
    _ key: CipherKey, nonce: [UInt8], aad: [UInt8], _ sealed: Sealed, suffix: [UInt8]?, _ layout: Layout
  ) {
    let slot = put(nonce + [UInt8](repeating: 0x5a, count: 16 - nonce.count), gap: true)
    let tail = suffix.map { put($0, gap: true) }
    let head = put(aad, gap: layout == .apart)
    let text = put(sealed.text, gap: layout != .together)
    let tag = put(sealed.tag, gap: true)
    packets.initializeElement(
      at: places.count,
      to: hauberk_packet(
        key: key.key, nonce: address(slot), aad: address(head), payload: address(text), tag: address(tag),
        suffix: tail.map { UnsafePointer(address($0)) }, aad_length: UInt32(aad.count),
        length: UInt32(sealed.text.count), is_good: 7, spare: 0))
    places.append(
      Place(nonce: slot.prefix(nonce.count), aad: head, text: text, suffix: tail ?? 0..<0, tag: tag))
  }

  func bits(_ index: Int, _ part: Part) -> Int { places[index][part].count * 8 }

  func flip(_ index: Int, _ part: Part, bit: Int) {
    memory[places[index][part].lowerBound + bit / 8] ^= 1 << UInt8(bit % 8)
  }

  /// What is written is the texts, and the tags when sealing, and nothing else.
  func run(_ use: CipherKey.Use, on lane: CryptoLane) {
    let expected = UnsafeMutableRawBufferPointer.allocate(byteCount: memory.count, alignment: 64)
    defer { expected.deallocate() }
    expected.copyMemory(from: UnsafeRawBufferPointer(memory))
    switch use {
    case .seal: lane.seal(packets.baseAddress!, count: places.count)
    case .open: lane.open(packets.baseAddress!, count: places.count)
    }
    for place in places {
      for part in use == .seal ? [Part.text, .tag] : [.text] {
        UnsafeMutableRawBufferPointer(rebasing: expected[place[part]])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[place[part]]))
      }
    }
    precondition(
      memcmp(expected.baseAddress!, memory.baseAddress!, memory.count) == 0, "written beside the texts and the tags")
  }

  func isGood(_ index: Int) -> Bool {
    precondition(packets[index].is_good < 2, "a packet without an answer")
    return packets[index].is_good == 1
  }

  /// Whether all packets of a burst of equals have the same answer.
  func isUniform() -> Bool {
    places.indices.dropFirst().allSatisfy { index in
      isGood(index) == isGood(0)
        && [Part.text, .tag].allSatisfy { part in
          let (one, other) = (places[0][part], places[index][part])
          return memcmp(address(one), address(other), one.count) == 0
        }
    }
  }

  subscript(_ index: Int) -> Sealed {
    Sealed(text: Array(memory[places[index][.text]]), tag: Array(memory[places[index][.tag]]))
  }
}
