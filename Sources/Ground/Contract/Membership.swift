public import Wire

/// What makes a gateway one of several that wear the same addresses.
public struct MembershipDescription: Equatable, Sendable {
  /// One of the units that may be members, with its own address on each side.
  public struct Unit: Equatable, Sendable {
    public var number: Int
    public var inside: IPAddress
    public var outside: IPAddress

    public init(number: Int, inside: IPAddress, outside: IPAddress) {
      self.number = number
      self.inside = inside
      self.outside = outside
    }
  }

  public enum Pace: String, CaseIterable, Sendable {
    /// A dead member is found out within 100 ms.
    case normal
    /// Within 20 ms, for five times as many keepalives.
    case fast
  }

  /// What members are to have the same of.
  public enum Balance: String, CaseIterable, Sendable {
    /// Work sets, whatever is in them.
    case sets
    /// Packets per second, as a mean over about ten seconds.
    case packets
  }

  /// How packets to the cluster's addresses get to members (C22).
  public enum Delivery: String, CaseIterable, Sendable {
    /// To a group MAC address that all members take.
    case multicast
    /// To a MAC address that all members take for their own.
    case unicast
    /// To the master, who passes on what is others'.
    case master
  }

  /// Of the cluster: in every unit's certificate.
  public var name: String
  public var units: [Unit]
  public var pace = Pace.normal
  public var balance = Balance.sets
  public var delivery = Delivery.multicast
  /// Files: who signs certificates, what was revoked, who this unit is.
  public var authority: String
  public var revocations: String?
  public var certificate: String
  public var key: String

  public init(name: String, units: [Unit], authority: String, certificate: String, key: String) {
    self.name = name
    self.units = units
    self.authority = authority
    self.certificate = certificate
    self.key = key
  }
}
