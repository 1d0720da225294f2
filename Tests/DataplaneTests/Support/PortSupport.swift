@testable import Dataplane
import Memory
import Testing

/// Packet memory for ports alone.
final class PortMemory {
  let memory: PacketMemory
  let frames: FrameSource

  init(frames count: Int = 1024) throws {
    var sizes = PacketMemorySizes()
    sizes.frames = count
    memory = try PacketMemory(sizes, near: nil)
    frames = FrameSource(memory)
  }

  deinit {
    frames.deallocate()
    memory.deallocate()
  }

  func octets(_ ref: PacketRef) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: memory.address(of: ref), count: Int(ref.length)))
  }

  func header(_ ref: PacketRef) -> FrameHeader { memory.header(of: ref).pointee }

  /// Takes everything that a port delivers, burst by burst, and gives the frames back.
  func drain<Port: ReceivePort>(_ port: inout Port, _ see: (PacketRef) -> Void) {
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    var isOpen = true
    while isOpen {
      var burst = Burst(refs)
      isOpen = port.receive(into: &burst)
      for index in 0..<burst.count {
        see(refs[index])
        frames.give(refs[index])
      }
    }
  }

  func all<Port: ReceivePort>(_ port: inout Port) -> [[UInt8]] {
    var list: [[UInt8]] = []
    drain(&port) { list.append(octets($0)) }
    return list
  }

  /// How many small frames are free: takes them all, and gives them back.
  var freeFrames: Int {
    var taken: [PacketRef] = []
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    while frames.take(length: 64, &ref) { taken.append(ref) }
    for ref in taken { frames.give(ref) }
    return taken.count
  }
}
