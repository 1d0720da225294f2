import Dataplane
import Glibc
import Memory

// A process to be killed: it takes the devices `in0` and `out0` of its network over, says `open`, and forwards between
// them until somebody ends it.

/// One line, in one piece.
func say(_ line: String, to file: Int32 = 1) {
  let octets = Array((line + "\n").utf8)
  guard write(file, octets, octets.count) == octets.count else { exit(2) }
}

@main enum Main {
  static func main() {
    do {
      let memory = try PacketMemory(PacketMemorySizes(), near: nil)
      let chunk = try XDPQueue.chunk(memory)
      let inside = try XDPDevice("in0", chunk: chunk)
      let outside = try XDPDevice("out0", chunk: chunk)
      let (one, other) = try XDPQueue.open(
        inside: inside, outside: outside, queue: 0, frames: FrameSource(memory),
        counters: (PortCounters(), PortCounters()))
      say("open")
      let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
      while true {
        for (from, to) in [(one, other), (other, one)] {
          var burst = Burst(refs)
          from.receive(into: &burst)
          to.send(burst.refs, burst.count)
          to.flush()
        }
        usleep(100)
      }
    } catch {
      say("\(error)", to: 2)
      exit(1)
    }
  }
}
