import Contract
import Memory
import Wire

/// What leaves in more pieces than it came.
extension LiveWorker {
  /// What is too long for its link is cut if it is IPv4 and may be (RFC 1812 section 5.2.6). False: its sender is to be told.
  @inline(never)
  mutating func sendInPieces<Watch: BurstWatch>(
    _ whole: PacketRef, _ offset: Int, _ action: SecureAction, _ hop: UInt32, _ forwarder: Forwarder,
    _ punts: inout Int, _ watch: Watch
  ) -> Bool {
    let inner = InnerHeader(
      stages.memory.address(start: whole.start) + offset, available: Int(whole.length) &- offset)
    if inner.isIPv6 || inner.dontFragment { return false }
    let cutter = IPv4Cutter(memory: stages.memory, frames: frames)
    var ref = whole
    let most = forwarder.tables.mtu(hop: hop)
    var next: PacketRef
    switch cutter.cut(&ref, ip: offset, length: inner.length, most: most) {
    case .pieces(let pieces):
      next = pieces
      // For whoever counts them.
      header(of: ref).pointee.made = pieces
      watch.went(ref, action, .none, hop: hop, exit: forwarder.tables.side(hop: hop))
      header(of: ref).pointee.made.length = 0
    case .refused(let found):
      let reason = found == .tooBigForLink ? .innerMalformed : found
      watch.went(whole, action, reason, hop: hop, exit: nil)
      refuse(whole, reason, hop, &punts)
      return true
    }
    var made = 0
    while true {
      let outcome = forwarder.send(&ref, ip: offset)
      if outcome.reason == .none {
        outcome.side == .inside ? leaving.add(ref, .inside, inside) : leaving.add(ref, .outside, outside)
      } else {
        refuse(ref, outcome.reason, outcome.hop, &punts)
      }
      if next.length == 0 { break }
      ref = next
      next = header(of: ref).pointee.made
      header(of: ref).pointee.made.length = 0
      made &+= 1
    }
    stages.counters.add(made, to: WorkerCounters.madePackets)
    return true
  }
}
