import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("Messages are octets and come back as they were")
struct MessageTests {
  private static func table(_ seed: UInt64) -> OwnershipTable {
    var jitter = Jitter(seed: seed)
    var table = OwnershipTable(term: 0x501, version: 9)
    for set in 0..<1024 {
      switch jitter.between(0, 3) {
      case 0: continue
      case 1: table[set] = .init(state: .pending, member: UInt8(jitter.between(0, 64)))
      default: table[set] = .init(state: .assigned, member: UInt8(jitter.between(0, 64)))
      }
    }
    return table
  }

  private static let entries = (0..<63).map {
    MasterKeepalive.Entry(unit: $0, incarnation: .max - UInt64($0), echo: UInt64($0) << 40, sets: UInt16($0) * 16)
  }

  static let all: [Message] = [
    .joinRequest(JoinRequest(stamp: 77, configuration: 8, certificate: [1, 2, 3])),
    .joinRequest(JoinRequest(stamp: .max, configuration: 0, certificate: [UInt8](repeating: 9, count: 1024))),
    .joinAnswer(JoinAnswer(echo: 5, verdict: .welcome(roster: 6, table: 0))),
    .joinAnswer(JoinAnswer(echo: 5, verdict: .inProgress)),
    .joinAnswer(JoinAnswer(echo: 5, verdict: .refused("no room for «this» unit"))),
    .offer, .otherMaster(live: 3, stamp: 4, echo: 5), .question(stamp: 1), .answer(echo: 2), .exit(echo: 3),
    .leave(stamp: 4), .succeed, .table(table(1)), .partTaken(number: 9, term: 5, place: 6),
    .part(ConsignmentPart(number: 7, term: 5, version: 6, place: 0, count: 2, octets: [8, 9])),
    .part(
      ConsignmentPart(
        number: .max, term: 5, version: 6, place: 2047, count: 2048,
        octets: [UInt8](repeating: 3, count: Consignment.partOctets))),
    .giving(WorkSetBitmap([0, 63, 1023]), version: 8), .holding(.all, version: .max),
    .masterKeepalive(
      MasterKeepalive(
        number: 1, stamp: 2, n: 3, live: 4, roster: 5, deputy: 6, tableVersion: 7, members: entries)),
    .masterKeepalive(
      MasterKeepalive(number: 1, stamp: 2, n: 20, live: 1, roster: 5, deputy: nil, tableVersion: 7, members: [])),
    .keepalive(
      Keepalive(
        number: 1, stamp: 2, roster: 3, tableTerm: 4, tableVersion: 5, loss: 6, isDraining: true,
        running: WorkSetBitmap([0, 63, 64, 1023]))),
    .load(load),
  ]

  private static let load: LoadReport = {
    var report = LoadReport()
    for set in 1..<1024 { report[set] = set * set * 40 }
    report.packetsPerSecond = .max
    return report
  }()

  private func envelope(_ message: Message) -> Envelope {
    Envelope(type: message.type, sender: 1, cluster: 2, term: 0x501, incarnation: 3, sequence: 4)
  }

  @Test("Each kind", arguments: all.indices)
  func roundTrip(_ place: Int) {
    let message = Self.all[place]
    let read = Message(message.octets, in: envelope(message))
    #expect((read == message) == true)
    #expect(message.octets.count <= Envelope.mostPayloadOctets)
  }

  @Test("What a former life has asked is of no moment for a later one, though their clocks show the same")
  func marks() throws {
    let asked: Moment = 60 * .second
    for life in [1, 2, 1_700_000_000] as [UInt64] {
      guard case .question(let stamp) = Message.question(stamp: asked).marked(by: life) else { return }
      // What is later stays so.
      #expect(Message.question(stamp: asked + 1).marked(by: life) == .question(stamp: stamp + 1))
      let entry = MasterKeepalive.Entry(unit: 5, incarnation: life, echo: stamp, sets: 0)
      let answers: [Message] = [
        .answer(echo: stamp), .exit(echo: stamp), .otherMaster(live: 1, stamp: 3, echo: stamp),
        .joinAnswer(JoinAnswer(echo: stamp, verdict: .inProgress)),
        .masterKeepalive(
          MasterKeepalive(number: 1, stamp: 2, n: 3, live: 4, roster: 5, tableVersion: 7, members: [entry])),
      ]
      for answer in answers {
        #expect(echo(answer.read(by: 5, life), of: 5) == asked)
        let other = try #require(echo(answer.read(by: 5, life + 1), of: 5))
        #expect(other > asked + .second * (1 << 20) || other < asked - .second)
      }
    }
    // Who answers nothing answers nobody's.
    #expect(Message.exit(echo: 0).read(by: 5, 9) == .exit(echo: 0))
  }

