import CXDP
import Glibc
package import Memory

extension XDPQueue {
  /// Takes the frames over. They come back when the kernel has sent them; what it cannot take comes back at once.
  @inline(__always)
  package func send(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    var index = 0
    var packets = 0
    var bytes = 0
    while index < count {
      var ref = refs[index]
      index &+= 1
      let isUsual =
        ref.length >= Self.leastFrame && ref.length <= chunk && ref.length <= longestFrame
        && !(isZeroCopy && Self.isTorn(UInt64(ref.start), ref.length))
      let isTaken = isUsual ? sendWhole(ref) : sendUnusual(&ref)
      if isTaken {
        packets &+= 1
        bytes &+= Int(ref.length)
      }
    }
    counters.addSent(packets: packets, bytes: bytes)
  }

  /// Shows the kernel what there is to send, wakes it where it sleeps, and takes back what has been sent.
  @inline(__always)
  package func flush() {
    if state.pointee.submitted != state.pointee.socket.transmit.own {
      state.pointee.submitted = state.pointee.socket.transmit.own
      hauberk_xdp_submit(&state.pointee.socket.transmit)
    }
    let isPending = hauberk_xdp_is_pending(&state.pointee.socket.transmit)
    // Without zero-copy it is this thread that does the sending, in the call.
    if isPending, !isZeroCopy || hauberk_xdp_sleeps(&state.pointee.socket.transmit) {
      state.pointee.refusal = hauberk_xdp_kick(descriptor, &state.pointee.socket.transmit)
    }
    reclaim()
    if hauberk_xdp_sleeps(&state.pointee.socket.fill) { hauberk_xdp_tell_filled(descriptor) }
  }

  /// An Ethernet header.
  @inline(__always) static var leastFrame: UInt32 { 14 }
  /// A packet's pieces: as many as a socket buffer has places for.
  @inline(__always) static var mostPieces: UInt32 { 17 }

  @inline(__always)
  private func sendWhole(_ ref: PacketRef) -> Bool {
    guard hauberk_xdp_room(&state.pointee.socket.transmit, 1) != 0 || makeRoom(1) else {
      refuse(ref, cause)
      return false
    }
    put(Self.address(ref), ref.length, goesOn: false)
    lent.lend(ref.position)
    return true
  }

  @inline(__always)
  private func put(_ address: UInt64, _ length: UInt32, goesOn: Bool) {
    let index = state.pointee.socket.transmit.own
    hauberk_xdp_packet(&state.pointee.socket.transmit, index).pointee =
      hauberk_xdp_descriptor(address: address, length: length, options: goesOn ? Self.goesOn : 0)
    state.pointee.socket.transmit.own = index &+ 1
  }

  @inline(__always)
  private static func address(_ ref: PacketRef) -> UInt64 {
    UInt64(ref.start &- UInt32(ref.offset)) | UInt64(ref.offset) << offsetShift
  }

  @inline(never)
  private func makeRoom(_ wanted: UInt32) -> Bool {
    flush()
    return hauberk_xdp_room(&state.pointee.socket.transmit, wanted) >= wanted
  }

  @inline(never)
  private func refuse(_ ref: PacketRef, _ why: PortDrop) {
    counters.add(1, to: why)
    frames.give(ref)
  }

  private var cause: PortDrop {
    switch state.pointee.refusal {
    case ENETDOWN, ENXIO, ENODEV: .linkDown
    default: .noBuffer
    }
  }

  @inline(never)
  func reclaim() {
    while true {
      let ready = hauberk_xdp_ready(&state.pointee.socket.completion, Self.batch)
      guard ready != 0 else { return }
      var index = state.pointee.socket.completion.own
      let end = index &+ ready
      while index != end {
        let address = hauberk_xdp_address(&state.pointee.socket.completion, index).pointee
        index &+= 1
        if address & Self.mark != 0 { continue }
        let position = Self.position(address)
        lent.takeBack(position)
        frames.give(PacketRef(position: position, offset: 0, length: 0))
      }
      state.pointee.socket.completion.own = end
      hauberk_xdp_release(&state.pointee.socket.completion)
    }
  }

  // MARK: - What is too long for a chunk, or lies across two pages

  @inline(never)
  private func sendUnusual(_ ref: inout PacketRef) -> Bool {
    guard ref.length >= Self.leastFrame, ref.length <= longestFrame else {
      refuse(ref, ref.length < Self.leastFrame ? .refused : .tooBig)
      return false
    }
    if ref.length > chunk { return sendInPieces(ref) }
    guard move(&ref) else {
      refuse(ref, .noFrame)
      return false
    }
    return sendWhole(ref)
  }

  /// Into a frame that lies on one page. Of two that follow one another in a pool, one does.
  private func move(_ ref: inout PacketRef) -> Bool {
    var first = PacketRef(position: 0, offset: 0, length: 0)
    var second = first
    guard frames.take(length: Int(ref.length), &first) else { return false }
    if Self.isTorn(UInt64(first.start), ref.length) {
      let isThere = frames.take(length: Int(ref.length), &second)
      frames.give(first)
      guard isThere else { return false }
      guard !Self.isTorn(UInt64(second.start), ref.length) else {
        frames.give(second)
        return false
      }
      first = second
    }
    frames.memory.address(of: first).copyMemory(from: frames.memory.address(of: ref), byteCount: Int(ref.length))
    frames.give(ref)
    ref = first
    return true
  }

  /// In the address of a piece that is not the last one: no frame begins there. (Bit 0 does not come back from a kernel
  /// that marks something with it itself.)
  @inline(__always) static var mark: UInt64 { 2 }

  /// Every piece is a descriptor, and the last one says which frame comes back.
  private func sendInPieces(_ ref: PacketRef) -> Bool {
    guard
      hauberk_xdp_room(&state.pointee.socket.transmit, Self.mostPieces) >= Self.mostPieces || makeRoom(Self.mostPieces)
    else {
      refuse(ref, cause)
      return false
    }
    // One more may come of a page's end.
    guard ref.length <= chunk &* (Self.mostPieces &- 1), UInt32(ref.offset) &+ ref.length <= UInt32(UInt16.max)
    else {
      refuse(ref, .tooBig)
      return false
    }
    var place = UInt64(ref.start)
    var left = ref.length
    while true {
      let page = UInt32(truncatingIfNeeded: (place | 0x1f_ffff) &+ 1 &- place)
      var piece = left < chunk ? left : chunk
      // Only a device that reads memory by itself minds.
      if isZeroCopy, page < piece { piece = page }
      left &-= piece
      guard left != 0 else {
        let frame = UInt64(ref.start &- UInt32(ref.offset))
        put(frame | (place &- frame) << Self.offsetShift, piece, goesOn: false)
        lent.lend(ref.position)
        return true
      }
      let marked = (place &- Self.mark) & ~63 | Self.mark
      put(marked | (place &- marked) << Self.offsetShift, piece, goesOn: true)
      place &+= UInt64(piece)
    }
  }
}
