import CKernel
import Contract
import Memory
import Wire

/// The other end of every tunnel, in the same worker: what gateway A has sealed, gateway B opens, and what comes out is
/// held against what went in.
package struct RoundTrip: @unchecked Sendable {
  /// Who gateway B is, and what it can open.
  let snapshot: UnsafePointer<ClassifySnapshot>
  let esp: ESPWorker
  /// The packets of a burst with their link headers, one behind the other: where each begins, how long its link header
  /// is, and how long the packet behind it.
  let copies: UnsafeMutableRawPointer
  let starts: UnsafeMutablePointer<Int>
  let links: UnsafeMutablePointer<Int>
  let lengths: UnsafeMutablePointer<Int>

  package init(_ snapshot: UnsafePointer<ClassifySnapshot>, _ esp: ESPWorker) {
    self.snapshot = snapshot
    self.esp = esp
    // As much as there may be; what is never written is never there.
    copies = .allocate(byteCount: Burst.capacity * esp.memory.longestPacket, alignment: 64)
    starts = Self.room()
    links = Self.room()
    lengths = Self.room()
  }

  private static func room() -> UnsafeMutablePointer<Int> {
    let room = UnsafeMutablePointer<Int>.allocate(capacity: Burst.capacity)
    room.initialize(repeating: 0, count: Burst.capacity)
    return room
  }

  package func deallocate() {
    copies.deallocate()
    starts.deallocate()
    links.deallocate()
    lengths.deallocate()
    esp.deallocate()
  }

  /// Before anything is sealed.
  @inline(never)
  func copy(_ burst: Burst, _ places: UnsafeMutablePointer<PacketPlaces>) {
    var start = 0
    var index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      starts[index] = start
      links[index] = places[index].ip
      lengths[index] = 0
      if ref.verdict == 0 {
        let frame = esp.address(of: ref), link = places[index].ip
        let available = Int(ref.length) &- link
        let length = min(InnerHeader(frame + link, available: available).length, available)
        hauberk_copy(copies + start, frame, link &+ length)
        lengths[index] = length
        start &+= link &+ length
      }
      index &+= 1
    }
  }

  /// Whether a packet is what it was. The tunnel did not carry its link header: that is put back, because a family's number
  /// for IPv6 depends on the system, and the one of the header that came out is ours.
  @inline(never)
  func isSame(_ ref: PacketRef, _ index: Int, ip: Int) -> Bool {
    let length = Int(ref.length) &- ip
    guard length == lengths[index], ip == links[index] else { return false }
    let frame = esp.address(of: ref), copy = copies + starts[index]
    guard hauberk_is_same(frame + ip, copy + ip, length) != 0 else { return false }
    hauberk_copy(frame, copy, ip)
    return true
  }
}

extension Stages {
  /// There and back: seal as A; receive, classify and open as B; compare.
  @inline(never)
  func goThere(
    _ burst: inout Burst, _ protector: Protector, _ snapshot: UnsafePointer<ClassifySnapshot>, _ trip: RoundTrip
  ) {
    let sorted = protector.sort(burst, scratch.actions)
    if sorted.other & ~(sorted.seal | sorted.open) != 0 { refuseAll(burst, sorted.other) }
    trip.copy(burst, scratch.places)
    var bytes = 0
    if sorted.seal != 0 {
      _ = protector.seal(burst, sorted.seal, isVaried: true, scratch.actions, scratch.places, counters, &bytes)
    }

    let far = Protector(
      trip.snapshot.pointee.tables ?? protector.sealer.tables, trip.snapshot, trip.esp)
    var opening: UInt64 = 0
    var index = 0
    while index < burst.count {
      defer { index &+= 1 }
      let ref = burst.refs[index]
      guard ref.verdict == 0 else { continue }
      let frame = Bytes(memory.address(start: ref.start), count: Int(ref.length))
      let result = Classifier.judgeFully(frame, trip.snapshot, trip.esp.link)
      scratch.places[index] = PacketPlaces(ip: result.offset, esp: result.espOffset)
      scratch.actions[index] = result.action
      if result.reason != .none {
        Protector.refuse(burst, index, result.reason, counters)
      } else if result.action.kind == .open {
        opening |= 1 &<< UInt64(truncatingIfNeeded: index)
      } else {
        Protector.refuse(burst, index, .unknownSPI, counters)
      }
    }
    if opening != 0 { _ = far.open(burst, opening, isVaried: true, scratch.actions, scratch.places, counters, &bytes) }
    index = 0
    while index < burst.count {
      let ref = burst.refs[index]
      if ref.verdict == 0, !trip.isSame(ref, index, ip: scratch.places[index].ip) {
        Protector.refuse(burst, index, .mismatched, counters)
      }
      index &+= 1
    }
  }

  private func refuseAll(_ burst: Burst, _ mask: UInt64) {
    var left = mask
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      let action = scratch.actions[index]
      guard action.kind != .seal, action.kind != .open else { continue }
      let reason = action.kind == .refuse ? action.reasonBits : DropReason.noPolicy.rawValue
      Protector.refuse(burst, index, reason, counters)
    }
  }
}
