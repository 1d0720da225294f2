import CKernel
import CPcap
package import Memory
import Wire

/// libpcap on a device: the last resort, for one worker. It is not told of offloads: what is longer than the link
/// takes is divided as a stream by what the link takes, and a checksum that was left unfinished stays wrong, and is counted.
package struct PcapQueue {
  private let live: OpaquePointer
  private let frames: FrameSource
  private var arrivals: Arrivals
  private var rest = RestKeeper()
  private var lost: UInt32 = 0
  /// They outlive the queue; whoever has read them at the end deallocates them.
  package let counters: PortCounters

  package static func open(
    _ device: String, frames: FrameSource, counters: PortCounters? = nil
  ) throws(PortError) -> PcapQueue {
    var words = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let live = hauberk_live_open(device, &words) else { throw PortError(device, words) }
    return PcapQueue(live, frames, counters)
  }

  private init(_ live: OpaquePointer, _ frames: FrameSource, _ counters: PortCounters?) {
    self.live = live
    self.frames = frames
    self.counters = counters ?? PortCounters()
    arrivals = Arrivals(frames: frames, counters: self.counters, mtu: Int(hauberk_live_mtu(live)))
  }

  package func close() { hauberk_live_close(live) }

  /// Appends what is there and fits.
  @inline(__always)
  package mutating func receive(into burst: inout Burst) {
    let before = burst.count
    var arrival = hauberk_arrival()
    while burst.count < Burst.capacity, hauberk_live_peek(live, &arrival) {
      // No link lets a frame this long in: it has not been on one.
      if Int(arrival.length) > arrivals.mtu &+ LinkLayer.most { arrival.offload = Self.guess(arrival) }
      guard arrivals.take(arrival, into: &burst) == .done else { break }
      hauberk_live_pop(live)
    }
    if burst.count > before {
      counters.addReceived(burst, from: before)
      look(at: burst, from: before)
      rest.wasBusy()
    }
  }

  private func look(at burst: Burst, from start: Int) {
    var unfinished = 0
    var index = start
    while index < burst.count {
      let ref = burst.refs[index]
      index &+= 1
      if UnfinishedChecksum.isIn(frames.memory.address(of: ref), Int(ref.length)) { unfinished &+= 1 }
    }
    if unfinished > 0 { counters.addUnfinished(unfinished) }
  }

  /// A stream in segments as long as can be.
  @inline(never)
  private static func guess(_ arrival: hauberk_arrival) -> hauberk_offload {
    var offload = hauberk_offload()
    guard let start = arrival.bytes else { return offload }
    let frame = Bytes(start, count: Int(arrival.length))
    let network = LinkLayer.network(in: frame)
    let isIPv4 = network.map { frame.uint16(at: $0 &- 2) == EtherType.ipv4 } ?? false
    offload.kind = isIPv4 ? Offload.tcp4 : Offload.tcp6
    offload.segment_size = .max
    return offload
  }

  /// Takes the frames over, sends them, and gives them back.
  @inline(__always)
  package mutating func send(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    var place = 0
    while place < count {
      let ref = refs[place]
      let failure = hauberk_live_send(live, frames.memory.address(of: ref), ref.length)
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
    let mtu = Int(hauberk_live_mtu(live))
    if mtu > 0 { arrivals.mtu = mtu }
    let all = hauberk_live_lost(live)
    guard all > lost else { return }
    counters.add(Int(all &- lost), to: .ringFull)
    lost = all
  }

  /// Readable when there is something to receive.
  package var descriptor: Int32 { hauberk_live_descriptor(live) }

  package var device: String { String(cString: hauberk_live_device(live)) }

  /// Asks the kernel; any thread may.
  package var state: PortState { PortState(hauberk_live_link(live)) }
}

extension PortError {
  /// In libpcap's words.
  fileprivate init(_ device: String, _ words: [CChar]) {
    let octets = words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    self.init("\(device): \(String(decoding: octets, as: UTF8.self))")
  }
}
