import ControlKit
import Testing

@testable import Cluster

@Suite("A unit without a cluster asks, then offers itself, then leads")
struct JoiningTests {
  private func isRequest(_ message: Message) -> Bool { message.type == 1 }

  @Test("Three requests to all, 100 ms apart and more, then an offer, then the addresses (C4, C7, C9, X15)")
  func alone() {
    var bench = Bench()
    var requests: [Moment] = []
    var offeredAt: Moment?
    while !bench.unit.isMaster {
      let directives = bench.pass(.millisecond)
      if directives.messages().contains(where: isRequest) { requests.append(bench.now) }
      if directives.messages().contains(.offer) { offeredAt = bench.now }
      if bench.unit.isMaster {
        #expect(directives.contains(.announce) && !bench.unit.isFenced)
        #expect(directives.started == .all)
      }
      if bench.now > 1002 * .second { break }
    }
    #expect(requests.count == 3)
    #expect(zip(requests, requests.dropFirst()).allSatisfy { $1 - $0 >= 99 * .millisecond })
    #expect(offeredAt.map { bench.now - $0 >= 99 * .millisecond } == true)
    #expect(bench.unit.term == Bench.term(1, of: Bench.own))
  }

  @Test("Nobody offers himself while any unit's worker answers, or while he hears nothing at all (X19)")
  func hears() {
    var bench = Bench()
    for _ in 0..<200 {
      #expect(!bench.pass(20 * .millisecond).messages().contains(.offer))
      _ = bench.unit.receive(.answered(4), now: bench.now)
    }
    #expect(bench.pass(2 * .second).messages().contains(.offer))

    // Nobody speaks, but whoever is asked answers, some milliseconds later.
    var quiet = Bench()
    quiet.isQuiet = true
    var answer: Moment?
    var answers: UInt64 = 0
    for _ in 0..<2000 {
      if answer.map({ $0 <= quiet.now }) ?? false {
        _ = quiet.unit.receive(.heard, now: quiet.now)
        answer = nil
      }
      guard quiet.pass(.millisecond).contains(.listen), answer == nil else { continue }
      answer = quiet.now + answers % 4 * 2 * .millisecond
      answers += 1
    }
    #expect(quiet.unit.isMaster)

    var deaf = Bench()
    deaf.isQuiet = true
    #expect(!deaf.pass(5 * .second).messages().contains(.offer))
    deaf.isQuiet = false
    _ = deaf.pass(2 * .second)
    #expect(deaf.unit.isMaster)
  }

  @Test("Another master exists: back to asking, and him (C8)")
  func otherMaster() {
    var bench = Bench()
    while !bench.pass(.millisecond).messages().contains(.offer) {}
    _ = bench.receive(.otherMaster(live: 1, stamp: 1, echo: 0), from: 4, term: Bench.term(1, of: 4))
    #expect(bench.role == .joining)
    #expect(bench.pass(200 * .millisecond).messages(to: 4).contains(where: isRequest))
    #expect(!bench.unit.isMaster)
  }

  @Test("Of two that offer themselves the lower address goes on (C12)")
  func offers() {
    var bench = Bench()
    while !bench.pass(.millisecond).messages().contains(.offer) {}
    #expect(bench.receive(.offer, from: 3).messages(to: 3) == [.offer])
    #expect(bench.role == .offering)
    _ = bench.receive(.offer, from: 1)
    #expect(bench.role == .joining)
    #expect(!bench.pass(150 * .millisecond).messages().contains(.offer))
  }

  @Test("Whose worker is answered while its own answers already, goes back without having worked (X19)")
  func claims() {
    var bench = Bench()
    var directives: [Directive] = []
    while !directives.contains(.unfence) { directives = bench.pass(.millisecond) }
    #expect(!bench.unit.isMaster)
    #expect(bench.pass(20 * .millisecond).count { $0 == .probe(4) } >= 2)
    #expect(bench.unit.receive(.answered(4), now: bench.now).contains(.fence))
    #expect(bench.role == .joining && bench.pass(100 * .millisecond).started.isEmpty)
  }

