import Contract
import CCrypto
@testable import Dataplane
import PacketMaking
import Testing

/// The engines that this machine can run.
let engines = CryptoEngine.Kind.allCases.filter(\.isHere)

func octets(_ hex: String) -> [UInt8] {
  let digits = hex.utf8.filter { $0 != 0x20 && $0 != 0x0a }
  return stride(from: 0, to: digits.count - 1, by: 2).map { at in
    UInt8(String(decoding: digits[at...at + 1], as: UTF8.self), radix: 16)!
  }
}

struct Sealed: Equatable {
  var text: [UInt8]
  var tag: [UInt8]
}

/// An engine with one lane in use, for as long as a test runs.
final class CipherBench {
  let engine: CryptoEngine
  let lane: CryptoLane

  init(_ kind: CryptoEngine.Kind, lane number: Int = 0) throws {
    engine = try CryptoEngine(forced: kind, lanes: number + 1)
    lane = try engine.lane(number)
  }

  deinit { lane.destroy() }

  func key(_ suite: CipherSuite, _ use: CipherKey.Use, _ material: [UInt8]) throws -> CipherKey {
    try material.withUnsafeBytes { bytes in try engine.key(suite, use, material: bytes) }
  }

  func withKey<Result>(
    _ suite: CipherSuite, _ use: CipherKey.Use, _ material: [UInt8], _ body: (CipherKey) -> Result
  ) throws -> Result {
    let key = try key(suite, use, material)
    defer { key.destroy() }
    return body(key)
  }

  /// One call, in a block of memory whose other octets have to stay as they are. nil when it is refused;
  /// `left` is then what lies where the payload was. A burst of the same, over and over, has to
  /// say the same each time.
  func pass(
    _ use: CipherKey.Use, _ key: CipherKey, nonce: [UInt8], aad: [UInt8], _ sealed: Sealed, suffix: [UInt8]? = nil,
    left: inout [UInt8]
  ) -> Sealed? {
    let guardOctets = [UInt8](repeating: 0xa5, count: 64)
    var block = guardOctets + sealed.text + guardOctets + sealed.tag + guardOctets
    let textAt = 64
    let tagAt = textAt + sealed.text.count + 64
    var slot = nonce + [UInt8](repeating: 0x5a, count: 16 - nonce.count)
    // An empty array has no address, and the calls want one.
    let head = aad + [0]
    let succeeded = block.withUnsafeMutableBytes { memory in
      slot.withUnsafeMutableBytes { slot in
        head.withUnsafeBytes { head in
          (suffix ?? [0, 0, 0, 0]).withUnsafeBytes { tail in
            let text = CipherText(
              nonce: slot.baseAddress!, aad: head.baseAddress!, aadLength: aad.count,
              payload: memory.baseAddress! + textAt, length: sealed.text.count, tag: memory.baseAddress! + tagAt,
              suffix: suffix == nil ? nil : tail.baseAddress!)
            return use == .seal ? lane.seal(text, with: key) : lane.open(text, with: key)
          }
        }
      }
    }
    precondition(
      block[..<textAt].elementsEqual(guardOctets) && block[(tagAt - 64)..<tagAt].elementsEqual(guardOctets)
        && block[(tagAt + sealed.tag.count)...].elementsEqual(guardOctets), "written beside text and tag")
    left = Array(block[textAt..<textAt + sealed.text.count])
    let result = succeeded ? Sealed(text: left, tag: Array(block[tagAt..<tagAt + sealed.tag.count])) : nil
    #expect(passAsBurst(use, key, nonce: nonce, aad: aad, sealed, suffix: suffix) == result, "as a burst")
    return result
  }

  private func passAsBurst(
    _ use: CipherKey.Use, _ key: CipherKey, nonce: [UInt8], aad: [UInt8], _ sealed: Sealed, suffix: [UInt8]?
  ) -> Sealed? {
    // So many that ipsec-mb makes jobs of them.
    let count = 6
    let burst = BurstMemory(bytes: count * (aad.count + sealed.text.count + sealed.tag.count + 512), count: count)
    for _ in 0..<count { burst.add(key, nonce: nonce, aad: aad, sealed, suffix: suffix, .together) }
    burst.run(use, on: lane)
    #expect(burst.isUniform())
    return burst.isGood(0) ? burst[0] : nil
  }

  func seal(
    _ suite: CipherSuite, _ key: CipherKey, nonce: [UInt8], aad: [UInt8], _ text: [UInt8], suffix: [UInt8]? = nil
  ) -> Sealed? {
    var left: [UInt8] = []
    let empty = Sealed(text: text, tag: [UInt8](repeating: 0, count: suite.tagBytes))
    return pass(.seal, key, nonce: nonce, aad: aad, empty, suffix: suffix, left: &left)
  }

  func open(
    _ key: CipherKey, nonce: [UInt8], aad: [UInt8], _ sealed: Sealed, suffix: [UInt8]? = nil
  ) -> [UInt8]? {
    var left: [UInt8] = []
    return pass(.open, key, nonce: nonce, aad: aad, sealed, suffix: suffix, left: &left)?.text
  }
}

/// A packet out of a seed, for any suite.
struct RandomCase {
  let material, nonce, aad, text: [UInt8]
  let suffix: [UInt8]?

  init(_ suite: CipherSuite, length: Int, _ random: inout Seeded) {
    material = random.octets(suite.materialBytes)
    nonce = random.octets(suite.cipher == .aesCBC ? 16 : 12)
    aad = random.octets([8, 12, 16, 20, 24][random.below(5)])
    text = random.octets(length / suite.blockBytes * suite.blockBytes)
    suffix = suite.hasSuffix && random.chance(of: 2) ? random.octets(4) : nil
  }
}
