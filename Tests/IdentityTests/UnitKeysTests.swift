import Cluster
import ControlKit
import Foundation
import Testing
import Wire

@testable import Identity

/// Counts what costs.
private final class Counting: Verifying {
  var keys: UnitKeys
  var asked = 0

  init(_ keys: UnitKeys) { self.keys = keys }

  func isRight(_ signature: [UInt8], of octets: [UInt8], in envelope: Envelope) -> Bool {
    asked += 1
    return keys.isRight(signature, of: octets, in: envelope)
  }

  func hash(_ word: Watchword, times: Int) -> Watchword { keys.hash(word, times: times) }
}

@Suite("Units are believed by their keys, and keys by certificates")
struct UnitKeysTests {
  private let papers: Papers
  private let keys: Counting
  private var gate = Gate(cluster: 9, own: 0, introductions: Message.introductions)
  private static let join: UInt8 = 1
  private static let question: UInt8 = 8

  init() throws {
    papers = try Papers()
    keys = Counting(UnitKeys(try papers.authority(), introductions: Message.certificates, now: papers.now))
  }

  private func envelope(_ type: UInt8, from sender: UInt16, _ sequence: UInt64) -> Envelope {
    Envelope(type: type, sender: sender, cluster: 9, term: 1, incarnation: 7, sequence: sequence)
  }

  /// A request to join, as `unit` would sign it in the name of `sender`.
  private func request(
    _ unit: UnitIdentity, as sender: UInt16? = nil, showing certificate: [UInt8]? = nil, _ sequence: UInt64 = 1
  ) throws -> [UInt8] {
    var writer = OctetWriter()
    writer.put(UInt64(11))
    writer.put(UInt64(12))
    writer.put(certificate ?? unit.certificate)
    let envelope = envelope(Self.join, from: sender ?? UInt16(unit.description.number), sequence)
    return try #require(envelope.sealed(writer.octets, by: unit))
  }

  private func question(_ unit: UnitIdentity, as sender: UInt16, _ sequence: UInt64) throws -> [UInt8] {
    try #require(envelope(Self.question, from: sender, sequence).sealed([0, 0, 0, 0, 0, 0, 0, 1], by: unit))
  }

  /// As the shell does it: who has introduced himself is known from then on.
  @discardableResult
  private mutating func hear(_ octets: [UInt8]) throws -> Message? {
    guard let sealed = gate.judge(octets, by: keys, now: 0) else { return nil }
    let message = try #require(Message(sealed.payload, in: sealed.envelope))
    if case .joinRequest(let request) = message {
      #expect(try keys.keys.introduce(request.certificate, now: papers.now).get().number == sealed.envelope.sender)
      gate.know(sealed.envelope.sender)
    }
    return message
  }

  @Test("A stranger introduces himself, and is heard from then on")
  mutating func introduction() throws {
    let unit = try papers.unit(3)
    #expect(try hear(question(unit, as: 3, 1)) == nil)
    #expect(gate[.unknownSender] == 1)
    guard case .joinRequest(let request)? = try hear(request(unit, 2)) else {
      Issue.record("it was not heard")
      return
    }
    #expect(request.certificate == unit.certificate)
    #expect(try hear(question(unit, as: 3, 3)) == .question(stamp: 1))
    #expect(keys.keys[3] == unit.description && keys.keys.numbers == [3])
    #expect(keys.keys.certificate(of: 3) == unit.certificate)
    #expect(gate[.signature] == 0 && keys.keys.authority.looks == 1)
  }

  @Test("No message with one bit changed is believed, from strangers or from members")
  mutating func everyBit() throws {
    let unit = try papers.unit(3)
    let first = try request(unit)
    try hear(first)
    let message = try question(unit, as: 3, 2)
    for place in message.indices {
      var bad = message
      bad[place] ^= 1 << UInt8(place % 8)
      var gate = gate
      #expect(gate.judge(bad, by: keys, now: 0) == nil)
    }
    for place in first.indices {
      var bad = first
      bad[place] ^= 1 << UInt8(place % 8)
      var gate = Gate(cluster: 9, own: 0, introductions: Message.introductions)
      #expect(gate.judge(bad, by: keys, now: 0) == nil)
    }
    #expect(gate.judge(message, by: keys, now: 0) != nil)
  }

