import CCrypto
import CKernel
import Contract
import Memory
import Wire

/// From ESP to clear packets, in place (RFC 4303 section 3.4). What is not authentic changes nothing but a counter: the
/// window is asked before the cipher and moved after it.
struct Opener {
  let tables: AssociationTables
  /// Its policies say whose traffic a packet is.
  let snapshot: UnsafePointer<ClassifySnapshot>
  let esp: ESPWorker

  @inline(__always) var policies: PolicyTable { snapshot.pointee.policies }

  /// Why it cannot be opened, or none: then job `job` is ready for the cipher.
  @inline(never)
  func prepare(_ ref: PacketRef, _ index: Int, places: PacketPlaces, sa number: Int, job: Int) -> DropReason {
    let sa = tables.inbound + number
    let state = sa.pointee.state(of: esp.worker)
    let frame = esp.address(of: ref)
    let outer = frame + places.ip
    let header = frame + places.esp
    let shape = OuterShape(outer)
    let end = places.ip &+ shape.length
    guard end <= Int(ref.length) else { return malformed(state, .innerTruncated) }
    let ivBytes = Int(sa.pointee.ivBytes), tagBytes = Int(sa.pointee.tagBytes)
    // SPI, sequence number, IV, ciphertext of at least a trailer, tag.
    let encrypted = end &- places.esp &- 8 &- ivBytes &- tagBytes
    guard encrypted >= 2 else { return malformed(state, .espTooShort) }
    guard encrypted & Int(sa.pointee.padMask) == 0 else { return malformed(state, .espMisaligned) }

    let words = UInt64(bigEndian: header.loadUnaligned(as: UInt64.self))
    let low = UInt32(truncatingIfNeeded: words)
    var check = ReplayWindow.Check(verdict: .fresh, sequence: UInt64(low))
    if let window = window(sa, header) {
      check = window.check(low)
      guard check.verdict == .fresh else { return late(state, window, check.verdict) }
    }
    writeJob(sa, header, encrypted, check.sequence, job)
    esp.pending[job] = PendingPacket(
      index: UInt16(truncatingIfNeeded: index), ip: UInt8(truncatingIfNeeded: places.ip),
      sa: UInt32(truncatingIfNeeded: number), sequence: check.sequence,
      length: UInt32(truncatingIfNeeded: encrypted),
      payload: UInt32(truncatingIfNeeded: places.esp &+ 8 &+ ivBytes), mark: shape.mark)
    return .none
  }

  /// A unicast SA's window, or a group sender's; nil for a sender who has none yet.
  @inline(__always)
  private func window(_ sa: UnsafeMutablePointer<InboundSA>, _ header: UnsafeMutableRawPointer) -> ReplayWindow? {
    guard let senders = sa.pointee.senders else { return ReplayWindow(following: sa.pointee.state) }
    return senders.pointee.window(of: Self.sender(sa, header))
  }

