import Contract
import Memory
import Wire

/// Packets of sets that change hands. They come here on the way of those that are not ours, so no other packet pays for it.
extension Stages {
  /// Nil where there is no cluster.
  var handover: UnsafeMutablePointer<Handover>? { UnsafeMutablePointer(bitPattern: scratch.handover.pointee) }

  /// What becomes of a packet with such a disposition.
  enum Turn {
    /// It lies with what is held.
    case held
    /// Ours or a drop, as its judgement says now. 0: there is nothing to note.
    case goesOn(digest: UInt64)
  }

  func turn(
    _ ref: inout PacketRef, _ action: SecureAction, _ snapshot: UnsafePointer<ClassifySnapshot>
  ) -> Turn {
    if ref.verdict == Disposition.kept {
      if hold(ref, snapshot) { return .held }
      ref.judgement = Judgement(workSet: ref.workSet, verdict: DropReason.workSetPending.rawValue)
      return .goesOn(digest: 0)
    }
    ref.judgement = Judgement(workSet: ref.workSet, worker: ref.judgement.worker)
    guard handover != nil else { return .goesOn(digest: 0) }
    if action.kindBits == SecureAction.Kind.reassemble.rawValue {
      ref.isGiven = true
      return .goesOn(digest: 0)
    }
    return .goesOn(digest: digest(of: ref, snapshot))
  }

  /// False: nothing is held here.
  func hold(_ ref: PacketRef, _ snapshot: UnsafePointer<ClassifySnapshot>) -> Bool {
    guard let handover, scratch.adopted.pointee != 0 else { return false }
    var kept = ref
    kept.judgement = Judgement()
    handover.pointee.holding.add(
      kept, set: Int(ref.workSet), side(of: ref, snapshot), digest: digest(of: ref, snapshot),
      table: OwnershipTail.of(table(snapshot)).pointee.number)
    return true
  }

  /// It is worked on, and whoever has the set next is to know.
  func noteGiven(_ digest: UInt64, set: UInt16, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    guard digest != 0, let handover else { return }
    handover.pointee.notes.add(digest, set: set, table: OwnershipTail.of(table(snapshot)).pointee.number)
  }

  /// A fragment waits for others. `isFirst`: of its datagram.
  func noteWaiting(_ ref: PacketRef, _ datagram: Int, isFirst: Bool, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    guard let handover else { return }
    if isFirst { handover.pointee.notes.settle(datagram: datagram, table: nil) }
    if ref.isGiven {
      handover.pointee.notes.wait(
        digest(of: ref, snapshot), set: ref.workSet, datagram: datagram, table: newestTable(snapshot))
    }
  }

  /// And now there are all. `datagram` nil: it waits for none after all.
  func noteWhole(_ ref: PacketRef, _ datagram: Int?, _ snapshot: UnsafePointer<ClassifySnapshot>) {
    guard let handover else { return }
    if let datagram { handover.pointee.notes.settle(datagram: datagram, table: newestTable(snapshot)) }
    if ref.isGiven {
      handover.pointee.notes.add(digest(of: ref, snapshot), set: ref.workSet, table: newestTable(snapshot))
    }
  }

  /// The worker that judged a fragment may have been further on than the one that puts it together.
  private func newestTable(_ snapshot: UnsafePointer<ClassifySnapshot>) -> UInt32 {
    OwnershipTail.of(snapshot.pointee.dispositions).pointee.number
  }

  func digest(of ref: PacketRef, _ snapshot: UnsafePointer<ClassifySnapshot>) -> UInt64 {
    PacketDigest.digest(
      Bytes(memory.address(start: ref.start), count: Int(ref.length)), snapshot.pointee.keyPointer)
  }

  /// A replay has one side, and its packets' numbers stand where a live gateway notes where they came in.
  func side(of ref: PacketRef, _ snapshot: UnsafePointer<ClassifySnapshot>) -> Side {
    let header = (memory.address(start: ref.start) - Int(ref.offset)).assumingMemoryBound(to: FrameHeader.self)
    return snapshot.pointee.isLive && header.pointee.sequence & 1 == 1 ? .outside : .inside
  }
}
