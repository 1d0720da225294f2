import PacketMaking
import Testing
import Wire

@testable import Dataplane

@Suite struct OffloadTests {
  /// Leaves the sum of the pseudo-header in a checksum's place, as a kernel does for a device.
  private func unfinished(_ upper: [UInt8], at place: Int, _ next: UInt8) -> [UInt8] {
    var upper = upper
    let pseudo = address(Host.alice) + address(Host.bob) + [0, next] + big(UInt16(upper.count))
    upper.replaceSubrange(place..<place + 2, with: big(~checksum(pseudo)))
    return upper
  }

  private func finish(_ frame: [UInt8], _ offload: Offload, shift: Int = 0) -> [UInt8]? {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: frame.count, alignment: 1)
    defer { block.deallocate() }
    block.copyBytes(from: frame)
    guard offload.finish(block.baseAddress!, length: frame.count, shift: shift) else { return nil }
    return Array(block)
  }

  @Test func checksumsAreFinished() throws {
    let data = text("an odd number of octets")
    let stream = ethernet(.ipv4, ipv4(.tcp, unfinished(tcp(data), at: 16, 6)))
    let whole = try #require(finish(stream, Offload(flags: 1, checksumStart: 34, checksumOffset: 16)))
    #expect(SegmentReader(stream)?.isSound == false)
    #expect(SegmentReader(whole)?.isSound == true)
    let datagram = ethernet(.vlan, vlan(4, .ipv4, ipv4(.udp, unfinished(udp(data), at: 6, 17))))
    let tagged = try #require(finish(datagram, Offload(flags: 1, checksumStart: 34, checksumOffset: 6), shift: 4))
    #expect(SegmentReader(tagged)?.isSound == true)
  }

  @Test func aSumOfZeroIsSentAsItsOtherForm() throws {
    // The payload makes up for all the rest.
    var upper = unfinished(udp([0, 0]), at: 6, 17)
    upper.replaceSubrange(8..<10, with: big(checksum(upper)))
    let frame = ethernet(.ipv4, ipv4(.udp, upper))
    let whole = try #require(finish(frame, Offload(flags: 1, checksumStart: 34, checksumOffset: 6)))
    #expect(Array(whole[40..<42]) == [0xff, 0xff])
    #expect(SegmentReader(whole)?.isSound == true)
  }

  @Test func theChecksumOfSCTPIsAnother() throws {
    // RFC 3720 appendix B.4: 32 octets of zero.
    let frame = [UInt8](repeating: 0x11, count: 34) + [UInt8](repeating: 0, count: 32)
    let whole = try #require(finish(frame, Offload(flags: 1, checksumStart: 34, checksumOffset: 8)))
    #expect(Array(whole[42..<46]) == [0xaa, 0x36, 0x91, 0x8a])
  }

  @Test func whatLiesOutsideIsRefused() {
    let frame = ethernet(.ipv4, ipv4(.udp, udp()))
    #expect(finish(frame, Offload(flags: 1, checksumStart: 34, checksumOffset: 6)) != nil)
    #expect(finish(frame, Offload(flags: 1, checksumStart: 34, checksumOffset: 7)) == nil)
    #expect(finish(frame, Offload(flags: 1, checksumStart: .max, checksumOffset: .max)) == nil)
    #expect(finish(frame, Offload(flags: 1, checksumStart: 32, checksumOffset: 8)) == nil, "SCTP's has four octets")
    #expect(finish(frame, Offload(flags: 1, checksumStart: 34, checksumOffset: 6), shift: 4) == nil)
  }
}
