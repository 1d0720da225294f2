import CKernel
package import Contract
import Nonces
import Wire

/// Where the SAs lie: what the packet path gets to see of them.
package struct AssociationTables: BitwiseCopyable, @unchecked Sendable {
  let outbound: UnsafeMutablePointer<OutboundSA>
  let inbound: UnsafeMutablePointer<InboundSA>
  let outboundCount: Int
  let inboundCount: Int
  /// When all of them came into being, in seconds of the packets' clock.
  let epoch: UnsafeMutablePointer<Int64>
  /// Numbers of SAs mean something within one generation of tables.
  let generation: UInt32
}

/// All SAs of a description with their keys, windows and counters: made on the control thread, before any worker
/// knows of them, and gone after the last has forgotten them.
package final class Associations {
  package let tables: AssociationTables
  package let engine: CryptoEngine
  let plan: AssociationPlan
  package let description: ClassifyDescription
  /// What SAs have besides their records, and take along into the next generation: by inbound SPI.
  private(set) var tunnelLives: [UInt32: TunnelLife] = [:]
  private(set) var groupLives: [UInt32: GroupLife] = [:]
  /// The outbound SAs of those that go on, by inbound SPI, as the generation before numbered them.
  private var before: [UInt32: Int] = [:]
  private let records: TableMemory
  let workers: Int

  /// What seals under one key: whose nonces those are.
  struct Sender {
    /// An outbound SA of it.
    var outbound: Int
    var key: KeyDescription
    var isGroup: Bool
    var senderIDBits: Int
    var units: Int
    var workSet: UInt16
    var isCounterMode: Bool
    /// The outbound SA that had its nonces in the generation before; nil for one that begins now.
    var before: Int?
  }

  /// `old`: the generation before. SAs with the same keys go on in this one with their keys, numbers and windows.
  package init(
    _ description: ClassifyDescription, engine: CryptoEngine, workers: Int, after old: Associations? = nil
  ) throws(CryptoError) {
    self.description = description
    self.engine = engine
    self.workers = workers
    let plan = AssociationPlan(description, hasAssociations: true)
    self.plan = plan
    // One block for both: memory comes in huge pages, and what is left of the last is lost.
    let outboundBytes = max(1, plan.outboundCount) * MemoryLayout<OutboundSA>.stride
    records = TableMemory(bytes: outboundBytes + max(1, plan.inboundCount) * MemoryLayout<InboundSA>.stride)
    let inbound = records.base + outboundBytes
    tables = AssociationTables(
      outbound: records.base.bindMemory(to: OutboundSA.self, capacity: max(1, plan.outboundCount)),
      inbound: inbound.bindMemory(to: InboundSA.self, capacity: max(1, plan.inboundCount)),
      outboundCount: plan.outboundCount, inboundCount: plan.inboundCount, epoch: .allocate(capacity: 1),
      generation: old.map { $0.tables.generation &+ 1 } ?? 1)
    tables.epoch.initialize(to: old?.tables.epoch.pointee ?? 0)
    try takeOver(from: old)
    // Whoever begins with a reload has his whole time before him.
    let origin = old == nil ? 0 : Int32(clamping: hauberk_seconds() - tables.epoch.pointee)
    let room = StateRoom(beginning(), workers: workers, origin: origin)
    for (number, tunnel) in description.tunnels.enumerated() {
      guard let security = tunnel.security else { continue }
      try addTunnel(number, tunnel, security, room)
    }
    for (number, group) in description.groups.enumerated() {
      guard let security = group.security else { continue }
      try addGroup(number, group, security, room)
    }
    notePrefixes()
  }

  /// Whoever has the keys that he had goes on. What cannot go on with them is refused.
  private func takeOver(from old: Associations?) throws(CryptoError) {
    guard let old else { return }
    var places: [UInt32: Int] = [:]
    places.reserveCapacity(old.description.tunnels.count)
    for (number, tunnel) in old.description.tunnels.enumerated() {
      before[tunnel.inboundSPI] = old.plan.tunnels[number]
      places[tunnel.inboundSPI] = number
    }
    for (number, group) in old.description.groups.enumerated() { before[group.spi] = old.plan.sites[number].first }
    defer { before = before.filter { tunnelLives[$0.key] != nil || groupLives[$0.key] != nil } }
    for tunnel in description.tunnels {
      guard let life = old.tunnelLives[tunnel.inboundSPI], let place = places[tunnel.inboundSPI] else { continue }
      let known = old.description.tunnels[place]
      if try TunnelLife.goesOn(from: known, as: tunnel) { tunnelLives[tunnel.inboundSPI] = life }
    }
    for group in description.groups {
      guard let life = old.groupLives[group.spi] else { continue }
      if try life.goesOn(as: group) { groupLives[group.spi] = life }
    }
  }

  /// Those that have nothing yet.
  private func beginning() -> [ESPDescription?] {
    description.tunnels.filter { $0.security != nil && tunnelLives[$0.inboundSPI] == nil }.map { $0.security?.esp }
      + description.groups.filter { $0.security != nil && groupLives[$0.spi] == nil }.map { _ in nil }
  }

  /// Where a tunnel's traffic is one pair of IPv4 prefixes that no other policy touches, the pair says as much about
  /// what is opened as the policies do.
  private func notePrefixes() {
    let pairs = description.tunnels.flatMap { tunnel in
      tunnel.local.flatMap { local in tunnel.remote.map { remote in [local, remote] } }
    }.filter { !$0[0].address.halves.isIPv6 && !$0[1].address.halves.isIPv6 }
    let shapes = Set(pairs.map { [$0[0].length, $0[1].length] })
    let isSimple =
      description.policies.isEmpty && description.groups.allSatisfy { $0.security == nil } && shapes.count == 1
      && Set(pairs).count == pairs.count
    guard isSimple else { return }
    for (number, tunnel) in description.tunnels.enumerated() {
      guard let into = plan.inboundTunnels[number], tunnel.local.count == 1, tunnel.remote.count == 1,
        case .v4(let local) = tunnel.local[0].address, case .v4(let remote) = tunnel.remote[0].address
      else { continue }
      tables.inbound[into].prefixes = UInt64(remote.value) << 32 | UInt64(local.value)
      tables.inbound[into].flags.insert(.hasPrefixes)
    }
  }

  deinit {
    records.deallocate()
    tables.epoch.deallocate()
  }

  private func key(
    _ suite: CipherSuite, _ use: CipherKey.Use, _ description: KeyDescription
  ) throws(CryptoError) -> CipherKey {
    let result = description.material.withOctets { octets in
      Result<CipherKey, CryptoError> { () throws(CryptoError) in try engine.key(suite, use, material: octets) }
    }
    return try result.get()
  }

  /// One for every SA that seals: a tunnel's, or a group's, whatever number of sites it has.
  var senders: [Sender] {
    var list: [Sender] = []
    list.reserveCapacity(description.tunnels.count)
    for (number, tunnel) in description.tunnels.enumerated() {
      guard let security = tunnel.security, let out = plan.tunnels[number] else { continue }
      list.append(
        Sender(
          outbound: out, key: security.outboundKey, isGroup: false, senderIDBits: NonceSupply.unicastWidth.rawValue,
          units: 0, workSet: UInt16(tunnel.inboundSPI & 1023), isCounterMode: security.esp.suite.isCounterMode,
          before: before[tunnel.inboundSPI]))
    }
    for (number, group) in description.groups.enumerated() {
      guard let security = group.security, let first = plan.sites[number].first else { continue }
      list.append(
        Sender(
          outbound: first, key: security.key, isGroup: true, senderIDBits: group.senderIDBits, units: security.units,
          workSet: 0, isCounterMode: security.esp.suite.isCounterMode, before: before[group.spi]))
    }
    return list
  }

  /// When all that was before has been taken over.
  func forgetBefore() { before = [:] }

  private func addTunnel(
    _ number: Int, _ tunnel: TunnelDescription, _ security: TunnelSecurity, _ room: StateRoom
  ) throws(CryptoError) {
    guard let out = plan.tunnels[number], let into = plan.inboundTunnels[number] else { return }
    let esp = security.esp
    let workSet = UInt16(tunnel.inboundSPI & 1023)
    let life: TunnelLife
    if let known = tunnelLives[tunnel.inboundSPI] {
      life = known
    } else {
      life = TunnelLife(
        esp, try key(esp.suite, .seal, security.outboundKey), try key(esp.suite, .open, security.inboundKey), room)
      tunnelLives[tunnel.inboundSPI] = life
    }
    var sa = OutboundSA(
      esp, life.sealing, spi: tunnel.outboundSPI, life.outboundState,
      OuterHeader(esp, from: security.address, to: tunnel.peer))
    sa.workSet = workSet
    sa.bundle = plan.bundles[number]
    (tables.outbound + out).initialize(to: sa)
    var other = InboundSA(esp, life.opening, spi: tunnel.inboundSPI, life.inboundState, bundle: plan.bundles[number])
    other.workSet = workSet
    (tables.inbound + into).initialize(to: other)
  }

  private func addGroup(
    _ number: Int, _ group: GroupDescription, _ security: GroupSecurity, _ room: StateRoom
  ) throws(CryptoError) {
    guard let into = plan.inboundGroups[number] else { return }
    let esp = security.esp
    let bundle = plan.bundle(group: number)
    // Each worker counts what it seals: together they must not go beyond what is allowed.
    let share = esp.shared(among: workers)
    let life: GroupLife
    if let known = groupLives[group.spi] {
      life = known
    } else {
      life = GroupLife(
        group, try key(esp.suite, .seal, security.key), try key(esp.suite, .open, security.key), share, room)
      groupLives[group.spi] = life
    }
    // All sites share one sequence a worker: it is the sender that receivers know.
    for (site, out) in zip(security.sites, plan.sites[number]) {
      var sa = OutboundSA(
        share, life.sealing, spi: group.spi, life.outboundStates,
        OuterHeader(esp, from: security.address, to: site.gateway))
      sa.flags.insert(.isGroup)
      sa.stateStride = UInt32(OutboundState.stride)
      sa.bundle = bundle
      (tables.outbound + out).initialize(to: sa)
    }
    var sa = InboundSA(esp, life.opening, spi: group.spi, life.inboundStates, bundle: bundle)
    sa.senders = life.windows
    sa.stateStride = UInt32(InboundState.stride)
    sa.senderShift = UInt8(64 - group.senderIDBits)
    (tables.inbound + into).initialize(to: sa)
  }
}