  @Test("The lease counts from the moment of the request, not of the answer (X17)")
  func lease() {
    var bench = Bench()
    _ = bench.pass(200 * .millisecond)
    let asked = bench.now
    bench.standStill(30 * .millisecond)
    let directives = bench.receive(
      .joinAnswer(JoinAnswer(echo: asked, verdict: .welcome(roster: 2, table: 0))), from: 1, term: Bench.term(1, of: 1))
    #expect(directives.leases == [asked + 185 * .millisecond])
    #expect(directives.contains(.unfence))
    #expect(bench.role == .client)
  }

  @Test("A welcome from before this attempt, or from the future, is nobody's")
  func late() {
    var bench = Bench()
    _ = bench.pass(200 * .millisecond)
    for echo in [1, bench.now - 300 * .millisecond, bench.now + 1] {
      _ = bench.receive(
        .joinAnswer(JoinAnswer(echo: echo, verdict: .welcome(roster: 2, table: 0))), from: 1, term: Bench.term(1, of: 1)
      )
      #expect(bench.role == .joining)
    }
  }

  @Test("A refusal is told with its reason, and tried again much later (C4)")
  func refused() {
    var bench = Bench()
    _ = bench.pass(200 * .millisecond)
    let directives = bench.receive(
      .joinAnswer(JoinAnswer(echo: bench.now, verdict: .refused("no"))), from: 1, term: Bench.term(1, of: 1))
    #expect(directives.events == [.refused("no")])
    #expect(bench.pass(400 * .millisecond).messages(to: 1).isEmpty)
  }
}

@Suite("The master lets units in, and others not")
struct AdmissionTests {
  private func verdicts(_ directives: [Directive], _ unit: MemberNumber) -> [JoinAnswer.Verdict] {
    directives.messages(to: unit).compactMap { if case .joinAnswer(let answer) = $0 { answer.verdict } else { nil } }
  }

  private func request(_ bench: inout Bench, _ unit: MemberNumber, configuration: UInt64 = 0) -> [Directive] {
    bench.receive(
      .joinRequest(JoinRequest(stamp: bench.now, configuration: configuration, certificate: [unit])), from: unit)
  }

  @Test("One veto is a refusal with its reason; whoever cannot say yet is asked again (C18)")
  func veto() {
    let one = Witness(), other = Witness()
    var bench = Bench.master([one, other])
    other.opinions = [3: .veto("no licence"), 4: .undecided]
    #expect(verdicts(request(&bench, 3), 3) == [.refused("no licence")])
    #expect(verdicts(request(&bench, 4), 4) == [.inProgress])
    other.opinions = [:]
    bench.now += 1
    #expect(verdicts(request(&bench, 4), 4) == [.welcome(roster: 2, table: 1)])
    #expect(one.told == ["+4"])
  }

  @Test("Another configuration does not go together with ours (C6)")
  func configuration() {
    var bench = Bench.master()
    #expect(verdicts(request(&bench, 3, configuration: 5), 3) == [.refused("its configuration is another")])
  }

  @Test("Who is no member is told so, with the stamp that he sent (C14)")
  func unknown() {
    var bench = Bench.master()
    #expect(bench.keepalive(from: 3, stamp: 77).messages(to: 3) == [.exit(echo: 77)])
  }

  @Test("A request from before it was let in, come late, does not put a member out")
  func lateRequest() {
    var bench = Bench.master()
    let early = bench.now
    bench.now += 1
    _ = bench.admit(3)
    let directives = bench.receive(
      .joinRequest(JoinRequest(stamp: early, configuration: 0, certificate: [3])), from: 3)
    #expect(directives.isEmpty)
  }

  @Test("A request of a later life ends the earlier one at once")
  func restarted() {
    var bench = Bench.master()
    _ = bench.admit(3)
    bench.now += 1
    let directives = bench.receive(
      .joinRequest(JoinRequest(stamp: 5, configuration: 0, certificate: [3])), from: 3, incarnation: 8)
    #expect(directives.events == [.left(3, .again), .joined(3)])
  }
}
