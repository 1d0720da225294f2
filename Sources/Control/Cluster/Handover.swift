/// A packet that its set's last owner has worked on while the next one held it as well (X10).
public struct WorkedPacket: Equatable, Sendable {
  public var set: UInt16
  /// Of the whole packet, the same in every member's copy.
  public var digest: UInt64

  public init(set: UInt16, digest: UInt64) {
    self.set = set
    self.digest = digest
  }
}

/// What the dataplane has worked on since it was told to note it.
public struct WorkNotes: Equatable, Sendable {
  public var packets: [WorkedPacket]
  /// False: there were more than there was room for. Nobody can say of a held packet any more that it is still to be done.
  public var isComplete: Bool

  public init(_ packets: [WorkedPacket] = [], isComplete: Bool = true) {
    self.packets = packets
    self.isComplete = isComplete
  }

  func of(_ sets: WorkSetBitmap) -> WorkNotes {
    WorkNotes(packets.filter { sets.contains(Int($0.set)) }, isComplete: isComplete)
  }
}
