import Contract

/// Consignments on their way to us, and what has come of sets that are not ours yet.
struct Arrivals: Sendable {
  /// What the last owner of a set has sent along.
  struct Arrival: Sendable {
    var version: UInt64
    var notes: WorkNotes
    var state: [UInt8]?
    /// It had more state than could be sent.
    var isWhole: Bool
  }

  /// Each life of a sender counts from one.
  private struct Name: Hashable {
    var sender: MemberNumber
    var incarnation: UInt64
    var number: UInt32
  }

  private struct Incoming {
    var parts: [[UInt8]?]
    var missing: Int
    /// When its last part came, in parts.
    var touched: UInt64
  }

  private var incoming: [Name: Incoming] = [:]
  /// The last that came whole: its receipts may have been lost.
  private var whole: [Name] = []
  private var bySet: [Int: Arrival] = [:]
  private var clock: UInt64 = 0

  private static let mostIncoming = ClusterDescription.mostUnits
  private static let mostOfSender = 16
  private static let mostWhole = 256

  /// True: a receipt is due.
  mutating func take(_ part: ConsignmentPart, from sender: Sender, running: WorkSetBitmap) -> Bool {
    let name = Name(sender: sender.unit, incarnation: sender.incarnation, number: part.number)
    if whole.contains(name) { return true }
    let count = Int(part.count), place = Int(part.place)
    guard (1...Consignment.mostParts).contains(count), place < count,
      part.octets.count <= Consignment.partOctets
    else { return false }
    clock += 1
    if incoming[name] == nil {
      makeRoom(for: sender.unit)
      incoming[name] = Incoming(parts: Array(repeating: nil, count: count), missing: count, touched: clock)
    }
    guard incoming[name]?.parts.count == count else { return false }
    incoming[name]?.touched = clock
    guard incoming[name]?.parts[place] == nil else { return true }
    incoming[name]?.parts[place] = part.octets
    incoming[name]?.missing -= 1
    guard incoming[name]?.missing == 0, let done = incoming.removeValue(forKey: name) else { return true }
    whole.append(name)
    if whole.count > Self.mostWhole { whole.removeFirst() }
    if let content = ConsignmentContent(done.parts.flatMap { $0 ?? [] }) { unpack(content, part.version, running) }
    return true
  }

  /// What its sender has given up never comes whole: that goes of which nothing has come for the longest.
  private mutating func makeRoom(for sender: MemberNumber) {
    let his = incoming.filter { $0.key.sender == sender }
    let crowd = his.count >= Self.mostOfSender ? his : incoming.count >= Self.mostIncoming ? incoming : [:]
    guard let oldest = crowd.min(by: { $0.value.touched < $1.value.touched }) else { return }
    incoming[oldest.key] = nil
  }

  private mutating func unpack(_ content: ConsignmentContent, _ version: UInt64, _ running: WorkSetBitmap) {
    var notes: [UInt16: [WorkedPacket]] = [:]
    for packet in content.notes.packets { notes[packet.set, default: []].append(packet) }
    content.sets.subtracting(running).forEach { set in
      guard bySet[set].map({ $0.version <= version }) ?? true else { return }
      bySet[set] = Arrival(
        version: version, notes: WorkNotes(notes[UInt16(set)] ?? [], isComplete: content.notes.isComplete),
        state: content.states[set], isWhole: content.isWhole)
    }
  }

  mutating func remove(_ set: Int) -> Arrival? { bySet.removeValue(forKey: set) }

  /// What came of other sets is not for us any more.
  mutating func keep(_ sets: WorkSetBitmap) {
    guard !bySet.isEmpty else { return }
    for set in Array(bySet.keys) where !sets.contains(set) { bySet[set] = nil }
  }

  /// What comes in the next term counts, whatever its version.
  mutating func forget(keepingWhole: Bool = false) {
    incoming = [:]
    if !keepingWhole { bySet = [:] }
    for set in bySet.keys { bySet[set]?.version = 0 }
  }
}
