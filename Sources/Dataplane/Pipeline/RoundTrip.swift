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
  /// The inner packets of a burst, one behind the other, and where each begins.
  let copies: UnsafeMutableRawPointer
  let starts: UnsafeMutablePointer<Int>
  let lengths: UnsafeMutablePointer<Int>

  package init(_ snapshot: UnsafePointer<ClassifySnapshot>, _ esp: ESPWorker) {
    self.snapshot = snapshot
    self.esp = esp
    // As much as there may be; what is never written is never there.
    copies = .allocate(byteCount: Burst.capacity * esp.memory.longestPacket, alignment: 64)
    starts = .allocate(capacity: Burst.capacity)
    starts.initialize(repeating: 0, count: Burst.capacity)
    lengths = .allocate(capacity: Burst.capacity)
    lengths.initialize(repeating: 0, count: Burst.capacity)
  }

  package func deallocate() {
    copies.deallocate()
    starts.deallocate()
    lengths.deallocate()
    esp.deallocate()
  }

  /// Before anything is sealed.
  @inline(never)
  func copy(_ burst: Burst, _ places: UnsafeMutablePointer<PacketPlaces>) {
    var start = 0
    for index in 0..<burst.count {
      let ref = burst.refs[index]
      starts[index] = start
      lengths[index] = 0
      guard ref.verdict == 0 else { continue }
      let ip = esp.address(of: ref) + places[index].ip
      let available = Int(ref.length) &- places[index].ip
      let length = min(InnerHeader(ip, available: available).length, available)
      hauberk_copy(copies + start, ip, length)
      lengths[index] = length
      start &+= length
    }
  }

  @inline(never)
  func isSame(_ ref: PacketRef, _ index: Int, ip: Int) -> Bool {
    let length = Int(ref.length) &- ip
    guard length == lengths[index] else { return false }
    return hauberk_is_same(esp.address(of: ref) + ip, copies + starts[index], length) != 0
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
    for index in 0..<burst.count where burst.refs[index].verdict == 0 {
      let ref = burst.refs[index]
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
    for index in 0..<burst.count where burst.refs[index].verdict == 0 {
      if !trip.isSame(burst.refs[index], index, ip: scratch.places[index].ip) {
        Protector.refuse(burst, index, .mismatched, counters)
      }
    }
  }

  private func refuseAll(_ burst: Burst, _ mask: UInt64) {
    for index in 0..<burst.count where mask &>> UInt64(truncatingIfNeeded: index) & 1 == 1 {
      let action = scratch.actions[index]
      guard action.kind != .seal, action.kind != .open else { continue }
      let reason = action.kind == .refuse ? action.reasonBits : DropReason.noPolicy.rawValue
      Protector.refuse(burst, index, reason, counters)
    }
  }
}
