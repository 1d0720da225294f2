/// How many work sets there are (C26), and how many bits name one.
public enum WorkSets {
  @inlinable @inline(__always) public static var count: Int { 1024 }
}

/// What is known about one work set (X12): its state and its member.
public struct OwnershipEntry: Hashable, Sendable {
  public enum State: UInt8, Sendable {
    case unassigned, pending, assigned
  }

  public var state: State
  /// Counted from 0. Without meaning while the state is `unassigned`.
  public var member: UInt8

  public init(state: State, member: UInt8) {
    self.state = state
    self.member = member
  }
}

/// Who owns what, and which of a member's workers does it. Published whole, never changed in place.
public struct OwnershipDescription: Sendable {
  /// One for every work set.
  public private(set) var entries: [OwnershipEntry]
  /// Which worker of this member serves a set, if the set is this member's.
  public private(set) var workers: [UInt8]
  /// The members whose work this process does. An appliance is one; a replay may play them all.
  public private(set) var played: Set<UInt8>
  /// Of this member's: about to be another's, so what is worked on is noted (X10).
  public var giving: Set<Int> = []
  /// Of the pending: about to be this member's, and their packets are kept until they are (X10).
  public var held: Set<Int> = []
  /// What becomes of other members' packets.
  public var foreign = Foreign.dropped

  public enum Foreign: Sendable {
    /// As in a replay, where nobody else is there.
    case dropped
    /// The others have seen them, too: but for what turns out to be another's once it is whole, which is passed on (X9).
    case seenByAll
    /// This member alone has seen them, and passes them on (C22.1).
    case forwarded
  }

  public static let mostMembers = 64
  public static let mostWorkers = 64

  /// Sets dealt in turn: balanced to within one set for any number of members and of workers.
  public init(members: Int, playing played: Set<UInt8>, workers: Int) {
    precondition((1...Self.mostMembers).contains(members) && (1...Self.mostWorkers).contains(workers))
    entries = (0..<WorkSets.count).map { OwnershipEntry(state: .assigned, member: UInt8($0 % members)) }
    // Member after member, each set to the next worker: even for every member, and over all members together.
    let fewest = WorkSets.count / members, withOneMore = WorkSets.count % members
    self.workers = (0..<WorkSets.count).map { set in
      let member = set % members
      let before = member * fewest + min(member, withOneMore)
      return UInt8((before + set / members) % workers)
    }
    self.played = played
  }

  /// Of a member that has no work yet.
  public static func nobodys(workers: Int) -> OwnershipDescription {
    var ownership = OwnershipDescription(members: 1, playing: [0], workers: workers)
    for set in 0..<WorkSets.count { ownership[set] = OwnershipEntry(state: .unassigned, member: 0) }
    return ownership
  }

  /// Another worker for each set.
  public mutating func assign(_ workers: [UInt8]) {
    precondition(workers.count == WorkSets.count)
    self.workers = workers
  }

  /// Whether this process works on it.
  public func isOurs(_ set: Int) -> Bool { entries[set].state == .assigned && played.contains(entries[set].member) }

  /// Whether it is on its way to this process.
  public func isComing(_ set: Int) -> Bool { entries[set].state == .pending && played.contains(entries[set].member) }

  public subscript(set: Int) -> OwnershipEntry {
    get { entries[set] }
    set { entries[set] = newValue }
  }
}

/// What a member has of a work set that it begins to work on.
public enum Beginning: Hashable, Sendable, CaseIterable {
  /// Nobody has ever had it: as a gateway that starts.
  case fresh
  /// What its last owner had to say has come, or he had nothing to say.
  case carried
  /// It was on its way to another, and came back before that one had it.
  case resumed
  /// Its last owner is gone, and what he knew of it with him.
  case bereft
}
