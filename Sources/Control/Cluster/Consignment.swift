import Contract
import ControlKit

/// What goes along with work sets that change hands by plan: what their last owner has noted, and applications' states.
/// It travels in parts, each with a receipt of its own.
struct Consignment: Sendable {
  /// Counted by its sender.
  private(set) var number: UInt32
  let to: MemberNumber
  private(set) var sets: WorkSetBitmap
  private(set) var notes: WorkNotes
  private(set) var states: [Int: [UInt8]]
  private var parts: [[UInt8]]
  /// Parts without a receipt, the first to be sent last.
  private(set) var left: [Int]
  var nextSend: Moment
  /// Without a receipt until then the successor begins without, rather than never.
  var deadline: Moment

  static let partOctets = 1280
  static let mostParts = 4096
  /// On their way at once.
  static let window = 16

  init(
    _ number: UInt32, to: MemberNumber, _ sets: WorkSetBitmap, _ notes: WorkNotes, _ states: [Int: [UInt8]],
    now: Moment, deadline: Moment
  ) {
    self.number = number
    self.to = to
    self.sets = sets
    self.notes = notes
    self.states = states
    nextSend = now
    self.deadline = deadline
    parts = Self.cut(ConsignmentContent(sets: sets, notes: notes, states: states).octets)
    if parts.count > Self.mostParts {
      // The receiver would refuse it whole; without states the SAs of its sets are refused, and everything else goes on.
      let rest = WorkNotes(isComplete: false)
      parts = Self.cut(ConsignmentContent(sets: sets, notes: rest, states: [:], isWhole: false).octets)
    }
    left = Array(parts.indices.reversed())
  }

  private static func cut(_ octets: [UInt8]) -> [[UInt8]] {
    stride(from: 0, to: octets.count, by: partOctets).map { Array(octets[$0..<min(octets.count, $0 + partOctets)]) }
  }

  var isDelivered: Bool { left.isEmpty }

  /// In another term, in which its receiver knows nothing of parts that have come before: all of it, as another one.
  mutating func beginAnew(as number: UInt32, now: Moment) {
    self.number = number
    left = Array(parts.indices.reversed())
    nextSend = now
  }

  /// Those that are due: the first few without a receipt.
  func due(term: UInt64, version: UInt64) -> [ConsignmentPart] {
    left.suffix(Self.window).reversed().map { part($0, term, version) }
  }

  /// What may follow a part that has arrived.
  mutating func receive(_ place: Int, term: UInt64, version: UInt64) -> ConsignmentPart? {
    guard let index = left.lastIndex(of: place) else { return nil }
    left.remove(at: index)
    guard left.count >= Self.window else { return nil }
    return part(left[left.count - Self.window], term, version)
  }

  private func part(_ place: Int, _ term: UInt64, _ version: UInt64) -> ConsignmentPart {
    ConsignmentPart(
      number: number, term: term, version: version, place: UInt16(place), count: UInt16(parts.count),
      octets: parts[place])
  }
}

/// Some octets of a consignment.
public struct ConsignmentPart: Equatable, Sendable {
  public var number: UInt32
  /// The table by which the sets were given.
  public var term: UInt64
  public var version: UInt64
  public var place: UInt16
  public var count: UInt16
  public var octets: [UInt8]
}

/// The whole of it.
struct ConsignmentContent: Equatable, Sendable {
  var sets: WorkSetBitmap
  var notes: WorkNotes
  var states: [Int: [UInt8]]
  /// False: states were too long to be sent.
  var isWhole = true

  var octets: [UInt8] {
    var writer = OctetWriter()
    writer.put(UInt8((notes.isComplete ? 1 : 0) | (isWhole ? 2 : 0)))
    for word in sets.words { writer.put(word) }
    writer.put(UInt32(notes.packets.count))
    for packet in notes.packets {
      writer.put(packet.set)
      writer.put(packet.digest)
    }
    for (set, state) in states.sorted(by: { $0.key < $1.key }) {
      writer.put(UInt16(set))
      writer.put(UInt32(state.count))
      writer.put(state)
    }
    return writer.octets
  }

  init(sets: WorkSetBitmap, notes: WorkNotes, states: [Int: [UInt8]], isWhole: Bool = true) {
    self.sets = sets
    self.notes = notes
    self.states = states
    self.isWhole = isWhole
  }

  /// Nil for what is none, whoever signed it.
  init?(_ octets: [UInt8]) {
    var reader = OctetReader(octets)
    guard let flags = reader.take8(), flags < 4, let sets = WorkSetBitmap(&reader), let count = reader.take32(),
      Int(count) <= reader.remaining / 10
    else { return nil }
    self.sets = sets
    isWhole = flags & 2 != 0
    var packets: [WorkedPacket] = []
    packets.reserveCapacity(Int(count))
    for _ in 0..<count {
      guard let set = reader.take16(), let digest = reader.take64(), Int(set) < WorkSets.count else { return nil }
      packets.append(WorkedPacket(set: set, digest: digest))
    }
    notes = WorkNotes(packets, isComplete: flags & 1 != 0)
    states = [:]
    while !reader.isAtEnd {
      guard let set = reader.take16(), let length = reader.take32(), Int(set) < WorkSets.count,
        let state = reader.take(Int(length))
      else { return nil }
      states[Int(set)] = state
    }
  }
}

extension WorkSetBitmap {
  init?(_ reader: inout OctetReader) {
    var words: [UInt64] = []
    for _ in 0..<Self.wordCount {
      guard let word = reader.take64() else { return nil }
      words.append(word)
    }
    self.init(words: words)
  }
}
