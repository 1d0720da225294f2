import CCrypto
import CKernel
import CWorkSet
import Contract

/// The lives of one generation, by work set: what the cluster's thread finds states by. Never changed once made.
final class StateIndex: @unchecked Sendable {
  struct Tunnel: @unchecked Sendable {
    let name: StateName
    let life: TunnelLife
  }

  struct Group: @unchecked Sendable {
    let name: StateName
    let life: GroupLife
    private let key: hauberk_work_set_key

    init(_ name: StateName, _ life: GroupLife, _ key: hauberk_work_set_key) {
      self.name = name
      self.life = life
      self.key = key
    }

    /// X7: a sender's work set.
    func set(ofSender id: Int) -> Int {
      var key = key
      return Int(hauberk_group(&key, name.spi, UInt32(id)))
    }
  }

  /// By work set.
  let tunnels: [[Tunnel]]
  let groups: [Group]
  /// Of all of them, in seconds of the packets' clock.
  let epoch: Int64

  init(_ associations: Associations) {
    var tunnels: [[Tunnel]] = Array(repeating: [], count: WorkSets.count)
    for tunnel in associations.description.tunnels {
      guard let life = associations.tunnelLives[tunnel.inboundSPI], let name = life.name ?? StateName(tunnel) else {
        continue
      }
      life.name = name
      tunnels[Int(tunnel.inboundSPI & 1023)].append(Tunnel(name: name, life: life))
    }
    self.tunnels = tunnels
    let key = associations.description.key
    let expanded = hauberk_work_set_expand(key.high, key.low)
    groups = associations.description.groups.compactMap { group in
      guard let life = associations.groupLives[group.spi], let name = life.name ?? StateName(group) else { return nil }
      life.name = name
      return Group(name, life, expanded)
    }
    epoch = associations.tables.epoch.pointee
  }
}

extension StateName {
  /// Whatever numbers and windows mean something with. Nil without keys.
  init?(_ tunnel: TunnelDescription) {
    guard let security = tunnel.security else { return nil }
    self.init(
      tunnel.inboundSPI, "tunnel \(tunnel.outboundSPI) \(security.esp.suite) \(security.esp.isExtended)",
      [security.inboundKey, security.outboundKey])
  }

  init?(_ group: GroupDescription) {
    guard let security = group.security else { return nil }
    self.init(group.spi, "group \(group.senderIDBits) \(security.esp.suite)", [security.key])
  }

  private init(_ spi: UInt32, _ words: String, _ keys: [KeyDescription]) {
    var octets = Array(words.utf8)
    for key in keys {
      key.material.withOctets { octets += Self.fingerprint($0.bindMemory(to: UInt8.self)) }
    }
    // Of fingerprints and not of keys: who sees it learns nothing that he could look for in a record of nonces.
    let digest = octets.withUnsafeBufferPointer { Self.fingerprint($0) }
    self.init(spi: spi, digest: digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
  }

  private static func fingerprint(_ octets: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 16)
    hauberk_fingerprint(octets.baseAddress, octets.count, &result)
    return result
  }
}
