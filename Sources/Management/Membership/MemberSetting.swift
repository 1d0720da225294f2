internal import CKernel
internal import Cluster
package import Contract
internal import ControlKit
internal import Glibc
internal import Identity
package import Wire

/// One of the units that may be members, by its addresses.
struct MembershipUnit: Equatable, Sendable {
  var number: Int
  var inside: IPv4Address
  var outside: IPv4Address
}

/// All that a member has to know before it says its first word.
package struct MemberSetting {
  let units: [MembershipUnit]
  let own: MembershipUnit
  let profile: Profile
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
    units = membership.units.compactMap { unit in
      guard case .v4(let inside) = unit.inside, case .v4(let outside) = unit.outside else { return nil }
      return MembershipUnit(number: unit.number, inside: inside, outside: outside)
    }
    guard let own = units.first(where: { $0.number == number }) else {
      throw MembershipRefusal("unit \(number) is none of the cluster's: name it under 'cluster.units'")
    }
    self.own = own
    profile = membership.pace == .fast ? .fast : .normal
    do {
      identity = try UnitIdentity(certificate: membership.certificate, key: membership.key)
      let authority = try ClusterAuthority(path: membership.authority, revocations: membership.revocations)
      keys = UnitKeys(authority, introductions: [Introductions.type: 0], now: wallSeconds())
      let certificate = try authority.check(identity.certificate, now: wallSeconds()).get()
      guard certificate.cluster == membership.name else {
        throw MembershipRefusal(
          "\(membership.certificate) is of cluster \(certificate.cluster), and 'cluster.name' is \(membership.name)")
      }
      guard Int(certificate.number) == number else {
        throw MembershipRefusal(
          "\(membership.certificate) is unit \(certificate.number)'s, and 'unit.number' is \(number)")
      }
      let missing = [own.inside, own.outside].filter { !certificate.addresses.contains(.v4($0)) }
      guard missing.isEmpty else {
        throw MembershipRefusal(
          "\(membership.certificate) does not name \(missing[0]), which 'cluster.units' gives this unit: "
            + "`hauberk identity unit --address …` makes one that does")
      }
    } catch let refusal as MembershipRefusal {
      throw refusal
    } catch let refusal as IdentityRefusal {
      throw MembershipRefusal("\(refusal)", isPassing: refusal.kind == .early)
    } catch {
      throw MembershipRefusal("\(error)")
    }
    clusterNumber = Self.digest(membership.name)
    configuration = digest
    incarnation = try Self.nextLife(stateDirectory)
    seed = UInt64.random(in: .min ... .max)
    self.devices = devices
    self.macs = macs
    shared = interfaces.flatMap { interface in
      interface.shared.map {
        SharedAddress($0, side: interface.side, mac: interface.sharedMAC ?? macs[Int(interface.side.rawValue)])
      }
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

  /// A greater number than of any life before, on the disk before it is used: by it others know a repeated message of an
  /// earlier life. The clock alone may have been set back.
  private static func nextLife(_ folder: String) throws(MembershipRefusal) -> UInt64 {
    let path = folder + "/life", next = path + ".next"
    func refuse(_ what: String, _ path: String) -> MembershipRefusal {
      MembershipRefusal("cannot \(what) \(path): \(words(for: errno))", isPassing: true)
    }
    var last: UInt64 = 0
    if let file = unsafe fopen(path, "re") {
      var octets = [UInt8](repeating: 0, count: 32)
      let count = unsafe fread(&octets, 1, octets.count, file)
      unsafe fclose(file)
      let text = String(decoding: octets.prefix(count), as: UTF8.self)
      guard let found = UInt64(text.prefix { $0 != "\n" }) else {
        throw MembershipRefusal("\(path) does not hold the number of this unit's last life: restore it, or remove it")
      }
      last = found
    } else if errno != ENOENT {
      throw refuse("read", path)
    }
    let life = max(last + 1, UInt64(max(0, wallSeconds())) << 20)
    guard let file = unsafe fopen(next, "we") else { throw refuse("write", next) }
    let isPut = unsafe fputs("\(life)\n", file)
    let isFlushed = unsafe fflush(file)
    let isSynced = unsafe fsync(fileno(file))
    unsafe fclose(file)
    guard isPut >= 0, isFlushed == 0, isSynced == 0, unsafe rename(next, path) == 0 else { throw refuse("write", path) }
    return life
  }
}

/// By the clock on the wall, which certificates go by.
func wallSeconds() -> Int64 {
  var microseconds: UInt32 = 0
  return unsafe hauberk_wall_clock(&microseconds)
}
