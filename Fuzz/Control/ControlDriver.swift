import ControlKit
import FuzzKit

/// Any octets as control messages, at any times, for a unit in any role: octets, envelope, gate, message, unit. Each step
/// has an octet of what it is and one of how it is meant; then come its own.
@main
enum ControlDriver {
  static func main() {
    fuzz { data, size in
      guard let data else { return }
      var input = FuzzInput(data, size)
      var world = World(input.byte())
      while !input.isEmpty { world.step(&input) }
      // Whatever was said, time goes on, and no timer is for ever in the past.
      world.pass(.second / 2)
    }
  }
}
