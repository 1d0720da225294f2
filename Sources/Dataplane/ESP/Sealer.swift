import CCrypto
import CKernel
import Contract
import Memory
import Nonces
import Wire

/// From clear packets to ESP, in place (RFC 4303 section 3.3): the outer header grows into the headroom, padding and
/// tag into the tailroom.
///
/// Two steps around the cipher: `prepare` decides, numbers and writes everything but the ciphertext; `finish` says how
/// long the packet has become. What a packet may not become is a verdict, and then its bytes are as they were.
struct Sealer {
  let tables: AssociationTables
  let esp: ESPWorker

  /// Why it cannot be sealed, or none: then job `job` is ready for the cipher.
  @inline(never)
  func prepare(_ ref: inout PacketRef, _ index: Int, ip: Int, sa number: Int, job: Int) -> DropReason {
    let sa = tables.outbound + number
    let frame = esp.address(of: ref)
    let available = Int(ref.length) &- ip
    let inner = InnerHeader(frame + ip, available: available)
    guard inner.length <= available, inner.length > 0 else { return .innerTruncated }
    if sa.pointee.flags.contains(.isTransport) {
      return prepareTransport(&ref, index, ip: ip, sa, number, inner, job: job)
    }
    guard esp.onlyFamily == 0 || esp.onlyFamily == (sa.pointee.flags.contains(.isOuterIPv6) ? 6 : 4) else {
      return .linkFamily
    }
    // How long everything gets.
    let front = sa.pointee.frontBytes
    var covered = inner.length
    if covered < Int(sa.pointee.paddedLength) { covered = Int(sa.pointee.paddedLength) }
    let mask = Int(sa.pointee.padMask)
    let padding = (0 &- (covered &+ 2)) & mask
    let encrypted = covered &+ padding &+ 2
    let total = front &+ encrypted &+ Int(sa.pointee.tagBytes)
    if total > Self.longest(sa) { return total > Int(UInt16.max) ? .tooLongToSeal : .tooBigForPath }
    let behind = encrypted &+ Int(sa.pointee.tagBytes) &- inner.length
    guard esp.room(behind: ref) &+ available &- inner.length >= behind,
      Int(ref.offset) &- FrameHeader.size >= front
    else { return .noRoomInFrame }

    var numbers = Numbers()
    let refusal = take(sa, &numbers, bytes: inner.length, ref)
    guard refusal == .none else { return refusal }

    // The link header moves to the front of what is to come.
    let start = frame - front
    Self.move(frame, to: start, count: ip)
    let outer = start + ip
    let espLength = 8 &+ Int(sa.pointee.ivBytes) &+ encrypted &+ Int(sa.pointee.tagBytes)
    writeOuter(sa, outer, inner, total: total, espLength: espLength, sequence: numbers.sequence)
    _ = esp.link.setFamily(isIPv6: sa.pointee.flags.contains(.isOuterIPv6), start, ip: ip)

    let payload = frame + ip
    Self.writeTrailer(payload + covered, padding: padding, next: inner.nextHeader)
    if covered > inner.length { Self.fill(payload + inner.length, covered &- inner.length) }
    writeJob(sa, outer + Int(sa.pointee.outerBytes), payload, encrypted, numbers, job)

    let step = UInt32(truncatingIfNeeded: front)
    ref.start &-= step
    ref.offset &-= UInt16(truncatingIfNeeded: front)
    ref.length = UInt32(truncatingIfNeeded: ip &+ total)
    esp.pending[job] = PendingPacket(
      index: UInt16(truncatingIfNeeded: index), ip: UInt8(truncatingIfNeeded: ip),
      sa: UInt32(truncatingIfNeeded: number), sequence: numbers.sequence, payload: UInt32(IPv6View.length))
    return .none
  }

  /// After the cipher.
  @inline(never)
  func finish(_ ref: inout PacketRef, _ pending: PendingPacket, isGood: Bool) -> DropReason {
    guard isGood else { return .noSenderID }
    let sa = tables.outbound + Int(pending.sa)
    if sa.pointee.flags.contains(.isEncapsulated), sa.pointee.flags.contains(.isOuterIPv6) {
      Self.sumDatagram(esp.address(of: ref) + Int(pending.ip), at: Int(pending.payload))
    }
    if esp.keepsStories {
      let header = esp.header(of: ref)
      header.pointee.storySequence = pending.sequence
      header.pointee.action = SecureAction.seal(Int(pending.sa)).bits
    }
    return .none
  }

  // MARK: Numbers

  struct Numbers {
    var sequence: UInt64 = 0
    var iv = CounterIV(raw: 0)
  }

