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
  /// They outlive the queue; whoever has read them at the end deallocates them.
  package let counters: PortCounters

  /// One queue for each worker's frames. The kernel divides by flow what it sends.
  package static func open(
    _ device: String, _ options: TapOptions = TapOptions(), frames: [FrameSource], counters: [PortCounters]? = nil
  ) throws(PortError) -> [TapQueue] {
    var queues: [TapQueue] = []
    for (number, source) in frames.enumerated() {
      do {
        queues.append(try TapQueue(device, options, source, counters?[number], isAlone: frames.count == 1))
      } catch {
        for queue in queues {
          queue.close()
          if counters == nil { queue.counters.deallocate() }
        }
        throw error
      }
    }
    return queues
  }

  private init(
    _ device: String, _ options: TapOptions, _ frames: FrameSource, _ counters: PortCounters?, isAlone: Bool
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
    self.counters = counters ?? PortCounters()
    arrivals = Arrivals(frames: frames, counters: self.counters, mtu: Int(hauberk_tap_mtu(made)))
  }

  package func close() { hauberk_tap_close(tap) }

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
    if rest.isDue() { settle() }
  }

  @inline(never)
  private mutating func settle() {
    let mtu = Int(hauberk_tap_mtu(tap))
    if mtu > 0 { arrivals.mtu = mtu }
  }

  /// Readable when there is something to receive.
  package var descriptor: Int32 { hauberk_tap_descriptor(tap) }

  package var device: String { String(cString: hauberk_tap_device(tap)) }

  /// Asks the kernel; any thread may.
  package var state: PortState { PortState(hauberk_tap_link(tap)) }
}
