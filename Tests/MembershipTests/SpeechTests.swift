import Contract
import ControlKit
import Testing
import Wire

@testable import Membership

@Suite("When a unit says who it is, and a master where the cluster's addresses are")
struct SpeechTests {
  private static let start: Moment = 1000 * .second

  /// The moments in milliseconds at which it speaks.
  private func times(_ introductions: inout Introductions, from: Moment = start, milliseconds: UInt64) -> [UInt64] {
    (0..<milliseconds).filter { introductions.isDue(from + $0 * .millisecond) }
  }

  @Test("Six introductions in the first quarter of a second, then one a second")
  func introductions() {
    var introductions = Introductions()
    #expect(times(&introductions, milliseconds: 3500) == [0, 50, 100, 150, 200, 250, 1250, 2250, 3250])
    #expect(introductions.nextTimer == Self.start + 4250 * .millisecond)
    let next = introductions.nextTimer
    #expect([next - 1, next].map { introductions.isDue($0) } == [false, true])
  }

  @Test("Who introduces himself hears of us at once; of many who come together, all within 10 ms, by one answer")
  func answers() {
    var introductions = Introductions()
    _ = times(&introductions, milliseconds: 1000)
    let now = Self.start + .second
    introductions.answer(now)
    #expect(introductions.nextTimer == now && [now, now].map { introductions.isDue($0) } == [true, false])
    for microseconds in UInt64(1)...60 { introductions.answer(now + microseconds * .microsecond) }
    #expect(times(&introductions, from: now, milliseconds: 1000) == [10])
  }

  @Test("Why somebody is not believed is one line of his log, whatever comes")
  func disbelief() {
    let reason = "the certificate of unit3 (serial 7) was taken back"
    #expect(Disbelief.reading(Disbelief.octets(reason)) == reason)
    #expect(Disbelief.octets(String(repeating: "x", count: 5000)).count == Disbelief.most)
    #expect(Disbelief.reading(Disbelief.octets("von Müller\n")) == "von M?ller?")
    for bad in [[], [0x1b, 0x5b], Array("a\nb".utf8), [0xff], [UInt8](repeating: 65, count: Disbelief.most + 1)] {
      #expect(Disbelief.reading(bad) == nil)
    }
  }

  @Test("A flood of new units makes us speak a hundred times a second at most")
  func flood() {
    var introductions = Introductions()
    _ = times(&introductions, milliseconds: 1000)
    let now = Self.start + .second
    let said = (UInt64(0)..<10_000).filter { step in
      introductions.answer(now + step * 100 * .microsecond)
      return introductions.isDue(now + step * 100 * .microsecond)
    }
    #expect((99...101).contains(said.count))
  }

  @Test("An answer never puts off what is due sooner")
  func answerIsNoDelay() {
    var introductions = Introductions()
    #expect(times(&introductions, milliseconds: 1) == [0])
    introductions.answer(Self.start + 1)
    #expect(times(&introductions, from: Self.start + 1, milliseconds: 1) == [0])
    for step in UInt64(2)..<9 { introductions.answer(Self.start + step) }
    #expect(introductions.nextTimer <= Self.start + 11 * .millisecond)
  }

  private static let addresses = [
    SharedAddress(IPAddress("192.0.2.254")!, side: .inside, mac: MACAddress(0x0300_0000_0001)),
    SharedAddress(IPAddress("2001:db8::fe")!, side: .outside, vlan: 7, mac: MACAddress(0x0300_0000_0001)),
  ]

  private func times(_ announcements: inout Announcements, milliseconds: Range<UInt64>) -> [UInt64] {
    milliseconds.filter {
      let due = announcements.due(Self.start + $0 * .millisecond)
      #expect(due.isEmpty || due == Self.addresses)
      return !due.isEmpty
    }
  }

  @Test("A new master announces every address five times within three seconds, and then never again (C9)")
  func announcements() {
    var announcements = Announcements()
    #expect(announcements.nextTimer == nil && times(&announcements, milliseconds: 0..<1).isEmpty)
    announcements.begin(Self.addresses, Self.start)
    #expect(announcements.nextTimer == Self.start)
    #expect(times(&announcements, milliseconds: 0..<20_000) == [0, 50, 250, 1000, 3000])
    #expect(announcements.nextTimer == nil)
  }

  @Test("Who is master no longer says nothing more, and who is it again begins anew (C12)")
  func retirement() {
    var announcements = Announcements()
    announcements.begin(Self.addresses, Self.start)
    #expect(times(&announcements, milliseconds: 0..<100) == [0, 50])
    announcements.end()
    #expect(announcements.nextTimer == nil && times(&announcements, milliseconds: 100..<5000).isEmpty)
    announcements.begin(Self.addresses, Self.start + 5 * .second)
    announcements.begin(Self.addresses, Self.start + 6 * .second)
    #expect(times(&announcements, milliseconds: 5000..<20_000) == [6000, 6050, 6250, 7000, 9000])
  }
}
