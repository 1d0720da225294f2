package import Contract
package import Memory

/// What the injector has done.
package struct FaultCounts: Sendable {
  package var truncated = 0
  package var flipped = 0
  package var duplicated = 0
  package var reordered = 0
  package var dropped = 0
}

/// A port that spoils what another port delivers: the same faults for the same seed and input.
package struct FaultPort<Inner: ReceivePort>: ReceivePort {
  package private(set) var inner: Inner
  package private(set) var counts = FaultCounts()
  private let description: FaultDescription
  private let frames: FrameSource
  private var random: SeededRandom
  /// A packet that lets the next one pass.
  private var held: PacketRef?
  private var isOpen = true
  private let scratch: UnsafeMutablePointer<PacketRef>

  package init(_ inner: Inner, _ description: FaultDescription, frames: FrameSource) {
    self.inner = inner
    self.description = description
    self.frames = frames
    random = SeededRandom(seed: description.seed)
    scratch = .allocate(capacity: Burst.capacity)
  }

  package func deallocate() { scratch.deallocate() }

  package mutating func receive(into burst: inout Burst) -> Bool {
    // Every packet may come twice, and one may be waiting from the burst before.
    var fresh = Burst(scratch)
    let room = (Burst.capacity - burst.count - 1) / 2
    if isOpen, room > 0 { isOpen = receive(upTo: room, into: &fresh) }
    for index in 0..<fresh.count { spoil(fresh.refs[index], into: &burst) }
    if !isOpen, let last = held {
      burst.append(last)
      held = nil
    }
    return isOpen
  }

  /// Inner ports fill a burst to its capacity: the places beyond `room` are hidden behind an offset.
  private mutating func receive(upTo room: Int, into fresh: inout Burst) -> Bool {
    let hidden = Burst.capacity - room
    var window = Burst(fresh.refs, count: hidden)
    let open = inner.receive(into: &window)
    for index in hidden..<window.count { fresh.append(window.refs[index]) }
    return open
  }

  private mutating func strikes(_ share: Double) -> Bool {
    share > 0 && Double(random.next() >> 11) * 0x1p-53 < share
  }

  private mutating func spoil(_ original: PacketRef, into burst: inout Burst) {
    var ref = original
    if strikes(description.drop) {
      counts.dropped += 1
      frames.give(ref)
      return
    }
    if strikes(description.truncate), ref.length > 0 {
      counts.truncated += 1
      ref.length = UInt32(random.below(Int(ref.length)))
      frames.memory.header(of: ref).pointee.wireLength = ref.length
    }
    if strikes(description.flip), ref.length > 0 {
      counts.flipped += 1
      let bit = random.below(Int(ref.length) * 8)
      (frames.memory.address(of: ref) + bit / 8).assumingMemoryBound(to: UInt8.self).pointee ^= 1 << (bit % 8)
    }
    if held == nil, strikes(description.reorder) {
      counts.reordered += 1
      held = ref
      return
    }
    burst.append(ref)
    if strikes(description.duplicate), let copy = duplicate(ref) {
      counts.duplicated += 1
      burst.append(copy)
    }
    if let late = held {
      burst.append(late)
      held = nil
    }
  }

  private func duplicate(_ ref: PacketRef) -> PacketRef? {
    var copy = PacketRef(position: 0, offset: 0, length: 0)
    guard frames.take(length: Int(ref.length), &copy) else { return nil }
    frames.memory.address(of: copy).copyMemory(
      from: frames.memory.address(of: ref), byteCount: Int(ref.length))
    frames.memory.header(of: copy).pointee = frames.memory.header(of: ref).pointee
    return copy
  }
}
