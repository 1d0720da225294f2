public import ControlKit

/// All there is to show, at one moment.
public struct ClusterSnapshot: Equatable, Sendable {
  public enum Role: String, Sendable {
    case outside, joining, offering, client, master
  }

  public struct Member: Equatable, Sendable {
    public var unit: MemberNumber
    public var sets: Int
    /// Known to the master alone.
    public var loss: Double?
    public var isSuspected: Bool
    public var isDraining: Bool
  }

  public var role: Role
  public var term: UInt64
  public var master: MemberNumber?
  public var deputy: MemberNumber?
  /// So many keepalives to the detection time.
  public var n: Int
  public var leaseNanoseconds: Nanoseconds
  public var isFenced: Bool
  /// What comes from new hosts waits, because somebody is missing (X19).
  public var isDoubting: Bool
  /// The other members, by address.
  public var members: [Member]
  public var table: OwnershipTable
  public var running: WorkSetBitmap
  /// Load, by the word of each unit that has said so lately; our own among them.
  public var packetsPerSecond: [MemberNumber: Int]
}

extension ClusterUnit {
  /// Whose member it is, unless it leads.
  public var followed: MemberNumber? { if case .client(let client) = role { client.master } else { nil } }
  public var isMaster: Bool { if case .master = role { true } else { false } }
  public var isOutside: Bool { if case .outside = role { true } else { false } }
  public var isJoining: Bool { if case .joining = role { true } else { false } }
  /// Without the copies of a whole snapshot.
  public var currentTerm: UInt64 { term }
  public var tableVersion: (term: UInt64, version: UInt64) { (holdings.table.term, holdings.table.version) }

  public func snapshot(now: Moment) -> ClusterSnapshot {
    var snapshot = ClusterSnapshot(
      role: .outside, term: term, master: nil, deputy: nil, n: 2,
      leaseNanoseconds: leaseUntil > now ? leaseUntil - now : 0, isFenced: isFenced, isDoubting: isDoubting,
      members: [], table: holdings.table, running: holdings.running, packetsPerSecond: [:])
    for unit in [own] + description.others.map(\.number) {
      snapshot.packetsPerSecond[unit] = packetsPerSecond(of: unit)
    }
    switch role {
    case .outside: break
    case .joining(let joining):
      snapshot.role = joining.offeredAt == nil ? .joining : .offering
      snapshot.master = joining.master
    case .client(let client):
      snapshot.role = .client
      snapshot.master = client.master
      snapshot.deputy = client.deputy
      snapshot.n = Int(client.n)
      snapshot.members = client.members.filter { $0.unit != own }.map {
        ClusterSnapshot.Member(
          unit: $0.unit, sets: Int($0.sets), loss: nil, isSuspected: false, isDraining: false)
      }
    case .master(let master):
      snapshot.role = .master
      snapshot.master = own
      snapshot.deputy = deputy(master)
      snapshot.n = Int(master.n)
      snapshot.members = master.members.map {
        ClusterSnapshot.Member(
          unit: $0.unit, sets: master.assignment.load[Int($0.unit)], loss: $0.loss.probability,
          isSuspected: $0.isSuspected, isDraining: $0.isDraining)
      }
    }
    return snapshot
  }
}
