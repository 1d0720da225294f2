import Contract
import CCrypto
@testable import Dataplane
import Foundation
import PacketMaking
import Testing

/// The keys' memory, looked at from outside. One test at a time: others would move in and out.
@Suite("Keys live in memory of their own", .serialized) struct KeyMemoryTests {
  /// How often the octets occur in key memory. There are many megabytes, most of them 0: the C library looks for the first
  /// octet that is not.
  private func occurrences(of secret: [UInt8]) -> Int {
    let memory = hauberk_key_memory_now()
    let skipped = secret.prefix { $0 == 0 }.count
    var place = UnsafeRawPointer(memory.base!) + skipped
    let end = place + memory.bytes - secret.count + 1
    var count = 0
    while place < end, let found = memchr(place, Int32(secret[skipped]), end - place) {
      if memcmp(found - skipped, secret, secret.count) == 0 { count += 1 }
      place = UnsafeRawPointer(found) + 1
    }
    return count
  }

  @Test(arguments: CipherSuite.allCases.filter { $0.keyBits > 0 }, engines)
  func `a key is there while it lives, and wiped when it is destroyed`(
    _ suite: CipherSuite, _ engine: CryptoEngine.Kind
  ) throws {
    let bench = try CipherBench(engine)
    var random = Seeded(seed: 0x5ec4e7)
    let material = random.octets(suite.materialBytes)
    let secret = Array(material.prefix(16))
    let key = try bench.key(suite, .seal, material)
    try #require(hauberk_key_memory_now().holds_openssl)
    #expect(occurrences(of: secret) >= 1)
    key.destroy()
    #expect(occurrences(of: secret) == 0)
  }

  @Test func `it is locked and not dumped`() throws {
    _ = try CipherBench(.openSSL)
    let memory = hauberk_key_memory_now()
    let start = UInt(bitPattern: memory.base)
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps"))
    let maps = String(decoding: try #require(try file.readToEnd()), as: UTF8.self).split(separator: "\n")
    let header = try #require(
      maps.firstIndex { line in
        let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
        return ends.count == 2 && ends[0] <= start && start < ends[1]
      })
    let flags = try #require(maps[header...].first { $0.hasPrefix("VmFlags:") }).split(separator: " ")
    #expect(flags.contains("dd"), "left out of dumps")
    if memory.unlocked == 0 { #expect(flags.contains("lo"), "locked") }
  }

  @Test func `nothing printed about a key is the key`() throws {
    let bench = try CipherBench(engines.last!)
    let suite = try CipherSuite(.aesGCM, keyBits: 128)
    let key = try bench.key(suite, .seal, [UInt8](repeating: 0xee, count: 20))
    defer { key.destroy() }
    var shown = "\(key) \(bench.lane) \(bench.engine)"
    dump(key, to: &shown)
    #expect(!shown.contains("eeee") && !shown.contains("238, 238"))
  }

  @Test func `ten thousand keys come and go without growth`() throws {
    let bench = try CipherBench(engines.last!)
    let suite = try CipherSuite(.aesGCM, keyBits: 256)
    var random = Seeded(seed: 10)
    func round() throws {
      let keys = try (0..<1000).map { _ in try bench.key(suite, .seal, random.octets(suite.materialBytes)) }
      for key in keys { key.destroy() }
    }
    try round()
    let before = hauberk_key_memory_now().bytes
    for _ in 0..<9 { try round() }
    // Other tests use the same memory meanwhile: a leak would be megabytes.
    #expect(hauberk_key_memory_now().bytes <= before + 2 << 20)
  }

  @Test func `the salt is what the nonce begins with`() throws {
    let bench = try CipherBench(engines.last!)
    let suite = try CipherSuite(.aesGCM, keyBits: 128)
    try bench.withKey(suite, .seal, [UInt8](repeating: 1, count: 16) + [0xca, 0xfe, 0xba, 0xbe]) { key in
      #expect(withUnsafeBytes(of: key.salt) { Array($0) } == [0xca, 0xfe, 0xba, 0xbe])
    }
  }
}
