import CCrypto
import Contract
@testable import Dataplane
import Memory
import Testing

/// Records that every packet touches are whole cache lines, and no accident.
@Suite struct RecordLayoutTests {
  private func check<Record>(_ type: Record.Type, _ bytes: Int) {
    #expect(MemoryLayout<Record>.size == bytes && MemoryLayout<Record>.stride == bytes, "\(type)")
    #expect(_isPOD(type), "\(type) counts references")
  }

  @Test func `what a packet reads and writes of an SA`() {
    check(OutboundSA.self, 128)
    check(InboundSA.self, 64)
    check(InboundState.self, 64)
    #expect(MemoryLayout<OutboundState>.size <= OutboundState.stride && OutboundState.stride == 128)
    #expect(InboundState.stride == MemoryLayout<InboundState>.stride)
    #expect(_isPOD(OutboundState.self) && _isPOD(ReplayWindow.Head.self))
    #expect(MemoryLayout<ReplayWindow.Head>.size <= ReplayWindow.headBytes)
  }

  /// The common packet is sealed out of the first line of either.
  @Test func `the first line has what the common packet needs`() {
    let sa: [PartialKeyPath<OutboundSA>] = [
      \.header1, \.header2, \.key, \.state, \.stateStride, \.spi, \.salt, \.plainSum, \.plainKind, \.longest,
      \.workSet, \.flags,
    ]
    #expect(sa.allSatisfy { MemoryLayout<OutboundSA>.offset(of: $0).map { $0 < 64 } ?? false })
    let state: [PartialKeyPath<OutboundState>] = [\.budget, \.bytes, \.nonces, \.sequence]
    #expect(state.allSatisfy { MemoryLayout<OutboundState>.offset(of: $0).map { $0 < 64 } ?? false })
  }

  @Test func `what the cipher gets, and what policies are`() {
    check(hauberk_packet.self, 64)
    check(hauberk_job.self, 32)
    check(PolicyTable.Entry.self, 64)
    check(FrameHeader.self, 64)
    #expect(MemoryLayout<SPITable.Entry>.stride == 16)
    #expect(MemoryLayout<SecureAction>.size == 4 && MemoryLayout<PacketPlaces>.size == 4)
  }

  @Test func `records lie on whole lines`() throws {
    let associations = try TestGateway(TunnelPair(ESPDescription(gcm)).near).associations
    let tables = associations.tables
    for address in [
      UInt(bitPattern: tables.outbound), UInt(bitPattern: tables.inbound),
      UInt(bitPattern: tables.outbound[0].state), UInt(bitPattern: tables.inbound[0].state),
    ] { #expect(address % 64 == 0) }
  }
}
