import CKernel
import Memory
import Wire

/// From what a kernel hands out to frames of ours: a copy where nothing is left to do, a finished checksum where one
/// is not, segments where a whole train of them came.
struct Arrivals {
  let frames: FrameSource
  let counters: PortCounters
  /// The longest IP packet of the link, which segments keep to.
  var mtu: Int
  private var segmenter = Segmenter()
  private var seconds: UInt32 = 0
  private var nanoseconds: UInt32 = 0

  init(frames: FrameSource, counters: PortCounters, mtu: Int) {
    self.frames = frames
    self.counters = counters
    self.mtu = mtu
  }

  /// What became of an arrival.
  enum Outcome {
    /// It is done with: handed on, or counted.
    case done
    /// Segments of it are left; it has to stay where it is.
    case unfinished
    /// There is no frame for it. It has to stay, and may be offered again.
    case noFrame
  }

  /// Hands one arrival on, as far as there is room. The same one is offered again until it is done.
  @inline(__always)
  mutating func take(_ arrival: hauberk_arrival, into burst: inout Burst) -> Outcome {
    if segmenter.isActive { return goOn(into: &burst) }
    // A null pointer is none of these kernels', and a trap is none of ours.
    guard arrival.length == arrival.wire_length, let start = arrival.bytes else {
      counters.add(1, to: .tooLong)
      return .done
    }
    let frame = Bytes(start, count: Int(arrival.length))
    let offload = Offload(arrival.offload)
    guard offload.isWhole else { return begin(arrival, frame, offload, into: &burst) }
    let shift = arrival.tag == 0 ? 0 : VLANTagView.length
    let length = Int(arrival.length) &+ shift
    guard length <= frames.memory.longestPacket else {
      counters.add(1, to: .tooLong)
      return .done
    }
    guard length >= EthernetView.length &+ shift else {
      counters.add(1, to: .badOffload)
      return .done
    }
    var ref = PacketRef(position: 0, offset: 0, length: 0)
    guard frames.take(length: length, &ref) else { return .noFrame }
    let bytes = frames.memory.address(of: ref)
    _ = LinkLayer.copyHead(of: frame, frame.count, tag: arrival.tag, to: bytes)
    if !offload.hasChecksum {
      guard offload.finish(bytes, length: length, shift: shift) else {
        counters.add(1, to: .badOffload)
        frames.give(ref)
        return .done
      }
      counters.addFinishedChecksum()
    }
    handOn(ref, arrival.seconds, arrival.nanoseconds, &burst)
    return .done
  }

  @inline(never)
  private mutating func begin(
    _ arrival: hauberk_arrival, _ frame: Bytes, _ offload: Offload, into burst: inout Burst
  ) -> Outcome {
    guard segmenter.begin(frame, offload, tag: arrival.tag, mtu: mtu) else {
      counters.add(1, to: .badOffload)
      return .done
    }
    seconds = arrival.seconds
    nanoseconds = arrival.nanoseconds
    return goOn(into: &burst)
  }

  @inline(never)
  private mutating func goOn(into burst: inout Burst) -> Outcome {
    while segmenter.isActive, burst.count < Burst.capacity {
      var ref = PacketRef(position: 0, offset: 0, length: 0)
      let length = segmenter.nextLength
      guard length <= frames.memory.longestPacket else {
        counters.add(1, to: .tooLong)
        segmenter.stop()
        return .done
      }
      guard frames.take(length: length, &ref) else { return .noFrame }
      segmenter.next(into: frames.memory.address(of: ref))
      handOn(ref, seconds, nanoseconds, &burst)
    }
    if segmenter.isActive { return .unfinished }
    counters.addSegmented()
    return .done
  }

  @inline(__always)
  private func handOn(_ ref: PacketRef, _ seconds: UInt32, _ nanoseconds: UInt32, _ burst: inout Burst) {
    let header = frames.memory.header(of: ref)
    header.pointee.seconds = Int64(seconds)
    header.pointee.nanoseconds = nanoseconds
    header.pointee.wireLength = ref.length
    burst.append(ref)
  }
}