  @inline(__always)
  private static func sender(_ sa: UnsafeMutablePointer<InboundSA>, _ header: UnsafeMutableRawPointer) -> Int {
    let iv = UInt64(bigEndian: header.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    return Int(truncatingIfNeeded: iv &>> UInt64(sa.pointee.senderShift))
  }

  @inline(__always)
  private func writeJob(
    _ sa: UnsafeMutablePointer<InboundSA>, _ header: UnsafeMutableRawPointer, _ encrypted: Int, _ sequence: UInt64,
    _ job: Int
  ) {
    let flags = sa.pointee.flags
    let ivBytes = Int(sa.pointee.ivBytes)
    let slot = esp.slot(job)
    var iv: UInt64 = 0
    if flags.contains(.isCounterMode) {
      iv = header.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      slot.storeBytes(of: SIMD2<UInt64>(UInt64(sa.pointee.salt) | iv << 32, iv >> 32), as: SIMD2<UInt64>.self)
    } else if ivBytes == 16 {
      hauberk_copy(slot, header + 8, 16)
    }
    var aad = UnsafeRawPointer(header)
    var aadLength = flags.contains(.authenticatesIV) ? 8 &+ ivBytes : 8
    var suffix: UnsafeRawPointer?
    if flags.contains(.isExtended) {
      if flags.contains(.hasSuffix) {
        let high = UInt32(truncatingIfNeeded: sequence >> 32).bigEndian
        (slot + ESPWorker.suffixOffset).storeBytes(of: high, as: UInt32.self)
        suffix = UnsafeRawPointer(slot + ESPWorker.suffixOffset)
      } else {
        ESPWorker.writeExtendedAAD(slot + ESPWorker.aadOffset, spi: sa.pointee.spi, sequence: sequence, iv: iv)
        aad = UnsafeRawPointer(slot + ESPWorker.aadOffset)
        aadLength = flags.contains(.authenticatesIV) ? 12 &+ ivBytes : 12
      }
    }
    let payload = header + 8 + ivBytes
    esp.jobs[job] = hauberk_packet(
      key: sa.pointee.key.key, nonce: Sealer.octets(slot), aad: Sealer.octets(aad),
      payload: payload.assumingMemoryBound(to: UInt8.self),
      tag: (payload + encrypted).assumingMemoryBound(to: UInt8.self), suffix: suffix.map(Sealer.octets),
      aad_length: UInt32(truncatingIfNeeded: aadLength), length: UInt32(truncatingIfNeeded: encrypted), is_good: 0,
      spare: 0)
  }

  /// After the cipher: the window first, then what is inside.
  @inline(never)
  func finish(_ ref: inout PacketRef, _ pending: PendingPacket, isGood: Bool) -> DropReason {
    let sa = tables.inbound + Int(pending.sa)
    let state = sa.pointee.state(of: esp.worker)
    guard isGood else {
      state.pointee.integrity &+= 1
      return .integrity
    }
    let header = esp.address(of: ref) + Int(pending.payload) - Int(sa.pointee.ivBytes) - 8
    guard let window = window(sa, header) ?? newWindow(sa, header, ref.workSet) else {
      return withoutWindow(sa, state, ref.workSet)
    }
    let verdict = window.commit(pending.sequence)
    guard verdict == .fresh else { return late(state, window, verdict) }
    if esp.keepsStories {
      let story = esp.header(of: ref)
      story.pointee.storySequence = pending.sequence
      story.pointee.action = SecureAction.open(Int(pending.sa)).bits
    }
    let reason = strip(&ref, pending, sa)
    if reason == .none {
      state.pointee.packets &+= 1
      state.pointee.bytes &+= UInt64(truncatingIfNeeded: Int(ref.length) &- Int(pending.ip))
    } else if reason == .selectorMismatch {
      state.pointee.selector &+= 1
    } else if !reason.isConsumption {
      state.pointee.malformed &+= 1
    }
    return reason
  }

  /// Nil where none is left, and where the sender may have had one that went with another member.
  @inline(__always)
  private func newWindow(
    _ sa: UnsafeMutablePointer<InboundSA>, _ header: UnsafeMutableRawPointer, _ set: UInt16
  ) -> ReplayWindow? {
    guard let senders = sa.pointee.senders, !senders.pointee.isClosed(set) else { return nil }
    return senders.pointee.give(to: Self.sender(sa, header))
  }

  @inline(never)
  private func withoutWindow(
    _ sa: UnsafeMutablePointer<InboundSA>, _ state: UnsafeMutablePointer<InboundState>, _ set: UInt16
  ) -> DropReason {
    if sa.pointee.senders?.pointee.isClosed(set) ?? false {
      state.pointee.stateLost.countUp()
      return .stateLost
    }
    state.pointee.withoutWindow.countUp()
    return .noSenderWindow
  }

  @inline(never)
  private func late(
    _ state: UnsafeMutablePointer<InboundState>, _ window: ReplayWindow, _ verdict: ReplayWindow.Verdict
  ) -> DropReason {
    if window.isClosed {
      state.pointee.stateLost.countUp()
      return .stateLost
    }
    if verdict == .tooOld {
      state.pointee.outsideWindow &+= 1
      return .outsideWindow
    }
    state.pointee.replayed &+= 1
    return .replayed
  }

  @inline(never)
  private func malformed(_ state: UnsafeMutablePointer<InboundState>, _ reason: DropReason) -> DropReason {
    state.pointee.malformed &+= 1
    return reason
  }
}

/// What of the outer header matters when a packet is opened.
struct OuterShape {
  /// Of the whole packet.
  let length: Int
  /// Its congestion mark.
  let mark: UInt8

  @inline(__always)
  init(_ header: UnsafeMutableRawPointer) {
    let first = UInt64(bigEndian: header.loadUnaligned(as: UInt64.self))
    if first >> 60 == 4 {
      length = Int(first >> 32 & 0xffff)
      mark = UInt8(truncatingIfNeeded: first >> 48 & 3)
    } else {
      length = Int(first >> 16 & 0xffff) &+ IPv6View.length
      mark = UInt8(truncatingIfNeeded: first >> 52 & 3)
    }
  }
}