  private func echo(_ message: Message, of unit: MemberNumber) -> Moment? {
    switch message {
    case .answer(let echo), .exit(let echo), .otherMaster(_, _, let echo): echo
    case .joinAnswer(let answer): answer.echo
    case .masterKeepalive(let keepalive): keepalive.members.first { $0.unit == unit }?.echo
    default: nil
    }
  }

  @Test("Every kind has a test and a type of its own")
  func types() {
    #expect(Set(Self.all.map(\.type)) == Set(1...17))
  }

  @Test("Cut short anywhere it is no message, or another that is shorter", arguments: all.indices)
  func cut(_ place: Int) {
    let message = Self.all[place]
    let octets = message.octets
    for count in 0..<octets.count {
      let read = Message(Array(octets.prefix(count)), in: envelope(message))
      #expect((read != message) == true)
    }
  }

  @Test("Something behind its end makes it none")
  func longer() {
    for message in Self.all {
      switch message {
      case .joinRequest, .part: continue
      case .joinAnswer(let answer)
      where answer.verdict != .inProgress && answer.verdict != .welcome(roster: 6, table: 0):
        continue
      default: break
      }
      let isRefused = Message(message.octets + [0], in: envelope(message)) == nil
      #expect(isRefused, "type \(message.type)")
    }
  }

  @Test("Noise is no message, or one that says the same again", arguments: [1, 2, 3, 4] as [UInt64])
  func noise(_ seed: UInt64) {
    var jitter = Jitter(seed: seed)
    for _ in 0..<2000 {
      var octets = Self.all[Int(jitter.between(0, UInt64(Self.all.count)))].octets
      if !octets.isEmpty, jitter.happens(700_000) {
        octets[Int(jitter.between(0, UInt64(octets.count)))] ^= UInt8(jitter.between(1, 256))
      }
      var envelope = envelope(.offer)
      envelope.type = UInt8(jitter.between(0, 20))
      guard let message = Message(octets, in: envelope) else { continue }
      let again = Message(message.octets, in: envelope)
      #expect((again == message) == true)
    }
  }
}

@Suite("How many keepalives fit into the detection time follows from their loss")
struct LossTests {
  @Test("X3's table: the largest loss that each n serves")
  func table() {
    let rows: [(Int, Double)] = [
      (2, 0.0118), (3, 0.0452), (4, 0.0913), (5, 0.1409), (7, 0.2351), (10, 0.3502), (16, 0.5041), (20, 0.5717),
    ]
    for (n, loss) in rows {
      #expect(LossEstimate.needed(at: loss - 0.0001) <= n)
      if n < 20 { #expect(LossEstimate.needed(at: loss + 0.0001) == n + 1) }
    }
    #expect(LossEstimate.needed(at: 0) == 2)
    #expect(LossEstimate.needed(at: 0.9) == 20)
  }

  @Test("C32's average comes near the true loss")
  func average() {
    var jitter = Jitter(seed: 3)
    var estimate = LossEstimate()
    for number in 1...20_000 as ClosedRange<UInt64> where !jitter.happens(50_000) { _ = estimate.note(number) }
    #expect(estimate.probability > 0.01 && estimate.probability < 0.12)
  }

  @Test("A gap of any size counts as one, and what comes late changes nothing (X4)")
  func clamped() {
    var estimate = LossEstimate()
    let isNews = [1, 1_000_000, 999_999, 1_000_000].map { estimate.note($0) }
    #expect(isNews == [true, true, false, false])
    #expect(estimate.probability == 1.0 / 128)
  }
}
