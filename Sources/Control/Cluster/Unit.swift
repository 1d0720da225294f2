public import Wire

/// A unit by its number: as a member, it has the same one. The configuration gives it out, later the certificate.
public typealias MemberNumber = UInt8

/// Some unit of the cluster, whether it is a member now or not.
public struct UnitDescription: Equatable, Sendable {
  public var number: MemberNumber
  /// Its own, not the cluster's.
  public var address: IPAddress

  public init(number: MemberNumber, address: IPAddress) {
    self.number = number
    self.address = address
  }

  /// Where one has to be preferred, it is the lower address (C12, X18). The other way round from key servers (X13).
  func isBefore(_ other: UnitDescription) -> Bool { order(address) < order(other.address) }
}

private func order(_ address: IPAddress) -> (UInt64, UInt64, UInt64) {
  switch address {
  case .v4(let address): (0, 0, UInt64(address.value))
  case .v6(let address): (1, address.high, address.low)
  }
}

/// What a unit knows of itself and of the others before it has heard anybody.
public struct ClusterDescription: Sendable {
  public var own: UnitDescription
  /// One life of this process; the next has a greater one.
  public var incarnation: UInt64
  /// The other units that may ever be members.
  public var others: [UnitDescription]
  /// Members whose configurations differ in this do not go together (C6).
  public var configuration: UInt64
  /// Shown to the master by who wants to join (C4).
  public var certificate: [UInt8]
  public var profile: Profile
  public var balance: Balance

  /// Any number of them up to this (C34).
  public static let mostUnits = 64

  /// What members are to have the same of.
  public enum Balance: Sendable { case sets, packets }

  public init(
    own: UnitDescription, incarnation: UInt64, others: [UnitDescription], configuration: UInt64 = 0,
    certificate: [UInt8] = [], profile: Profile = .normal, balance: Balance = .sets
  ) {
    precondition(Int(own.number) < Self.mostUnits)
    self.own = own
    self.incarnation = incarnation
    self.others = others.filter { $0.number != own.number && Int($0.number) < Self.mostUnits }
    self.configuration = configuration
    self.certificate = certificate
    self.profile = profile
    self.balance = balance
  }

  func unit(_ number: MemberNumber) -> UnitDescription? {
    number == own.number ? own : others.first { $0.number == number }
  }
}

/// A term is a master's time in office. Its lowest octet is the master's number, so no two masters ever share one.
enum Term {
  static func next(after term: UInt64, for unit: MemberNumber) -> UInt64 { ((term >> 8) + 1) << 8 | UInt64(unit) }
  /// The first that somebody gives himself is as old as this life of his, whose number begins with the second of its
  /// beginning: what somebody has recorded before all units ended is of an earlier term than any of theirs now.
  static func first(of incarnation: UInt64) -> UInt64 { (incarnation >> 20) << 8 }
  static let most: UInt64 = 1 << 56
  /// A term that somebody only speaks of is not counted on from beyond this: or there would soon be none left.
  static let mostBelieved = most >> 1

  static func count(_ term: UInt64) -> UInt64 { term >> 8 }
}
