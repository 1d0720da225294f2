import Contract
@testable import Dataplane
import PacketMaking
import Testing

private let wrap: UInt64 = 1 << 32

/// Sequence numbers and windows through the whole path, with numbers placed where it matters.
@Suite struct SequenceTests {
  @Test(arguments: [64, 1024, 131_072], [false, true])
  func `row 6: late but inside, exactly at the left edge, one beyond`(_ size: Int, _ stories: Bool) throws {
    for isExtended in [false, true] {
      var esp = ESPDescription(gcm)
      esp.window = size
      esp.isExtended = isExtended
      let pair = TunnelPair(esp)
      let near = try TestGateway(pair.near), far = try TestGateway(pair.far, stories: stories)
      far.expect(after: 0)
      let width = UInt64(size), top = 3 * width
      #expect(far.run(near.seal([top])[0]).reason == .none)
      // With extended numbers, what is left of the window can only be of the next subspace, and the tag says no.
      let beyond: DropReason = isExtended ? .integrity : .outsideWindow
      let numbers = [top - width, top - width + 1, top - width + 1, top - 1, top - width / 2, top - 1]
      let reasons = far.run(near.seal(numbers)).map(\.reason)
      #expect(reasons == [beyond, .none, .replayed, .none, .none, .replayed], "\(size), \(isExtended)")
      #expect(far.window.highest == top && far.counters(.inbound).window == size)
      // In one burst all are judged before the first has moved the window, and once more after their tags.
      let last = near.seal([top + 2, top - width + 3, top - width + 2])
      #expect(far.run(last).map(\.reason) == [.none, .none, .outsideWindow])
      #expect(far.run(near.seal([top - width + 2])[0]).reason == beyond)
      // Row 16: all that lie left of the window, less the one that came.
      #expect(far.counters(.inbound).lost == top + 2 - width - 1)
      #expect(far.counters(.inbound).packets == 6)
    }
  }

  private func extended(_ suite: CipherSuite, window: Int = 64) throws -> (near: TestGateway, far: TestGateway) {
    var esp = ESPDescription(suite)
    esp.isExtended = true
    esp.window = window
    let pair = TunnelPair(esp)
    return (try TestGateway(pair.near), try TestGateway(pair.far))
  }

  @Test(arguments: kinds)
  func `rows 10, 11 and 14: 2^32 is crossed inside a burst, and what was sent before it comes later`(
    _ suite: CipherSuite
  ) throws {
    let (near, far) = try extended(suite)
    near.goOn(after: wrap - 5)
    far.expect(after: wrap - 20)
    let frames = (0..<10).map { clear(60 + $0) }
    let sealed = near.run(frames)
    #expect(sealed.allSatisfy { $0.reason == .none } && near.counters(.outbound).sequence == wrap + 5)
    // The low half alone is sent.
    let low = sealed.map { Array($0.octets[38..<42]) }
    #expect(low == (0..<10).map { big(UInt32(truncatingIfNeeded: wrap - 4 + $0)) })
    let order = [7, 3, 2, 9, 0, 8, 1, 4, 5, 6]
    let opened = far.run(order.map { sealed[$0].octets })
    #expect(opened.map(\.reason) == Array(repeating: .none, count: 10))
    #expect(opened.map(\.octets) == order.map { frames[$0] })
    #expect(far.window.highest == wrap + 5)
    #expect(far.run(sealed.map(\.octets)).allSatisfy { $0.reason == .replayed })
  }

  @Test(arguments: kinds)
  func `row 9: the high half is guessed before the tag, and kept only after it`(_ suite: CipherSuite) throws {
    let (near, far) = try extended(suite)
    far.expect(after: wrap - 2)
    var bad = near.seal([wrap + 3])[0]
    let good = bad
    bad[bad.count - 1] ^= 1
    let before = far.window.image
    #expect(far.run(bad).reason == .integrity)
    let isUnmoved = far.window.image == before
    #expect(isUnmoved)
    // Had the bad one moved the window, these two would be judged otherwise.
    #expect(far.run(near.seal([wrap - 1]) + [good]).map(\.reason) == [.none, .none])
    #expect(far.window.highest == wrap + 3 && far.counters(.inbound).packets == 2)
  }