  /// The next sequence number and nonce, and the counters; or why there is none. Nothing is used up by a refusal.
  @inline(__always)
  func take(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ numbers: inout Numbers, bytes: Int, _ ref: PacketRef
  ) -> DropReason {
    let state = sa.pointee.state(of: esp.worker)
    let counted = state.pointee.bytes &+ UInt64(truncatingIfNeeded: bytes)
    if state.pointee.sequence.isExhausted || counted > sa.pointee.softBytes || state.pointee.end != .none {
      let refusal = limited(sa, state, counted)
      if refusal != .none { return refusal }
    }
    if sa.pointee.flags.contains(.isTimed), isOver(sa, state, esp.header(of: ref).pointee.seconds) {
      return .lifetimeOver
    }
    if sa.pointee.flags.contains(.isCounterMode) {
      // At the end of a block, and now and then before: often enough to have the next one in time.
      if state.pointee.nonces.left & 0xffff == 0, !renew(sa, state) {
        state.pointee.withoutNonce &+= 1
        return .noSenderID
      }
      guard state.pointee.nonces.take(&numbers.iv) else { return .noSenderID }
    }
    let run = state.pointee.sequence.take(1)
    if run.reachedSoftLimit { _ = esp.report(.softLimit, sa: number(of: sa), tables.generation) }
    numbers.sequence = run.first
    state.pointee.bytes = counted
    state.pointee.renewBudget()
    return .none
  }

  /// A division, so only where control is told.
  private func number(of sa: UnsafeMutablePointer<OutboundSA>) -> Int {
    let distance = UInt(bitPattern: sa) &- UInt(bitPattern: tables.outbound)
    return Int(truncatingIfNeeded: distance / UInt(bitPattern: MemoryLayout<OutboundSA>.stride))
  }

  /// Takes up the next block when this one is used up, and asks for another in time. False: none is left.
  @inline(never)
  private func renew(_ sa: UnsafeMutablePointer<OutboundSA>, _ state: UnsafeMutablePointer<OutboundState>) -> Bool {
    // Without one it has asked already: a block for every packet that is dropped meanwhile would be a waste.
    if state.pointee.nonces.left == 0, state.pointee.nextNonces.left > 0 {
      state.pointee.nonces = state.pointee.nextNonces
      state.pointee.nextNonces = .none
      state.pointee.hasAskedForNonces = false
    }
    if state.pointee.nextNonces.left == 0, !state.pointee.hasAskedForNonces {
      state.pointee.hasAskedForNonces = esp.report(.nonces, sa: number(of: sa), tables.generation)
    }
    return state.pointee.nonces.left > 0
  }

  /// By the packet's own clock: so it is the same packet that comes too late, whichever worker has it and when.
  @inline(never)
  private func isOver(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ state: UnsafeMutablePointer<OutboundState>, _ now: Int64
  ) -> Bool {
    let age = now &- tables.epoch.pointee &- Int64(state.pointee.origin)
    if age >= Int64(sa.pointee.softSeconds), !state.pointee.hasReportedSeconds {
      state.pointee.hasReportedSeconds = esp.report(.softLimit, sa: number(of: sa), tables.generation)
    }
    guard age >= Int64(sa.pointee.hardSeconds) else { return false }
    state.pointee.overLifetime &+= 1
    return true
  }

  @inline(never)
  private func limited(
    _ sa: UnsafeMutablePointer<OutboundSA>, _ state: UnsafeMutablePointer<OutboundState>, _ bytes: UInt64
  ) -> DropReason {
    if state.pointee.end == .stateLost {
      state.pointee.stateLost.countUp()
      return .stateLost
    }
    if state.pointee.sequence.isExhausted {
      let natural: UInt64 = sa.pointee.flags.contains(.isExtended) ? .max : UInt64(UInt32.max)
      if state.pointee.sequence.limit == natural {
        state.pointee.exhausted &+= 1
        return .sequenceExhausted
      }
      state.pointee.overLifetime &+= 1
      return .lifetimeOver
    }
    if bytes > sa.pointee.softBytes, !state.pointee.hasReportedBytes {
      state.pointee.hasReportedBytes = esp.report(.softLimit, sa: number(of: sa), tables.generation)
    }
    guard bytes <= sa.pointee.hardBytes, state.pointee.end == .none else {
      state.pointee.overLifetime &+= 1
      return .lifetimeOver
    }
    return .none
  }

  /// Cut it was not, nor sealed.
  func countTooBig(sa number: Int) { tables.outbound[number].state(of: esp.worker).pointee.tooBig &+= 1 }

  @inline(__always)
  static func longest(_ sa: UnsafeMutablePointer<OutboundSA>) -> Int {
    Int(sa.pointee.longest)
  }
}
