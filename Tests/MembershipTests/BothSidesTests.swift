import Cluster
import ControlKit
import Testing

@testable import Membership

@Suite("What a unit says counts while it is heard by both sides")
struct BothSidesTests {
  private static let patience = 150 * Nanoseconds.millisecond
  private var sides = BothSides(patience: Self.patience)
  private var now: Moment = 1000 * .second

  private static func envelope(_ number: UInt64, of unit: UInt16) -> Envelope {
    Envelope(type: 1, sender: unit, cluster: 1, term: 3, incarnation: 7, sequence: number)
  }

  private static func octets(_ number: UInt64, of unit: UInt16) -> [UInt8] {
    [UInt8](repeating: 9, count: 100) + [UInt8(unit), UInt8(number / 256), UInt8(number % 256)]
  }

  /// One that is new, by one side: the number of what counts because of it.
  private mutating func hear(_ number: UInt64, of unit: UInt16 = 5, by side: Int) -> UInt64? {
    let octets = Self.octets(number, of: unit)
    return sides.take(octets, .offer, Self.envelope(number, of: unit), by: side, now: now)?.1.sequence
  }

  /// The same octets by the other side: whether they are known, and the number of what counts because of them.
  private mutating func hearAgain(_ number: UInt64, of unit: UInt16 = 5, by side: Int) -> (Bool, UInt64?) {
    let copy = sides.takeCopy(Self.octets(number, of: unit), by: side, now: now)
    return (copy.sender == MemberNumber(unit), copy.message?.1.sequence)
  }

  @Test("The first word counts when its copy comes, and once; from then on the first of two counts")
  mutating func twoWires() {
    #expect(hear(1, by: 0) == nil && sides.oneSided == 1)
    #expect(hearAgain(1, by: 1) == (true, 1))
    #expect(hearAgain(1, by: 1) == (false, nil) && hearAgain(1, by: 0) == (false, nil))
    for number in UInt64(2)..<600 {
      let side = Int(number % 3) % 2
      now += 30 * .millisecond
      #expect(hear(number, by: side) == number)
      #expect(hearAgain(number, by: 1 - side) == (true, nil))
    }
    #expect(sides.oneSided == 1)
  }

  @Test(
    "Who is heard by one side alone does not count, however much he says: a cable that is pulled", arguments: [0, 1])
  mutating func oneWire(_ side: Int) {
    for number in UInt64(0)..<20 {
      #expect(hear(number, by: side) == nil)
      // The same frame again by the same side is no second side.
      #expect(hearAgain(number, by: side) == (false, nil))
      now += 10 * .millisecond
    }
    #expect(sides.oneSided == 20 && sides.isHeard(5, by: side, now) && !sides.isHeard(5, by: 1 - side, now))
  }

  @Test("A side that is silent for longer than the patience is not heard any more, and no moment sooner")
  mutating func silentSide() {
    _ = hear(1, by: 0)
    _ = hearAgain(1, by: 1)
    now += Self.patience
    #expect(hear(2, by: 0) == 2)
    now += 1
    #expect(hear(3, by: 0) == nil && sides.oneSided == 2)
    #expect(hearAgain(3, by: 1) == (true, 3))
    #expect(hear(4, by: 0) == 4)
  }

  @Test("One unit's sides say nothing of another's")
  mutating func eachItsOwn() {
    _ = hear(1, of: 5, by: 0)
    _ = hear(1, of: 6, by: 1)
    #expect(hear(2, of: 6, by: 1) == nil && hear(2, of: 5, by: 0) == nil)
    #expect(hearAgain(2, of: 6, by: 0) == (true, 2))
    #expect(hear(3, of: 6, by: 1) == 3 && hear(3, of: 5, by: 0) == nil)
  }

  @Test("A copy that comes late is somebody's repetition: it neither counts nor says that a side is heard")
  mutating func lateCopy() {
    _ = hear(1, by: 0)
    now += Self.patience + 1
    #expect(hearAgain(1, by: 1) == (false, nil))
    #expect(!sides.isHeard(5, by: 1, now))
    #expect(hear(2, by: 0) == nil)
  }

  @Test("So many messages are remembered; an older one's copy is as unknown as anybody's")
  mutating func room() {
    for number in UInt64(0)...UInt64(BothSides.most) { _ = hear(number, by: 0) }
    #expect(hearAgain(0, by: 1) == (false, nil))
    #expect(hearAgain(1, by: 1) == (true, 1))
    let last = UInt64(BothSides.most)
    #expect(hearAgain(last, by: 1) == (true, last))
  }

  @Test("An octet more or another one is no copy")
  mutating func almostTheSame() {
    _ = hear(1, by: 0)
    let octets = Self.octets(1, of: 5)
    var other = octets
    other[50] ^= 1
    for wrong in [other, octets + [0], Array(octets.dropLast())] {
      #expect(sides.takeCopy(wrong, by: 1, now: now).sender == nil)
    }
    #expect(hearAgain(1, by: 1) == (true, 1))
  }
}
