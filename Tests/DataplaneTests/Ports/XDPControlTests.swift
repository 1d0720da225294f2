@testable import Dataplane
import Glibc
import PacketMaking
import Testing

/// What the members of a cluster tell each other is for a packet socket of the kernel's, and for no worker.
@Suite(.enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)), .serialized)
struct XDPControlTests {
  static let control = (0..<50).map { number in
    ethernet(.clusterControl, [UInt8](repeating: UInt8(number), count: 46 + number))
  }
  /// Tagged it is nobody's, and goes where everything goes.
  static let tagged = ethernet(.vlan, vlan(7, .clusterControl, [UInt8](repeating: 9, count: 46)))

  @Test(arguments: XDPHook.allCases)
  func aPacketSocketSeesItAndNoWorkerDoes(hook: XDPHook) throws {
    let found = try Namespace.run {
      let rig = try XDPRig(hook: hook)
      // It drops what the kernel gets of the device, behind its packet sockets.
      let guardian = try KernelGuard("in0", takesAddresses: false)
      let far = try RawSocket("in1"), member = try RawSocket("in0")
      for frame in Self.control + [Self.tagged, NumberedFrames.usual[0]] { _ = far.send(frame) }
      var seen: [[UInt8]] = [], received: [[UInt8]] = []
      let deadline = Deadline(milliseconds: 10_000)
      while received.count < 2 || seen.count < Self.control.count, !deadline.isOver {
        received += rig.receive(rig.workers[0].inside)
        rig.workers[0].inside.flush()
        while let frame = member.next() { seen.append(frame) }
      }
      guardian.release()
      return (seen == Self.control, received == [Self.tagged, NumberedFrames.usual[0]], rig.inside.counts, rig.close())
    }
    #expect(found.0 && found.1)
    #expect(found.2.control == 50 && found.2.redirected == 2 && found.2.passed == 0 && found.2.filtered == 0)
    #expect(found.3 == 0, "frames that did not come back")
  }
}
