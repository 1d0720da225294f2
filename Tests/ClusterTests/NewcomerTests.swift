import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("Who may work for other hosts elsewhere makes newcomers doubtful (X19)")
struct NewcomerTests {
  private static let doubt = Directive.doubt(learning: 50 * .millisecond, waiting: 20 * .millisecond)

  private func strangers(_ directives: [Directive]) -> [Moment] {
    directives.compactMap { if case .stranger(let until) = $0 { until } else { nil } }
  }

  /// A word of unit 4's, which leads others, by one wire.
  private func overhear(_ bench: inout Bench, _ message: Message) -> [Directive] {
    bench.unit.overhear(
      message,
      in: Envelope(
        type: message.type, sender: 4, cluster: 1, term: Bench.term(9, of: 4), incarnation: 8, sequence: 1),
      now: bench.now)
  }

  /// A master that has all others, and loses one of them.
  private func bereft() -> Bench {
    var bench = Bench.master()
    for member in [1, 3, 4] as [MemberNumber] { _ = bench.admit(member) }
    #expect(!bench.unit.isDoubting)
    keep(&bench, [1, 3], for: 250 * .millisecond)
    #expect(bench.unit.isDoubting)
    return bench
  }

  @discardableResult
  private func keep(_ bench: inout Bench, _ members: [MemberNumber], for duration: Nanoseconds) -> [Directive] {
    var all: [Directive] = []
    let end = bench.now + duration
    while bench.now < end {
      all += bench.pass(20 * .millisecond)
      for member in members { all += bench.keepalive(from: member) }
    }
    return all
  }

  @Test("Whoever is missing and has not given his work away, until all are there again; and anew with each")
  func missing() {
    var bench = Bench.master()
    for member in [1, 3, 4] as [MemberNumber] { _ = bench.admit(member) }
    let first = keep(&bench, [1, 3], for: 250 * .millisecond)
    #expect(first.count { $0 == Self.doubt } == 1 && !first.contains(.trust))
    let second = keep(&bench, [3], for: 250 * .millisecond)
    #expect(second.count { $0 == Self.doubt } == 1)
    #expect(!bench.admit(1).contains(.trust))
    #expect(bench.admit(4).contains(.trust) && !bench.unit.isDoubting)
    // One that ends is elsewhere with nobody.
    _ = bench.keepalive(from: 4, isDraining: true)
    let third = bench.receive(.leave(stamp: bench.now), from: 4, term: bench.unit.term)
    #expect(!third.contains(Self.doubt) && !keep(&bench, [1, 3], for: 250 * .millisecond).contains(Self.doubt))
  }

  @Test("A member goes by what its master says of itself, and by what it knows of who is there")
  func client() {
    var bench = Bench.client()
    let term = Bench.term(1, of: 1)
    #expect(!bench.unit.isDoubting)
    let word = Message.otherMaster(live: 2, stamp: 5, echo: 0)
    #expect(bench.receive(word, from: 1, term: term).contains(Self.doubt))
    #expect(!bench.receive(word, from: 1, term: term).contains(Self.doubt))
    let all = bench.masterKeepalive(from: 1, term: term, members: [2, 3, 4], roster: 4)
    #expect(all.contains(.trust))
    #expect(!bench.receive(word, from: 1, term: term).contains(Self.doubt))
    #expect(bench.masterKeepalive(from: 1, term: term, members: [2, 3], roster: 5).contains(Self.doubt))
    #expect(bench.masterKeepalive(from: 1, term: term, members: [2], roster: 6).contains(Self.doubt))
    // Not for ever, if he stops saying so.
    var last: [Directive] = []
    for _ in 0..<16 {
      last += bench.pass(20 * .millisecond)
      last += bench.masterKeepalive(from: 1, term: term, members: [2], roster: 6)
    }
    #expect(last.contains(.trust))
  }

