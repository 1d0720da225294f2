package import Memory
import Rings
import Wire

/// Packets from a capture, copied into frames. Lossless: a packet that finds no frame waits in libpcap's buffer.
package struct CapturePort: ReceivePort {
  private let input: CaptureInput
  private let frames: FrameSource
  private var waiting: CapturedPacket?

  package init(_ input: CaptureInput, frames: FrameSource) {
    self.input = input
    self.frames = frames
  }

  package mutating func receive(into burst: inout Burst) -> Bool {
    while burst.count < Burst.capacity {
      guard let packet = waiting ?? input.next() else { return false }
      waiting = nil
      let length = packet.length
      guard length <= frames.memory.longestPacket else {
        // libpcap refuses packets of more than 256 KiB for these link types, so this is its change of mind.
        input.refuse(length: length)
        return false
      }
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      guard frames.take(length: length, &ref) else {
        waiting = packet
        return true
      }
      frames.memory.address(of: ref).copyMemory(from: packet.bytes, byteCount: length)
      let header = frames.memory.header(of: ref)
      header.pointee.seconds = packet.seconds
      header.pointee.nanoseconds = packet.nanoseconds
      header.pointee.wireLength = packet.wireLength
      burst.append(ref)
    }
    return true
  }
}
