@testable import Dataplane
import PacketMaking
import Testing
import Wire

@Suite struct IVTableTests {
  @Test func `a packet is remembered in 32 bytes`() {
    #expect(MemoryLayout<SeenPacket>.size == 32 && MemoryLayout<SeenPacket>.stride == 32)
  }

  @Test func `its parts come back`() {
    withBytes(text("payload")) { payload in
      let packet = SeenPacket(
        number: SeenPacket.mostNumber, sequence: .max, iv: 7, payload: payload, isWhole: false)
      #expect(packet.number == SeenPacket.mostNumber && packet.length == 7 && !packet.isWhole && !packet.isFree)
      #expect(SeenPacket(number: 1, sequence: 0, iv: 0, payload: payload.prefix(0), isWhole: true).isWhole)
      #expect(SeenPacket().isFree)
    }
  }

  @Test func `many IVs, through many sizes of the table`() {
    let table = IVTable()
    let count = 20_000
    withBytes([1]) { payload in
      func enter(_ iv: Int, _ number: Int) -> IVTable.Verdict {
        table.enter(
          SeenPacket(
            number: UInt64(number), sequence: UInt32(iv), iv: UInt64(iv) << 20, payload: payload, isWhole: true),
          payload: payload)
      }
      for iv in 0..<count {
        guard case .fresh = enter(iv, iv + 1) else { return #expect(Bool(false), "\(iv)") }
      }
      for iv in 0..<count {
        guard case .duplicate = enter(iv, iv + 1 + count) else { return #expect(Bool(false), "\(iv)") }
      }
    }
    #expect(table.count == count)
  }

  @Test func `of one IV, the first is named, and a few are remembered`() {
    let table = IVTable()
    for number in 1...50 {
      withBytes([UInt8(number)]) { payload in
        let packet = SeenPacket(number: UInt64(number), sequence: 1, iv: 9, payload: payload, isWhole: true)
        switch table.enter(packet, payload: payload) {
        case .fresh: #expect(number == 1)
        case .duplicate: #expect(Bool(false), "\(number)")
        case .differs(let first): #expect(number > 1 && first.number == 1)
        }
      }
    }
    #expect(table.count == IVTable.mostVersions)
  }
}

func withBytes(_ octets: [UInt8], _ body: (Bytes) -> Void) {
  octets.withUnsafeBytes { body(Bytes($0)) }
}