extension ESPDescription {
  /// With the lifetimes in packets and octets that each of several workers has.
  func shared(among workers: Int) -> ESPDescription {
    func share(_ limit: Limit) -> Limit {
      let hard = max(1, limit.hard / UInt64(workers))
      return Limit(soft: min(limit.soft / UInt64(workers), hard - 1), hard: hard)
    }
    var part = self
    part.packets = packets.map(share)
    part.bytes = bytes.map(share)
    return part
  }
}

extension OutboundSA {
  init(
    _ esp: ESPDescription, _ key: CipherKey, spi: UInt32, _ state: UnsafeMutablePointer<OutboundState>,
    _ outer: OuterHeader
  ) {
    self.init(
      key: key, state: state, spi: spi, salt: key.salt, ivBytes: UInt8(esp.suite.ivBytes),
      tagBytes: UInt8(esp.suite.tagBytes), padMask: UInt8(max(4, esp.suite.blockBytes) - 1))
    if esp.mode == .transport { flags.insert(.isTransport) }
    if esp.isExtended { flags.insert(.isExtended) }
    if esp.suite.isCounterMode { flags.insert(.isCounterMode) }
    if esp.suite.cipher == .aesCBC { flags.insert(.isRandomIV) }
    if esp.suite.authenticatesIV { flags.insert(.authenticatesIV) }
    if esp.suite.hasSuffix { flags.insert(.hasSuffix) }
    (header0, header1, header2, header3, header4, header5) = outer.words
    headerSum = outer.sum
    outerBytes = UInt8(outer.length)
    flags.formUnion(outer.flags)
    longest = esp.pathMTU == 0 ? .max : UInt16(min(esp.pathMTU, 65535))
    plainSum = outer.plainSum
    // More padding than the path takes would keep every packet from it.
    paddedLength = UInt16(clamping: min(esp.paddedLength, mostInside))
    softBytes = esp.bytes?.soft ?? .max
    hardBytes = esp.bytes?.hard ?? .max
    plainKind = key.plainKind
    if let seconds = esp.seconds {
      flags.insert(.isTimed)
      softSeconds = UInt32(clamping: seconds.soft)
      hardSeconds = UInt32(clamping: seconds.hard)
    }
    if flags == .plain, plainKind != 0, paddedLength == 0, esp.bytes == nil { flags.insert(.isPlain) }
  }
}

