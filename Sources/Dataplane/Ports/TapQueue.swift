import CKernel
import Glibc
package import Memory
package import Wire

/// How a TAP device is to be had.
package struct TapOptions: Sendable {
  /// Nil leaves what the kernel makes up.
  package var mac: MACAddress?
  /// Switched on at once. Otherwise somebody else does it.
  package var isUp = true

  package init() {}
}

/// One queue of a TAP device: what the local kernel sends is received, what is sent it receives.
package struct TapQueue {
  private let tap: OpaquePointer
  private let frames: FrameSource
  private var arrivals: Arrivals
  private var rest = RestKeeper()
  /// A handle has no counted references: the path of packets copies it.
  private let name: UnsafeMutablePointer<CChar>
  package var device: String { String(cString: name) }
  /// They outlive the queue; whoever has read them at the end deallocates them.
  package let counters: PortCounters

  /// One queue for each worker's frames. The kernel divides by flow what it sends.
  package static func open(
    _ device: String, _ options: TapOptions = TapOptions(), frames: [FrameSource]
  ) throws(PortError) -> [TapQueue] {
    var queues: [TapQueue] = []
    for source in frames {
      do {
        queues.append(try TapQueue(device, options, source, isAlone: frames.count == 1))
      } catch {
        for queue in queues {
          queue.close()
          queue.counters.deallocate()
        }
        throw error
      }
    }
    return queues
  }

  private init(
    _ device: String, _ options: TapOptions, _ frames: FrameSource, isAlone: Bool
  ) throws(PortError) {
    var made: OpaquePointer?
    var step: UnsafePointer<CChar>?
    var wanted = hauberk_tap_options()
    wanted.is_shared = !isAlone
    wanted.is_up = options.isUp
    if let mac = options.mac {
      wanted.has_mac = true
      withUnsafeMutableBytes(of: &wanted.mac) { $0.copyBytes(from: mac.octets) }
    }
    let failure = hauberk_tap_open(device, &wanted, &made, &step)
    guard failure == 0, let made else { throw PortError(device, step, failure) }
    tap = made
    self.frames = frames
    name = strdup(device)
    counters = PortCounters()
    arrivals = Arrivals(frames: frames, counters: counters, mtu: Int(hauberk_tap_mtu(made)))
  }

  package func close() {
    hauberk_tap_close(tap)
    free(name)
  }

  /// Appends what is there and fits.
  @inline(__always)
  package mutating func receive(into burst: inout Burst) {
    let before = burst.count
    var arrival = hauberk_arrival()
    while burst.count < Burst.capacity, hauberk_tap_peek(tap, &arrival) {
      guard arrivals.take(arrival, into: &burst) == .done else { break }
      hauberk_tap_pop(tap)
    }
    if burst.count > before {
      counters.addReceived(burst, from: before)
      rest.wasBusy()
    }
  }

  /// Takes the frames over, sends them, and gives them back.
  @inline(__always)
  package mutating func send(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    var place = 0
    while place < count {
      let ref = refs[place]
      let failure = hauberk_tap_send(tap, frames.memory.address(of: ref), ref.length)
      if failure == 0 {
        counters.addSent(packets: 1, bytes: Int(ref.length))
      } else {
        counters.add(1, to: PortDrop(sending: failure))
      }
      frames.give(ref)
      place &+= 1
    }
    if count > 0 { rest.wasBusy() }
  }

  /// Once a loop.
  @inline(__always)
  package mutating func flush() {
    guard rest.isDue() else { return }
    let mtu = Int(hauberk_tap_mtu(tap))
    if mtu > 0 { arrivals.mtu = mtu }
  }

  /// Readable when there is something to receive. It stays the same when the port is opened again.
  package var descriptor: Int32 { hauberk_tap_descriptor(tap) }

  /// Asks the kernel; any thread may.
  package var state: PortState { PortState(hauberk_tap_link(tap)) }

  /// Makes the device again, or one more queue of it, when it is gone. On the worker's own thread. A refusal changes
  /// nothing, and it may be tried again.
  package mutating func reopen() throws(PortError) {
    var step: UnsafePointer<CChar>?
    let failure = hauberk_tap_reopen(tap, &step)
    guard failure == 0 else { throw PortError(device, step, failure) }
    arrivals.stop()
    arrivals.mtu = Int(hauberk_tap_mtu(tap))
  }
}
