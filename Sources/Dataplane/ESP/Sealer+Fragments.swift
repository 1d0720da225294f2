import CCrypto
import CKernel
import Contract
import Memory
import Wire

/// A packet that with ESP around it is longer than the path takes (RFC 4301 section 8): an IPv4 packet that may be cut is
/// cut before it is sealed, for every other its sender is told what fits.
///
/// What is made here hangs at the packet that it was made out of, and leaves right behind it.
extension Sealer {
  /// What has been made of packets that were too big.
  struct Made {
    var packets = 0
    var bytes = 0
    /// Senders who have not been told, because too many were in this second.
    var unanswered = 0
  }

  /// The verdict on the packet itself, which is its first fragment now, or is dropped. `made` counts what hangs at it.
  @inline(never)
  func cut(
    _ ref: inout PacketRef, ip: Int, sa number: Int, job: Int, _ own: ClusterAddresses, _ made: inout Made
  ) -> DropReason {
    let sa = tables.outbound + number
    let frame = esp.address(of: ref)
    let inner = InnerHeader(frame + ip, available: Int(ref.length) &- ip)
    let most = sa.pointee.mostInside
    guard !sa.pointee.flags.contains(.isTransport), most >= 68 else { return .tooBigForPath }
    if inner.isIPv6 || inner.dontFragment {
      if let answer = tooBig(ref, ip: ip, inner, most: most, sa, own, &made) {
        esp.header(of: ref).pointee.made = answer
        made.packets &+= 1
        made.bytes &+= Int(answer.length)
      }
      return .tooBigForPath
    }
    // In clear first.
    let first: PacketRef
    switch cutter.cut(&ref, ip: ip, length: inner.length, most: most) {
    case .pieces(let pieces): first = pieces
    case .refused(let reason): return reason == .tooBigForLink ? .tooBigForPath : reason
    }
    let refusal = sealAlone(&ref, ip: ip, sa: number, job: job)
    if refusal != .none {
      cutter.release(first)
      return refusal
    }
    return hang(first, at: ref, ip: ip, sa: number, job: job, &made)
  }

  private var cutter: IPv4Cutter { IPv4Cutter(memory: esp.memory.addresses, frames: esp.frames) }

  /// Seals pieces in the order in which they leave, and hangs each at the one before. All of them leave or none: where
  /// numbers or nonces end, so does the packet.
  private func hang(
    _ first: PacketRef, at ref: PacketRef, ip: Int, sa: Int, job: Int, _ made: inout Made
  ) -> DropReason {
    var before = ref, next = first
    while next.length != 0 {
      var piece = next
      next = esp.header(of: piece).pointee.made
      esp.header(of: piece).pointee.made = IPv4Cutter.noPacket
      let refusal = sealAlone(&piece, ip: ip, sa: sa, job: job)
      if refusal != .none {
        esp.frames.give(piece)
        cutter.release(next)
        cutter.release(esp.header(of: ref).pointee.made)
        esp.header(of: ref).pointee.made = IPv4Cutter.noPacket
        made = Made()
        return refusal
      }
      esp.header(of: before).pointee.made = piece
      before = piece
      made.packets &+= 1
      made.bytes &+= Int(piece.length)
    }
    return .none
  }

  /// By a job that is nobody's: a packet that is cut has none of its own.
  private func sealAlone(_ ref: inout PacketRef, ip: Int, sa: Int, job: Int) -> DropReason {
    let refusal = prepare(&ref, 0, ip: ip, sa: sa, job: job)
    guard refusal == .none else { return refusal }
    let pending = esp.pending[job]
    esp.lane.seal(esp.jobs + job, count: 1)
    return finish(&ref, pending, isGood: esp.jobs[job].is_good != 0)
  }

  /// RFC 1122 section 3.2.2 and RFC 4443 section 2.4: errors are not answered by errors; an echo, which measures the path, is.
  private static func isError(_ packet: Dissection) -> Bool {
    guard packet.protocolNumber == (packet.addresses.isIPv6 ? IPProtocol.icmpv6 : IPProtocol.icmp) else { return false }
    guard let icmp = ICMPView(packet.upper) else { return true }
    return packet.addresses.isIPv6 ? icmp.type < 128 : icmp.isIPv4Error
  }

  /// Fragmentation needed (RFC 1191), packet too big (RFC 4443): from an address of ours to the sender, by the way that the
  /// packet came. Nil where there is no address of that family, the packet is one that nobody answers, or enough have been
  /// answered in this second (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4).
  private func tooBig(
    _ ref: PacketRef, ip: Int, _ inner: InnerHeader, most: Int, _ sa: UnsafeMutablePointer<OutboundSA>,
    _ own: ClusterAddresses, _ made: inout Made
  ) -> PacketRef? {
    guard let from = own.first(isIPv6: inner.isIPv6) else { return nil }
    let frame = esp.address(of: ref)
    let packet = Bytes(frame + ip, count: inner.length)
    let dissection = Dissection(quoted: packet, isIPv6: inner.isIPv6)
    guard dissection.fault == .none, dissection.isFirstFragment, !Self.isError(dissection) else { return nil }
    guard sa.pointee.state(of: esp.worker).pointee.mayAnswer(at: esp.header(of: ref).pointee.seconds) else {
      made.unanswered &+= 1
      return nil
    }
    let header = inner.isIPv6 ? IPv6View.length : IPv4View.minimumLength
    // As much as may be told without being too big itself.
    let quoted = min(inner.length, (inner.isIPv6 ? 1280 : 576) &- header &- 8)
    var answer = PacketRef(position: 0, offset: 0, length: 0)
    guard esp.frames.take(length: ip &+ header &+ 8 &+ quoted, &answer) else { return nil }
    let start = esp.address(of: answer), to = start + ip
    hauberk_copy(start, frame, ip)
    if esp.link == .ethernet {
      hauberk_copy(start, frame + 6, 6)
      hauberk_copy(start + 6, frame, 6)
    }
    hauberk_copy(to + header + 8, packet.base, quoted)
    ICMPAnswer.write(to, inner: packet, from: from, isIPv6: inner.isIPv6, mtu: most, quoted: quoted)
    let note = esp.header(of: answer)
    note.pointee = esp.header(of: ref).pointee
    note.pointee.made.length = 0
    return answer
  }
}
