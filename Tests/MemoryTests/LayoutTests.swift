import Contract
import Memory
import Testing

@Suite("What travels is small, and its size is no accident")
struct LayoutTests {
  @Test("A reference is 16 bytes, four to a cache line, and nothing that counts references")
  func packetRef() {
    #expect(MemoryLayout<PacketRef>.size == 16)
    #expect(MemoryLayout<PacketRef>.stride == 16)
    #expect(_isPOD(PacketRef.self))
  }

  @Test("A frame's header is one cache line")
  func frameHeader() {
    #expect(MemoryLayout<FrameHeader>.size == 64)
    #expect(MemoryLayout<FrameHeader>.stride == 64)
    #expect(FrameHeader.size == 64)
    #expect(_isPOD(FrameHeader.self))
  }

  @Test("A judgement is one word, and keeps every work set, every reason and every worker apart")
  func judgement() {
    #expect(MemoryLayout<Judgement>.size == 4)
    #expect(MemoryLayout<PacketRef>.offset(of: \.judgement).map { $0 % 4 } == 0)
    for workSet in UInt16(0)..<1024 {
      for reason in DropReason.allCases {
        let worker = UInt8(truncatingIfNeeded: workSet) ^ 0xff
        let judgement = Judgement(workSet: workSet, verdict: reason.rawValue, worker: worker)
        let isKept =
          judgement.workSet == workSet && judgement.verdict == reason.rawValue && judgement.worker == worker
        if !isKept {
          Issue.record("\(workSet), \(reason), \(worker)")
          return
        }
      }
    }
  }

  @Test("A new reference goes on: no work set, no verdict")
  func newReference() {
    let ref = PacketRef(position: 7, offset: 192, length: 1500)
    #expect(ref.position == 7)
    #expect(ref.offset == 192)
    #expect(ref.length == 1500)
    #expect(ref.workSet == 0)
    #expect(ref.verdict == DropReason.none.rawValue)
    #expect(ref.judgement.worker == 0)
  }

  @Test("A burst keeps its references in order, 64 of them")
  func burst() {
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    var burst = Burst(refs)
    for position in 0..<64 { burst.append(PacketRef(position: UInt32(position), offset: 0, length: 0)) }
    #expect(burst.count == 64)
    #expect((0..<64).allSatisfy { burst.refs[$0].position == UInt32($0) })
  }
}