  @Test("Another half's words refuse what waits for as long as it may work; who asks to be let in works no more")
  func strangers() {
    var bench = bereft()
    let other = Bench.term(9, of: 4)
    var said = bench.masterKeepalive(from: 4, term: other, members: [], live: 1, incarnation: 8)
    #expect(strangers(said) == [bench.now + bench.unit.profile.surelyEnded])
    said = bench.receive(.exit(echo: 0), from: 4, term: other, incarnation: 8)
    #expect(strangers(said) == [bench.now + bench.unit.profile.surelyEnded])
    let request = Message.joinRequest(JoinRequest(stamp: bench.now, configuration: 7, certificate: [4]))
    said = bench.receive(request, from: 4, incarnation: 8)
    #expect(strangers(said) == [bench.now + 20 * .millisecond])
    // Who goes on asking has ended long ago what it ran; its next life may have run something in between.
    #expect(strangers(bench.receive(request, from: 4, incarnation: 8)).isEmpty)
    #expect(strangers(bench.receive(request, from: 4, incarnation: 10)) == [bench.now + 20 * .millisecond])
    #expect(strangers(bench.keepalive(from: 3)).isEmpty)
    _ = bench.admit(4, incarnation: 11)
    #expect(strangers(bench.masterKeepalive(from: 4, term: other, incarnation: 8)).isEmpty)
  }

  @Test("What came by one wire alone counts for that, and for nothing else")
  func oneWire() {
    var bench = bereft()
    let word = Message.otherMaster(live: 60, stamp: bench.now, echo: 0)
    let said = overhear(&bench, word)
    #expect(said == [.stranger(until: bench.now + bench.unit.profile.surelyEnded)] && bench.role == .master)
    let heard = bench.receive(word, from: 4, term: Bench.term(9, of: 4), incarnation: 8)
    #expect(heard.events.contains(.gaveUp(.otherMaster)))
  }

  @Test("Who stays at one wire refuses nobody for ever, and who is lost by that one, too, makes hosts be learned anew")
  func oneWireForLong() {
    var bench = bereft()
    let word = Message.otherMaster(live: 1, stamp: bench.now, echo: 0)
    var last: Moment = 0
    let begin = bench.now
    for _ in 0..<100 {
      last = strangers(overhear(&bench, word)).last ?? last
      _ = keep(&bench, [1, 3], for: 20 * .millisecond)
    }
    #expect(last > begin + 300 * .millisecond && last < begin + 800 * .millisecond)
    #expect(keep(&bench, [1, 3], for: 500 * .millisecond).contains(Self.doubt))
    // Who is heard by both has not fallen silent, and who asks to be let in works for nobody.
    _ = overhear(&bench, word)
    _ = bench.receive(word, from: 4, term: Bench.term(1, of: 4), incarnation: 8)
    let asks = Message.joinRequest(JoinRequest(stamp: bench.now, configuration: 7, certificate: [4]))
    var said: [Directive] = []
    for _ in 0..<8 {
      said += overhear(&bench, asks)
      said += keep(&bench, [1, 3], for: 120 * .millisecond)
    }
    #expect(strangers(said).count == 1 && !said.contains(Self.doubt))
  }

  @Test("An office that changes hands while somebody is missing takes doubt along")
  func office() {
    var bench = Bench.client()
    _ = bench.receive(.otherMaster(live: 2, stamp: 5, echo: 0), from: 1, term: Bench.term(1, of: 1))
    #expect(bench.unit.isDoubting)
    let gone = bench.receive(.succeed, from: 1, term: Bench.term(1, of: 1))
    #expect(bench.role == .master && bench.unit.isDoubting && !gone.contains(.trust))
    #expect(bench.pass(20 * .millisecond).messages().contains { if case .otherMaster = $0 { true } else { false } })
  }

  @Test("A deputy that follows a dead master doubts, and one that follows a master who has gone does not")
  func deputies() {
    var bench = Bench.client()
    let all = bench.pass(300 * .millisecond)
    #expect(bench.role == .master && all.contains(Self.doubt))
    bench = Bench.client()
    let gone = bench.receive(.succeed, from: 1, term: Bench.term(1, of: 1))
    #expect(bench.role == .master && !gone.contains(Self.doubt))
  }
}
