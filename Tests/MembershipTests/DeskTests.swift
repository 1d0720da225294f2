import Contract
import ControlKit
import Synchronization
import Testing
import Wire

@testable import Dataplane
@testable import Membership

@Suite("What the cluster's thread and the others say to each other")
struct DeskTests {
  @Test("What is asked of the cluster's thread arrives there, and what it says arrives elsewhere")
  func words() {
    let desk = MembershipDesk()
    #expect(!desk.isSpeaker && !desk.isDraining && !desk.isDrained && !desk.isToStop)
    desk.speak(true)
    #expect(desk.isSpeaker)
    desk.speak(false)
    desk.drain()
    #expect(!desk.isSpeaker && desk.isDraining && !desk.isDrained && !desk.isToStop)
    desk.setDrained()
    desk.stop()
    #expect(desk.isDrained && desk.isToStop)
    var shown = MembershipDesk.Shown()
    (shown.passed, shown.oneSided, shown.latest) = (7, 8, 9)
    desk.show(shown)
    #expect(desk.shown.passed == 7 && desk.shown.oneSided == 8 && desk.shown.latest == 9 && desk.shown.snapshot == nil)
  }

  @Test("Events are told once and kept for who asks; the last ones, in their order")
  func events() {
    let desk = MembershipDesk()
    desk.tell("first", isWarning: true, at: 5)
    #expect(desk.takeUntold().map(\.event) == ["first"] && desk.takeUntold().isEmpty)
    let most = MembershipDesk.mostEvents
    for number in 1...most + 10 { desk.tell("\(number)", isWarning: false, at: Moment(number)) }
    let kept = desk.events.map(\.event), wanted = (11...most + 10).map(String.init)
    #expect((kept == wanted) as Bool)
    // Of a flood that nobody has read meanwhile, the beginning: it says what went wrong first.
    let untold = desk.takeUntold().map(\.event)
    #expect((untold == (1...most).map(String.init)) as Bool)
    #expect(desk.events[0].at == 11 && !desk.events[0].isWarning && desk.events.count == most)
  }
}

@Suite("What the kernel is told to drop (C24)")
struct EarlyJudgeTests {
  private final class Told: Sendable {
    let filters = Mutex<[[EarlyFilter?]]>([])
    var count: Int { filters.withLock { $0.count } }
    func last(_ side: Side) -> EarlyFilter? { filters.withLock { $0.last?[Int(side.rawValue)] } }
    func add(_ tell: (Side) -> EarlyFilter?) { filters.withLock { $0.append(Side.allCases.map(tell)) } }
  }

  private static let classify: ClassifyDescription = {
    var description = ClassifyDescription()
    description.clusterAddresses = [IPAddress("192.0.2.254")!]
    description.accept = AcceptDescription(
      unitMAC: MACAddress(0x0200_0000_0001), clusterUnicastMAC: nil, clusterMulticastMAC: MACAddress(0x0300_0000_0001),
      groups: [])
    description.accept?.outsideMAC = MACAddress(0x0200_0000_0002)
    return description
  }()

  /// Every third set unit 2's, every third being handed over to it, and the others ours.
  private static let ownership: OwnershipDescription = {
    var ownership = OwnershipDescription(members: 1, playing: [1], workers: 1)
    for set in 0..<WorkSets.count {
      ownership[set] = OwnershipEntry(
        state: set % 3 == 1 ? .pending : .assigned, member: set % 3 == 2 ? 1 : 2)
    }
    return ownership
  }()

  @Test("Of what is sent to the cluster, and of the table what is another's for certain")
  func judgement() throws {
    let told = Told()
    let judge = EarlyJudge { told.add($0) }
    judge.use(Self.classify)
    #expect(judge.isDue && !judge.isInForce && told.count == 0)
    judge.judge(by: Self.ownership)
    #expect(judge.isInForce && !judge.isDue && told.count == 1)
    let inside = try #require(told.last(.inside)), outside = try #require(told.last(.outside))
    let foreign = (0..<WorkSets.count).map { $0 % 3 == 0 }
    #expect((inside.foreign == foreign) as Bool && (outside.foreign == foreign) as Bool)
    // What comes to the unit's own addresses is not judged: another member may have passed it on.
    #expect(inside.rules.macs == [MACAddress(0x0300_0000_0001)] && outside.rules.macs == inside.rules.macs)
  }

  @Test("Before there are rules, after they are gone, and for the seed's hash, nothing is dropped")
  func nothing() {
    let told = Told()
    let judge = EarlyJudge { told.add($0) }
    #expect(judge.isInForce)
    judge.judge(by: Self.ownership)
    #expect(told.count == 1 && told.last(.inside) == nil && told.last(.outside) == nil)
    judge.use(Self.classify)
    judge.judge(by: Self.ownership)
    #expect(told.last(.inside) != nil)
    judge.use(nil)
    #expect(!judge.isInForce)
    judge.judge(by: Self.ownership)
    #expect(judge.isInForce && told.last(.inside) == nil && told.last(.outside) == nil)
    // Where the master forwards, everything comes to somebody's own address.
    var forwarded = Self.classify
    forwarded.accept?.clusterMulticastMAC = nil
    judge.use(forwarded)
    judge.judge(by: Self.ownership)
    #expect(told.last(.inside) == nil && told.last(.outside) == nil)
    var compat = Self.classify
    compat.hash = .compat
    judge.use(compat)
    judge.judge(by: Self.ownership)
    #expect(told.last(.inside) == nil)
  }

  @Test("Rules that change while the kernel is told are not in force by that")
  func race() {
    let told = Told()
    let later = Mutex<EarlyJudge?>(nil)
    let judge = EarlyJudge { tell in
      told.add(tell)
      later.withLock { $0 }?.use(nil)
    }
    judge.use(Self.classify)
    later.withLock { $0 = judge }
    judge.judge(by: Self.ownership)
    #expect(!judge.isInForce && told.last(.inside) != nil)
    later.withLock { $0 = nil }
    judge.judge(by: Self.ownership)
    #expect(judge.isInForce && told.last(.inside) == nil)
  }
}