  @Test("Nobody speaks for another: not with his own key, nor with the other's certificate")
  mutating func impostors() throws {
    let (victim, impostor) = (try papers.unit(3), try papers.unit(4))
    #expect(try hear(request(impostor, as: 3, 1)) == nil)
    #expect(try hear(request(impostor, as: 3, showing: victim.certificate, 2)) == nil)
    try hear(request(victim, 3))
    try hear(request(impostor, 4))
    #expect(try hear(question(impostor, as: 3, 5)) == nil)
    #expect(try hear(request(impostor, as: 3, showing: victim.certificate, 6)) == nil)
    #expect(try hear(request(impostor, as: 3, 7)) == nil)
    // Numbers that no unit has.
    for sender in [64, 259, 0xfffe] as [UInt16] { #expect(try hear(request(impostor, as: sender, 8)) == nil) }
    #expect(gate[.signature] == 8 && keys.keys[3] == victim.description)
    #expect(try hear(question(victim, as: 3, 9)) != nil)
  }

  @Test("A renewed certificate takes the place of the one before it, and the one before it does not come back")
  mutating func renewal() throws {
    let old = try papers.unit(3)
    try hear(request(old, 1))
    let new = try papers.unit(3, at: papers.now + 10)
    #expect(try hear(question(new, as: 3, 2)) == nil)
    try hear(request(new, 3))
    #expect(keys.keys[3] == new.description)
    #expect(try hear(question(old, as: 3, 4)) == nil)
    #expect(try hear(question(new, as: 3, 5)) != nil)
    #expect(try hear(request(old, 6)) == nil)
    #expect(keys.keys.introduce(old.certificate, now: papers.now).refusal == .older)
    #expect(keys.keys[3] == new.description)
    keys.keys.forget(3)
    #expect(try hear(request(old, 7)) != nil)
  }

  @Test("What is taken back does not count from the next reload on, for members and strangers")
  mutating func revocation() throws {
    let (one, two) = (try papers.unit(1), try papers.unit(2))
    try hear(request(one, 1))
    try hear(request(two, 1))
    try papers.revoke([one.description.serial])
    #expect(try hear(question(one, as: 1, 2)) != nil)
    let lost = try keys.keys.reload(now: papers.now)
    #expect(lost.map(\.number) == [1] && lost.map(\.refusal.kind) == [.revoked])
    #expect(keys.keys.numbers == [2])
    for loss in lost { gate.forget(UInt16(loss.number)) }
    #expect(try hear(question(one, as: 1, 3)) == nil)
    #expect(try hear(request(one, 4)) == nil)
    #expect(keys.keys.introduce(one.certificate, now: papers.now).refusal == .revoked)
    #expect(keys.keys.refusal(try request(one, 5))?.kind == .revoked)
    #expect(keys.keys.refusal(try request(two, 5)) == nil && keys.keys.refusal([]) == nil)
    #expect(try hear(question(two, as: 2, 2)) != nil)
    // With another certificate the unit is welcome.
    #expect(try hear(request(try papers.unit(1), 5)) != nil)
  }

  @Test("Whose certificate expires is heard no more")
  mutating func expiry() throws {
    let (one, two) = (try papers.unit(1, days: 1), try papers.unit(2, days: 2))
    try hear(request(one, 1))
    try hear(request(two, 1))
    #expect(keys.keys.advance(to: one.description.notAfter) == [])
    #expect(try hear(question(one, as: 1, 2)) != nil)
    let lost = keys.keys.advance(to: one.description.notAfter + 1)
    #expect(lost.map(\.number) == [1] && lost.map(\.refusal.kind) == [.expired])
    #expect(try hear(question(one, as: 1, 3)) == nil)
    #expect(try hear(question(two, as: 2, 3)) != nil)
  }

  @Test("A flood of one certificate costs one look at it, and signatures as the gate allows")
  func flood() throws {
    let unit = try papers.unit(3)
    var gate = Gate(
      cluster: 9, own: 0, introductions: Message.introductions, limits: Gate.Limits(strangers: Rate(20, burst: 20)))
    var good = try request(unit)
    good[good.count - 1] ^= 1
    let foreign = try request(try Papers().unit(3))
    for _ in 0..<1000 {
      #expect(gate.judge(good, by: keys, now: 0) == nil)
      #expect(gate.judge(foreign, by: keys, now: 0) == nil)
    }
    #expect(keys.asked == 20 && keys.keys.authority.looks == 2)
    #expect(gate[.rate] == 1980)
    // Without a gate, the looks are as few.
    for _ in 0..<1000 { _ = keys.keys.introduce(unit.certificate, now: papers.now) }
    #expect(keys.keys.authority.looks == 2)
  }

  @Test("Certificates that are made up push out no member's")
  func manyStrangers() throws {
    let unit = try papers.unit(3)
    #expect(keys.keys.introduce(unit.certificate, now: papers.now).refusal == nil)
    for number in 0..<2000 {
      let made = unit.certificate + [UInt8(number & 255), UInt8(number >> 8)]
      #expect(keys.keys.introduce(made, now: papers.now).refusal == .form)
    }
    #expect(keys.keys.authority.looks == 2001)
    #expect(keys.keys.introduce(unit.certificate, now: papers.now).refusal == nil)
    #expect(keys.keys.authority.looks == 2001)
  }

  @Test("What another thread has reloaded counts from the next look at the clock on, and costs this one nothing")
  func reloadElsewhere() throws {
    let (one, two) = (try papers.unit(1), try papers.unit(2))
    for unit in [one, two] { #expect(keys.keys.introduce(unit.certificate, now: papers.now).refusal == nil) }
    try papers.revoke([two.description.serial])
    let authority = keys.keys.authority
    let reloading = Thread { try? authority.reload() }
    reloading.start()
    while !reloading.isFinished { usleep(1000) }
    let looks = authority.looks
    #expect(keys.keys.advance(to: papers.now).map(\.number) == [2])
    #expect(keys.keys.numbers == [1] && authority.looks == looks)
    // Another authority: nobody whom the one before it made is known any more.
    let other = try Papers()
    for name in ["authority.pem", "revoked.pem"] {
      papers.write(name, String(decoding: try IdentityFile.octets(other.path(name)), as: UTF8.self))
    }
    try authority.reload()
    let lost = keys.keys.advance(to: papers.now)
    #expect(lost.map(\.number) == [1] && lost.map(\.refusal.kind) == [.stranger])
    #expect(keys.keys.introduce(try other.unit(1).certificate, now: papers.now).refusal == nil)
  }
}
