import CXDP
import Glibc
package import Memory

/// One queue of a device, for one worker, over AF_XDP. A trivial handle on state of its own.
///
/// The kernel writes packets into frames that lie in the fill ring, and hands them out in the receive ring; what is in
/// the transmit ring comes back in the completion ring when it has been sent. An address names a frame in its lower 48
/// bits, and in the upper 16 where in the frame the packet begins; both survive the way through the kernel.
package struct XDPQueue: @unchecked Sendable {
  struct State {
    var socket: hauberk_xdp_socket
    /// Frames lent to receive into, whether the kernel has filled them or not.
    var lentToReceive: UInt32 = 0
    /// Where the transmit ring's end was when the kernel was last shown it.
    var submitted: UInt32 = 0
    /// Why the kernel did not take all at the last kick; 0 when it did.
    var refusal: Int32 = 0
    /// A packet in pieces, of which the last one has not come yet.
    var isGathering = false
    var isSpoiled = false
    var gathered = PacketRef(position: 0, offset: 0, length: 0)
  }

  let state: UnsafeMutablePointer<State>
  let frames: FrameSource
  let lent: LentFrames
  /// What the kernel is given of a frame.
  let chunk: UInt32
  let longestFrame: UInt32
  /// Packets may be longer than a chunk, on this registration of the memory.
  let isInPieces: Bool
  /// Frames on their way into the fill ring.
  let positions: UnsafeMutablePointer<UInt32>
  package let counters: PortCounters

  /// For poll, when there is nothing to do.
  package var descriptor: Int32 { state.pointee.socket.descriptor }
  package var isZeroCopy: Bool { state.pointee.socket.is_zero_copy }
  /// How many frames the kernel has.
  package var lentFrames: Int { lent.count }

  // MARK: - Receiving

  /// Appends what is there and fits.
  @inline(__always)
  package func receive(into burst: inout Burst) {
    let wanted = UInt32(truncatingIfNeeded: Burst.capacity &- burst.count)
    let ready = hauberk_xdp_ready(&state.pointee.socket.receive, wanted)
    if ready != 0 {
      take(ready, into: &burst)
      if state.pointee.lentToReceive &+ Self.batch <= state.pointee.socket.fill.size { fill() }
    } else if state.pointee.lentToReceive < state.pointee.socket.fill.size {
      fill()
    }
  }

  /// How many frames are lent at a time.
  @inline(__always) static var batch: UInt32 { 64 }

  @inline(__always)
  private func take(_ ready: UInt32, into burst: inout Burst) {
    let before = burst.count
    var bytes = 0
    var unfinished = 0
    var index = state.pointee.socket.receive.own
    let end = index &+ ready
    while index != end {
      let packet = hauberk_xdp_packet(&state.pointee.socket.receive, index).pointee
      index &+= 1
      let position = Self.position(packet.address)
      lent.takeBack(position)
      let ref = PacketRef(
        position: position, offset: UInt16(truncatingIfNeeded: packet.address >> Self.offsetShift),
        length: packet.length)
      if packet.options & Self.goesOn != 0 || state.pointee.isGathering {
        gather(ref, isLast: packet.options & Self.goesOn == 0, &burst, &bytes)
        continue
      }
      frames.memory.header(of: ref).pointee.wireLength = packet.length
      bytes &+= Int(packet.length)
      if UnfinishedChecksum.isIn(frames.memory.address(of: ref), Int(packet.length)) { unfinished &+= 1 }
      burst.append(ref)
    }
    state.pointee.socket.receive.own = end
    hauberk_xdp_release(&state.pointee.socket.receive)
    state.pointee.lentToReceive &-= ready
    counters.addReceived(packets: burst.count &- before, bytes: bytes)
    if unfinished != 0 { counters.addUnfinished(unfinished) }
  }

  /// A piece of a packet that is longer than a chunk: copied into a large frame.
  @inline(never)
  private func gather(_ piece: PacketRef, isLast: Bool, _ burst: inout Burst, _ bytes: inout Int) {
    if !state.pointee.isGathering {
      state.pointee.isGathering = true
      state.pointee.isSpoiled = !frames.take(length: Int(longestFrame), &state.pointee.gathered)
      if state.pointee.isSpoiled { counters.add(1, to: .noFrame) }
      state.pointee.gathered.length = 0
    }
    if !state.pointee.isSpoiled {
      let whole = state.pointee.gathered.length &+ piece.length
      if whole > longestFrame {
        state.pointee.isSpoiled = true
        counters.add(1, to: .tooLong)
        frames.give(state.pointee.gathered)
      } else {
        (frames.memory.address(of: state.pointee.gathered) + Int(state.pointee.gathered.length))
          .copyMemory(from: frames.memory.address(of: piece), byteCount: Int(piece.length))
        state.pointee.gathered.length = whole
      }
    }
    frames.give(piece)
    guard isLast else { return }
    state.pointee.isGathering = false
    guard !state.pointee.isSpoiled else { return }
    let ref = state.pointee.gathered
    frames.memory.header(of: ref).pointee.wireLength = ref.length
    bytes &+= Int(ref.length)
    burst.append(ref)
  }

  /// Lends the kernel as many frames as it may have. What is missing is tried again the next time.
  @inline(never)
  func fill() {
    // A frame that is lent to receive into has a place in the fill ring and one in the receive ring, whatever happens.
    while state.pointee.lentToReceive < state.pointee.socket.fill.size {
      let missing = state.pointee.socket.fill.size &- state.pointee.lentToReceive
      let wanted = missing < Self.batch ? missing : Self.batch
      let taken = frames.small.take(positions, count: Int(wanted))
      let unfit = put(taken)
      // They would be the first to be taken again.
      if unfit != 0 { frames.small.give(positions, count: unfit) }
      if taken != Int(wanted) || unfit != 0 { return }
    }
  }

  /// Returns how many the kernel cannot use; they are the first of `positions` then.
  @inline(__always)
  private func put(_ count: Int) -> Int {
    var unfit = 0
    var slot = 0
    var index = state.pointee.socket.fill.own
    while slot < count {
      let position = positions[slot]
      slot &+= 1
      let start = UInt64(position &* FrameAddresses.unit)
      if isZeroCopy, Self.isTorn(start, chunk) {
        positions[unfit] = position
        unfit &+= 1
        continue
      }
      hauberk_xdp_address(&state.pointee.socket.fill, index).pointee = start
      lent.lend(position)
      index &+= 1
    }
    state.pointee.lentToReceive &+= index &- state.pointee.socket.fill.own
    state.pointee.socket.fill.own = index
    hauberk_xdp_submit(&state.pointee.socket.fill)
    return unfit
  }

  // MARK: - Addresses

  @inline(__always) static var offsetShift: UInt64 { UInt64(HAUBERK_XDP_OFFSET_SHIFT) }
  @inline(__always) static var goesOn: UInt32 { UInt32(HAUBERK_XDP_GOES_ON) }

  /// The arena ends below 4 GiB, and so do addresses in it.
  @inline(__always)
  static func position(_ address: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: address) / FrameAddresses.unit
  }

  /// A device reads memory by the page, and two huge pages need not be neighbours. The arena begins with a whole one.
  @inline(__always)
  static func isTorn(_ start: UInt64, _ length: UInt32) -> Bool {
    (start ^ (start &+ UInt64(length) &- 1)) >> 21 != 0
  }
}