extension InboundSA {
  init(
    _ esp: ESPDescription, _ key: CipherKey, spi: UInt32, _ state: UnsafeMutablePointer<InboundState>,
    bundle: UInt32
  ) {
    self.init(
      key: key, state: state, spi: spi, salt: key.salt, bundle: bundle, ivBytes: UInt8(esp.suite.ivBytes),
      tagBytes: UInt8(esp.suite.tagBytes), padMask: UInt8(max(4, esp.suite.blockBytes) - 1))
    if esp.mode == .transport { flags.insert(.isTransport) }
    if esp.isExtended { flags.insert(.isExtended) }
    if esp.suite.isCounterMode { flags.insert(.isCounterMode) }
    if esp.suite.authenticatesIV { flags.insert(.authenticatesIV) }
    if esp.suite.hasSuffix { flags.insert(.hasSuffix) }
    if esp.ecn == .compatibility { flags.insert(.hidesECN) }
    plainKind = key.plainKind
    if flags == .isCounterMode, plainKind != 0 { flags.insert(.isPlain) }
  }
}

extension CipherSuite {
  /// Whether the IV belongs to what is authenticated in front of the payload: with an HMAC, and with GMAC
  /// (RFC 4543 section 3.3).
  var authenticatesIV: Bool { cipher == .aesGMAC || hasSuffix }
}