  @Test(arguments: kinds)
  func `row 12: a false wrap fails the tag, and is counted as that`(_ suite: CipherSuite) throws {
    let (near, far) = try extended(suite)
    let old = near.seal([5])[0]
    far.expect(after: wrap / 2)
    #expect(far.run(near.seal([wrap / 2 + 1])[0]).reason == .none)
    let before = far.window.image
    #expect(far.run(old).reason == .integrity)
    let isUnmoved = far.window.image == before
    #expect(isUnmoved)
    #expect(far.counters(.inbound).drops.map(\.name) == ["integrity"])
    // And a true one, of which the sender says nothing but the low half.
    #expect(far.run(near.seal([wrap + 5])[0]).reason == .none)
  }

  @Test(arguments: kinds)
  func `rows 12 and 32: the high half is authenticated`(_ suite: CipherSuite) throws {
    for high: UInt64 in [1, 2, 0x100, 0x1_0000, 0x100_0000, 0x8000_0000] {
      let (near, far) = try extended(suite)
      let sealed = near.seal([high * wrap + 3])[0]
      // The receiver takes it for number 3.
      #expect(far.run(sealed).reason == .integrity, "\(high)")
      far.expect(after: high * wrap)
      #expect(far.run(sealed).reason == .none, "\(high)")
    }
  }

  @Test(arguments: [64, 1024, 131_072])
  func `row 7: case A, each sub-case with a tag`(_ size: Int) throws {
    let (near, far) = try extended(gcm, window: size)
    let width = UInt64(size), top = 5 * wrap + 3 * width
    far.expect(after: top - width)
    #expect(far.run(near.seal([top])[0]).reason == .none)
    // Inside at the left end, beyond the top: this subspace. Left of the left end: the next one alone.
    let left = top - width + 1
    #expect(far.run(near.seal([left, top + 1])).map(\.reason) == [.none, .none])
    #expect(far.run(near.seal([left - 1])[0]).reason == .integrity)
    #expect(far.run(near.seal([left - 1 + wrap])[0]).reason == .none)
    #expect(far.window.highest == left - 1 + wrap)
  }

  @Test(arguments: [64, 1024, 131_072])
  func `row 8: case B, each sub-case with a tag`(_ size: Int) throws {
    let (near, far) = try extended(gcm, window: size)
    let width = UInt64(size), top = 5 * wrap + width / 2
    far.expect(after: top - width)
    #expect(far.run(near.seal([top])[0]).reason == .none)
    // Before the wrap: the subspace before. From the wrap on, and beyond the top: this one.
    let left = top - width + 1
    let numbers = [left, 5 * wrap - 1, 5 * wrap, top - 1, top + 1]
    #expect(far.run(near.seal(numbers)).map(\.reason) == Array(repeating: .none, count: 5))
    // The left end has moved by one: what was there is taken for the next, and is not.
    #expect(far.run(near.seal([left])[0]).reason == .integrity)
    #expect(far.run(near.seal([5 * wrap - 1])[0]).reason == .replayed)
    #expect(far.window.highest == top + 1)
  }

  @Test(arguments: [false, true])
  func `row 13: the last number is used, then every packet is dropped; control is told long before`(
    _ stories: Bool
  ) throws {
    let near = try TestGateway(TunnelPair(ESPDescription(gcm)).near, stories: stories)
    near.goOn(after: wrap - 4)
    let outcomes = near.run((0..<10).map { clear(60 + $0) })
    #expect(outcomes.prefix(3).allSatisfy { $0.reason == .none })
    #expect(outcomes.dropFirst(3).allSatisfy { $0.reason == .sequenceExhausted })
    for (number, outcome) in outcomes.enumerated().dropFirst(3) {
      #expect(outcome.octets == clear(60 + number), "never sealed, never changed")
    }
    #expect(near.counters(.outbound).drops.map { [$0.name: $0.count] } == [["sequenceExhausted": 7]])
    // A quarter of all numbers before the end, once.
    #expect(near.reported().filter { $0.kind == .softLimit }.count == 1)
    near.goOn(after: wrap / 4 * 3 - 3)
    #expect(near.run((0..<3).map { clear(60 + $0) }).allSatisfy { $0.reason == .none })
    #expect(near.reported().filter { $0.kind == .softLimit }.count == 1)
    #expect(near.run((0..<70).map { clear(60 + $0) }).allSatisfy { $0.reason == .none })
    #expect(near.reported().filter { $0.kind == .softLimit }.isEmpty)
  }
}
