import Testing

@testable import ControlKit

@Suite("A gate believes what is signed and new, and asks the cheap questions first")
struct GateTests {
  private static let cluster: UInt64 = 0xc105_7e12
  private let stamp = Stamp()

  private func gate(_ limits: Gate.Limits = Gate.Limits()) -> Gate {
    var gate = Gate(cluster: Self.cluster, own: 1, introductions: [9], limits: limits)
    gate.know(2)
    return gate
  }

  private func envelope(
    _ sequence: UInt64, type: UInt8 = 3, from sender: UInt16 = 2, to recipient: UInt16 = 1,
    cluster: UInt64 = GateTests.cluster, incarnation: UInt64 = 7
  ) -> Envelope {
    Envelope(
      type: type, sender: sender, recipient: recipient, cluster: cluster, term: 5, incarnation: incarnation,
      sequence: sequence)
  }

  private func sealed(_ envelope: Envelope, _ payload: [UInt8] = [1, 2, 3]) -> [UInt8] {
    envelope.sealed(payload, by: stamp)!
  }

  @Test("What was sealed comes out as it went in")
  func roundTrip() throws {
    var gate = gate()
    let judged = gate.judge(sealed(envelope(1), [9, 8, 7]), by: stamp, now: 0)
    let message = try #require(judged)
    #expect(message.envelope == envelope(1))
    #expect(message.payload == [9, 8, 7])
    #expect(gate.passed == 1)
  }

  @Test("Each refusal has its reason, and none of the cheap ones asks for a signature")
  func reasons() {
    var gate = gate()
    let good = sealed(envelope(1))
    var otherVersion = good
    otherVersion[0] = Envelope.version + 1
    var otherLength = good
    otherLength[3] += 1
    let cheap: [(Refusal, [UInt8])] = [
      (.length, []), (.length, Array(good.dropLast())), (.length, otherLength),
      (.length, [UInt8](repeating: 1, count: Envelope.mostOctets + 1)), (.version, otherVersion),
      (.cluster, sealed(envelope(1, cluster: 4))), (.notForUs, sealed(envelope(1, to: 3))),
      (.notForUs, sealed(envelope(1, from: 1, to: Envelope.everyone))), (.unknownSender, sealed(envelope(1, from: 4))),
      (.replay, sealed(envelope(0))), (.replay, sealed(envelope(.max))),
    ]
    for (refusal, octets) in cheap {
      let before = gate[refusal]
      #expect(gate.judge(octets, by: stamp, now: 0) == nil)
      #expect(gate[refusal] == before + 1, "\(refusal)")
    }
    #expect(stamp.asked == 0)
    #expect(gate.judge(good, by: stamp, now: 0) != nil)
    #expect(stamp.asked == 1)
  }

  @Test("Every octet counts: no message with one bit changed is believed")
  func everyBit() {
    let good = sealed(envelope(1))
    for place in good.indices {
      for bit in 0..<8 {
        var gate = gate()
        var bad = good
        bad[place] ^= 1 << UInt8(bit)
        #expect(gate.judge(bad, by: stamp, now: 0) == nil)
      }
    }
  }

  @Test("A message is believed once, out of order or not")
  func replay() {
    var gate = gate()
    for sequence in [5, 3, 4, 900, 899] as [UInt64] {
      #expect(gate.judge(sealed(envelope(sequence)), by: stamp, now: 0) != nil)
    }
    for sequence in [5, 3, 4, 900, 899] as [UInt64] {
      #expect(gate.judge(sealed(envelope(sequence)), by: stamp, now: 0) == nil)
    }
    #expect(gate[.replay] == 5)
  }

  @Test("A later life begins anew, and the one before it is over")
  func incarnation() {
    var gate = gate()
    #expect(gate.judge(sealed(envelope(50)), by: stamp, now: 0) != nil)
    #expect(gate.judge(sealed(envelope(1, incarnation: 8)), by: stamp, now: 0) != nil)
    #expect(gate.judge(sealed(envelope(51)), by: stamp, now: 0) == nil)
    #expect(gate[.replay] == 1)
  }

