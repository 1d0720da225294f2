internal import CKernel
internal import Cluster
package import Contract
internal import ControlKit
internal import Identity
package import Wire

/// One of the units that may be members, by its addresses.
struct MembershipUnit: Equatable, Sendable {
  var number: Int
  var inside: IPAddress
  var outside: IPAddress
}

/// All that a member has to know before it says its first word.
package struct MemberSetting {
  let units: [MembershipUnit]
  let own: MembershipUnit
  let profile: Profile
  let delivery: MembershipDescription.Delivery
  let balance: ClusterDescription.Balance
  let identity: UnitIdentity
  let keys: UnitKeys
  let clusterNumber: UInt64
  let incarnation: UInt64
  package let configuration: UInt64
  let seed: UInt64
  let devices: [String]
  let macs: [MACAddress]
  let shared: [SharedAddress]

  /// Reads certificates and keys, and begins another life in `stateDirectory`. `devices` and `macs` by side.
  package init(
    _ membership: MembershipDescription, unit number: Int, stateDirectory: String, digest: UInt64,
    interfaces: [InterfaceDescription], devices: [String], macs: [MACAddress]
  ) throws(MembershipRefusal) {
    units = Self.units(membership)
    own = try Self.own(units, number)
    profile = membership.pace == .fast ? .fast : .normal
    delivery = membership.delivery
    balance = membership.balance == .packets ? .packets : .sets
    (identity, keys) = try Self.papers(membership, own)
    clusterNumber = Self.digest(membership.name)
    configuration = digest
    incarnation = try UnitLife.next(stateDirectory)
    seed = UInt64.random(in: .min ... .max)
    self.devices = devices
    self.macs = macs
    shared = interfaces.flatMap { interface in
      interface.shared.map {
        SharedAddress(
          $0, side: interface.side, vlan: interface.vlan,
          mac: interface.sharedMAC ?? macs[Int(interface.side.rawValue)])
      }
    }
  }

  /// Whether a member could begin with the files that are there: looks, and leaves nothing behind.
  package static func check(_ membership: MembershipDescription, unit number: Int) throws(MembershipRefusal) {
    _ = try papers(membership, own(units(membership), number))
  }

  private static func units(_ membership: MembershipDescription) -> [MembershipUnit] {
    membership.units.map { MembershipUnit(number: $0.number, inside: $0.inside, outside: $0.outside) }
  }

  private static func own(_ units: [MembershipUnit], _ number: Int) throws(MembershipRefusal) -> MembershipUnit {
    guard let own = units.first(where: { $0.number == number }) else {
      throw MembershipRefusal("unit \(number) is none of the cluster's: name it under 'cluster.units'")
    }
    return own
  }

  /// The certificate has to be this unit's, of this cluster, for its place in it, and vouched for.
  private static func papers(
    _ membership: MembershipDescription, _ own: MembershipUnit
  ) throws(MembershipRefusal) -> (UnitIdentity, UnitKeys) {
    do {
      let identity = try UnitIdentity(certificate: membership.certificate, key: membership.key)
      let authority = try ClusterAuthority(path: membership.authority, revocations: membership.revocations)
      let certificate = try authority.check(identity.certificate, now: wallSeconds()).get()
      guard certificate.cluster == membership.name else {
        throw MembershipRefusal(
          "\(membership.certificate) is of cluster \(certificate.cluster), and 'cluster.name' is \(membership.name)")
      }
      guard Int(certificate.number) == own.number else {
        throw MembershipRefusal(
          "\(membership.certificate) is unit \(certificate.number)'s, and 'unit.number' is \(own.number)")
      }
      let missing = [own.inside, own.outside].filter { !certificate.addresses.contains($0) }
      guard missing.isEmpty else {
        throw MembershipRefusal(
          "\(membership.certificate) does not name \(missing[0]), which 'cluster.units' gives this unit: "
            + "`hauberk identity unit --address …` makes one that does")
      }
      return (identity, UnitKeys(authority, introductions: [Introductions.type: 0], now: wallSeconds()))
    } catch let refusal as MembershipRefusal {
      throw refusal
    } catch let refusal as IdentityRefusal {
      throw MembershipRefusal("\(refusal)", isPassing: refusal.kind == .early)
    } catch {
      throw MembershipRefusal("\(error)")
    }
  }

  /// Who vouches for units, and whom he does not vouch for any more, as the files say it now.
  package struct Renewal {
    fileprivate let renewal: ClusterAuthority.Renewal
  }

  /// To be read before anything else of a reload is in force, and adopted with it.
  package func renewedAuthority() throws(MembershipRefusal) -> Renewal {
    do {
      return Renewal(renewal: try keys.authority.renewed())
    } catch {
      throw MembershipRefusal("\(error)")
    }
  }

  /// The cluster's thread finds soon whose certificate does not hold any more.
  package func adopt(_ renewal: Renewal) { keys.authority.adopt(renewal.renewal) }

  /// FNV-1a: the same on every machine.
  package static func digest(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}

/// By the clock on the wall, which certificates go by.
func wallSeconds() -> Int64 {
  var microseconds: UInt32 = 0
  return unsafe hauberk_wall_clock(&microseconds)
}
