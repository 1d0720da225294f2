import CBaseline
import Contract
import Dataplane
import Memory

/// Warm packets that both sides read: the same bytes, in frames of our arena.
struct Traffic {
  let memory: PacketMemory
  let frames: FrameSource
  let refs: UnsafeMutablePointer<PacketRef>
  let packets: UnsafeMutablePointer<baseline_packet>
  let count: Int

  /// 64-byte packets of `flows` flows from the generator.
  init(count: Int, flows: Int) throws {
    var sizes = PacketMemorySizes()
    sizes.frames = (count + 1024 + 63) / 64 * 64
    memory = try PacketMemory(sizes, near: nil)
    frames = FrameSource(memory, keeping: sizes.frames)
    self.count = count
    refs = .allocate(capacity: count + Burst.capacity)
    packets = .allocate(capacity: count)
    var description = GeneratorDescription()
    description.packets = count
    description.flows = flows
    description.size = .fixed(64)
    var port = GeneratorPort(description, frames: frames)
    var made = 0
    while made < count {
      var burst = Burst(refs + made)
      _ = port.receive(into: &burst)
      made += burst.count
    }
    for index in 0..<count {
      let data = memory.address(of: refs[index]).assumingMemoryBound(to: UInt8.self)
      (packets + index).initialize(to: baseline_packet(data: UnsafePointer(data), length: refs[index].length))
    }
  }
}
