import Contract
import CBaseline
@testable import Dataplane
import PacketMaking
import Testing

/// The C path that benchmarks compare with. It has to speak ESP like everybody else, or the comparison is worth nothing.
@Suite(.enabled(if: baseline_esp_is_here() != 0, "the baseline needs intel-ipsec-mb"))
struct BaselineTests {
  private let sa: UInt32 = 5

  @Test func `the baseline opens what it seals, and nothing that was changed or seen`() {
    #expect(baseline_esp_check() == 0, "a line of esp_check.c")
  }

  @Test(arguments: [28, 64, 65, 66, 67, 594, 1420] as [UInt32])
  func `OpenSSL opens what the baseline seals, and the baseline what OpenSSL seals`(_ length: UInt32) throws {
    let here = try #require(baseline_esp_create(16, 0, 0)), there = try #require(baseline_esp_create(16, 0, 1))
    defer {
      baseline_esp_destroy(here)
      baseline_esp_destroy(there)
    }
    let room = 256 + Int(length)
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
    memory.initialize(repeating: 0, count: room)
    defer { memory.deallocate() }
    var frame = baseline_frame()
    var verdict: UInt8 = 0
    baseline_esp_fill(here, &frame, memory + 128, length, sa, 1)
    let plain = octets(of: frame)
    #expect(baseline_esp_seal(here, &frame, 1, &verdict) == 1)

    // Ethernet 14, IPv4 20, SPI and sequence number 8, IV 8; the text; 16 of tag.
    let sealed = octets(of: frame)
    let firstAAD: [UInt8] = [0, 0, 0x10, UInt8(sa), 0, 0, 0, 1]
    #expect(Array(sealed[34..<42]) == firstAAD)
    var secret = [UInt8](repeating: 0, count: Int(BASELINE_ESP_SECRET))
    baseline_esp_secret(here, sa, 1, &secret)
    let nonce = Array(secret[16...] + sealed[42..<50])
    let bench = try CipherBench(.openSSL), suite = try CipherSuite(.aesGCM, keyBits: 128)
    let tail = sealed.count - 16
    let opened = try bench.withKey(suite, .open, secret) { key in
      bench.open(
        key, nonce: nonce, aad: firstAAD,
        Sealed(text: Array(sealed[50..<tail]), tag: Array(sealed[tail...])))
    }
    let text = try #require(opened)
    let padding = Int(3 - (length + 1) % 4)
    let pads: [UInt8] = Array(([1, 2, 3] as [UInt8]).prefix(padding))
    let trailer: [UInt8] = pads + [UInt8(padding), 4]
    let expected: [UInt8] = plain[14...] + trailer
    #expect(text == expected)

    // The same text under the next number and another IV.
    let aad: [UInt8] = [0, 0, 0x10, UInt8(sa), 0, 0, 0, 2], iv: [UInt8] = [9, 8, 7, 6, 5, 4, 3, 2]
    let again = try #require(
      try bench.withKey(suite, .seal, secret) { key in
        bench.seal(suite, key, nonce: Array(secret[16...]) + iv, aad: aad, text)
      })
    for (index, octet) in (aad + iv + again.text + again.tag).enumerated() { frame.data[34 + index] = octet }
    #expect(baseline_esp_open(there, &frame, 1, &verdict) == 1)
    #expect(octets(of: frame) == plain)
  }

  private func octets(of frame: baseline_frame) -> [UInt8] {
    Array(UnsafeBufferPointer(start: frame.data, count: Int(frame.length)))
  }
}