  @Test("What is forged moves no window and begins no life")
  func forged() {
    var gate = gate()
    let forger = Stamp(salt: 2)
    #expect(gate.judge(envelope(1000).sealed([], by: forger)!, by: stamp, now: 0) == nil)
    #expect(gate.judge(envelope(1, incarnation: 99).sealed([], by: forger)!, by: stamp, now: 0) == nil)
    #expect(gate[.signature] == 2)
    #expect(gate.judge(sealed(envelope(1)), by: stamp, now: 0) != nil)
  }

  @Test("Who floods is asked for few signatures, and the others have theirs")
  func flood() {
    var gate = gate(Gate.Limits(unproven: Rate(10, burst: 5), strangers: Rate(1, burst: 2)))
    gate.know(3)
    let forger = Stamp(salt: 2)
    for sequence in 1...1000 as ClosedRange<UInt64> {
      _ = gate.judge(envelope(sequence).sealed([], by: forger)!, by: stamp, now: 0)
      _ = gate.judge(envelope(sequence, type: 9, from: 77).sealed([], by: forger)!, by: stamp, now: 0)
    }
    #expect(stamp.asked == 7)
    #expect(gate[.rate] == 1993)
    #expect(gate.judge(sealed(envelope(1, from: 3)), by: stamp, now: 0) != nil)
  }

  @Test("An unknown unit may introduce itself, and nothing else")
  func introduction() {
    var gate = gate()
    #expect(gate.judge(sealed(envelope(1, type: 9, from: 4)), by: stamp, now: 0) != nil)
    #expect(gate.judge(sealed(envelope(2, type: 3, from: 4)), by: stamp, now: 0) == nil)
    gate.know(4)
    #expect(gate.judge(sealed(envelope(2, type: 3, from: 4)), by: stamp, now: 0) != nil)
    gate.forget(4)
    #expect(gate.judge(sealed(envelope(3, type: 3, from: 4)), by: stamp, now: 0) == nil)
    #expect(gate[.unknownSender] == 2)
  }

  @Test("The same with Ed25519")
  func ed25519() {
    var gate = gate()
    let octets = envelope(1).sealed([4, 5], by: Ed25519())!
    var bad = octets
    bad[Envelope.headerOctets + 1] ^= 1
    #expect(gate.judge(bad, by: Ed25519(), now: 0) == nil)
    #expect(gate[.signature] == 1)
    #expect(gate.judge(octets, by: Ed25519(), now: 0)?.payload == [4, 5])
  }

  @Test("What is too long is not sealed")
  func tooLong() {
    #expect(envelope(1).sealed([UInt8](repeating: 0, count: Envelope.mostPayloadOctets), by: stamp) != nil)
    #expect(envelope(1).sealed([UInt8](repeating: 0, count: Envelope.mostPayloadOctets + 1), by: stamp) == nil)
  }
}

@Suite("The window knows what it has seen")
struct ReplayWindowTests {
  @Test("As a list of everything would", arguments: [1, 2, 3, 4] as [UInt64])
  func model(_ seed: UInt64) {
    var jitter = Jitter(seed: seed)
    var window = ReplayWindow()
    var seen: Set<UInt64> = []
    var greatest: UInt64 = 0
    for _ in 0..<4000 {
      let step: UInt64 = jitter.happens(20_000) ? 3000 : 40
      let low = greatest > 1100 ? greatest - 1100 : 1
      let number = jitter.between(low, greatest + step)
      let isNew = number > 0 && (number > greatest || greatest - number < ReplayWindow.width) && !seen.contains(number)
      #expect(window.isNew(number) == isNew)
      guard isNew else { continue }
      window.note(number)
      seen.insert(number)
      greatest = max(greatest, number)
    }
  }
}
