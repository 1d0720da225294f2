import Contract
@testable import Dataplane
import Memory
import Nonces
import PacketMaking
import Rings
import Testing
import Wire

/// Sealed by one gateway and opened by the other, a frame is what it was, link header and all.
@Suite(.serialized) struct RoundTripTests {
  private func thereAndBack(
    _ frames: [[UInt8]], link: LinkType, _ way: ReplayTests.Way = ReplayTests.Way(workers: 1, deal: .toOwner),
    engine: CryptoEngine.Kind? = nil
  ) throws -> (frames: [[UInt8]], mismatched: UInt64) {
    let plan = RoundTripPlan(ClassifyDescription(), link: link)
    var description = ReplayDescription(
      ownership: OwnershipDescription(members: 1, playing: [0], workers: way.workers))
    description.workers = way.workers
    description.deal = way.deal
    description.classify = plan.near
    description.memory.frames = 1024
    var security = ReplaySecurity(RoundTripPlan.nonces(), .new)
    security.farEnd = plan.far
    security.engine = engine
    description.security = security
    let replay = try Replay(description, link: link)
    defer { replay.deallocate() }
    var dealer = replay.dealer(ListPort(frames, frames: replay.frames))
    defer { dealer.deallocate() }
    try replay.start()
    var list: [[UInt8]] = []
    let deadline = Deadline(milliseconds: 10_000)
    while !deadline.isOver,
      dealer.turn(
        stop: false,
        deliver: { ref in
          guard ref.verdict == 0 else { return }
          list.append(
            Array(UnsafeRawBufferPointer(start: replay.memory.address(of: ref), count: Int(ref.length))))
        })
    { try replay.serve() }
    replay.stop()
    return (list, replay.counters.reduce(0) { $0 + $1.drops(.mismatched) })
  }

  @Test(arguments: [LinkType.null, .loop])
  func `a loopback's family comes back as the system wrote it`(_ link: LinkType) throws {
    // AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of Darwin; a reader takes either byte order.
    let datagram = udp(from: 7, to: 9, text("some words"))
    let frames = [true, false].flatMap { isSwapped in
      let order: (UInt32) -> [UInt8] = isSwapped ? { little($0) } : { big($0) }
      return [10, 24, 28, 30].map { loopback(family: $0, order, ipv6(.udp, datagram)) }
        + [loopback(family: 2, order, ipv4(.udp, datagram))]
    }
    let result = try thereAndBack(frames, link: link)
    #expect(result.frames.count == frames.count && result.mismatched == 0)
    for (index, frame) in result.frames.enumerated() {
      let isSame = frame == frames[index]
      #expect(isSame, "frame \(index) has become \(frame.prefix(4))")
    }
  }

  @Test(arguments: LinkType.allCases)
  func `every link header comes back as it was`(_ link: LinkType) throws {
    // What the link can carry at all.
    let versions = [false, true].filter { link != ($0 ? .rawIPv4 : .rawIPv6) }
    let frames = versions.flatMap { isIPv6 in
      (0..<80).map { number in
        let datagram = udp(from: 7, to: UInt16(number), [UInt8](repeating: 7, count: 17 * number))
        return linkFrame(link, isIPv6: isIPv6, isIPv6 ? ipv6(.udp, datagram) : ipv4(.udp, datagram))
      }
    }
    let result = try thereAndBack(frames, link: link)
    let isSame = result.frames == frames
    #expect(isSame && result.mismatched == 0)
  }

  @Test func `frames with tags come back as they were`() throws {
    let frames = (0...4).flatMap { tags in
      [
        tagged(tags, .ipv4, ipv4(.udp, udp(from: 7, to: 9, text("some words")))),
        tagged(tags, .ipv6, ipv6(.udp, udp(from: 7, to: 9, text("some words")))),
      ]
    }
    let result = try thereAndBack(frames, link: .ethernet)
    let isSame = result.frames == frames
    #expect(isSame && result.mismatched == 0)
  }

  @Test(arguments: [Deal.toOwner, .inTurn], CryptoEngine.Kind.allCases.filter(\.isHere))
  func `several workers at once give back what one does, in order`(_ deal: Deal, _ engine: CryptoEngine.Kind) throws {
    let frames = (0..<3000).map { number in
      let datagram = udp(from: 7, to: UInt16(number), [UInt8](repeating: UInt8(number & 255), count: number % 1400))
      return number % 3 == 0 ? ethernet(.ipv6, ipv6(.udp, datagram)) : ethernet(.ipv4, ipv4(.udp, datagram))
    }
    for workers in [2, 3] {
      let way = ReplayTests.Way(workers: workers, deal: deal)
      let result = try thereAndBack(frames, link: .ethernet, way, engine: engine)
      let isSame = result.frames == frames
      #expect(isSame && result.mismatched == 0)
    }
  }
}
