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
}

/// All SAs of a description with their keys, windows and counters: made on the control thread, before any worker
/// knows of them, and gone after the last has forgotten them.
package final class Associations {
  package let tables: AssociationTables
  package let engine: CryptoEngine
  let plan: AssociationPlan
  package let description: ClassifyDescription
  /// One for every SA that seals: a tunnel's, or a group's, whatever number of sites it has.
  private(set) var senders: [Sender] = []
  private var keys: [CipherKey] = []
  private var windows: [UnsafeMutablePointer<SenderWindows>] = []
  private let memory: [TableMemory]
  let workers: Int

  /// What seals under one key: whose nonces those are.
  struct Sender {
    var name: String
    /// An outbound SA of it.
    var outbound: Int
    var key: KeyDescription
    var isGroup: Bool
    var senderIDBits: Int
    var units: Int
    var workSet: UInt16
    var isCounterMode: Bool
  }

  package init(
    _ description: ClassifyDescription, engine: CryptoEngine, workers: Int
  ) throws(CryptoError) {
    self.description = description
    self.engine = engine
    self.workers = workers
    let plan = AssociationPlan(description, hasAssociations: true)
    self.plan = plan
    let groups = description.groups.count { $0.security != nil }
    let outboundStates = TableMemory(
      bytes: max(1, plan.outboundCount + groups * workers) * OutboundState.stride)
    let windowBytes = description.tunnels.reduce(0) {
      $0 + ($1.security.map { InboundState.stride + ReplayWindow.bytes(size: $0.esp.window) } ?? 0)
    }
    let inboundStates = TableMemory(bytes: max(64, windowBytes + groups * workers * InboundState.stride))
    let outbound = TableMemory(bytes: max(1, plan.outboundCount) * MemoryLayout<OutboundSA>.stride)
    let inbound = TableMemory(bytes: max(1, plan.inboundCount) * MemoryLayout<InboundSA>.stride)
    memory = [outboundStates, inboundStates, outbound, inbound]
    tables = AssociationTables(
      outbound: outbound.base.bindMemory(to: OutboundSA.self, capacity: max(1, plan.outboundCount)),
      inbound: inbound.base.bindMemory(to: InboundSA.self, capacity: max(1, plan.inboundCount)),
      outboundCount: plan.outboundCount, inboundCount: plan.inboundCount, epoch: .allocate(capacity: 1))
    tables.epoch.initialize(to: 0)
    var outboundState = outboundStates.base, inboundState = inboundStates.base
    for (number, tunnel) in description.tunnels.enumerated() {
      guard let security = tunnel.security else { continue }
      try addTunnel(number, tunnel, security, &outboundState, &inboundState)
    }
    for (number, group) in description.groups.enumerated() {
      guard let security = group.security else { continue }
      try addGroup(number, group, security, &outboundState, &inboundState)
    }
    notePrefixes()
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
    for key in keys { key.destroy() }
    for window in windows {
      window.pointee.deallocate()
      window.deallocate()
    }
    for block in memory { block.deallocate() }
    tables.epoch.deallocate()
  }

  private func key(
    _ suite: CipherSuite, _ use: CipherKey.Use, _ description: KeyDescription
  ) throws(CryptoError) -> CipherKey {
    let result = description.material.withOctets { octets in
      Result<CipherKey, CryptoError> { () throws(CryptoError) in try engine.key(suite, use, material: octets) }
    }
    let key = try result.get()
    keys.append(key)
    return key
  }

  private func addTunnel(
    _ number: Int, _ tunnel: TunnelDescription, _ security: TunnelSecurity,
    _ outboundState: inout UnsafeMutableRawPointer, _ inboundState: inout UnsafeMutableRawPointer
  ) throws(CryptoError) {
    guard let out = plan.tunnels[number], let into = plan.inboundTunnels[number] else { return }
    let esp = security.esp
    let workSet = UInt16(tunnel.inboundSPI & 1023)
    let sealing = try key(esp.suite, .seal, security.outboundKey)
    var sa = OutboundSA(
      esp, sealing, spi: tunnel.outboundSPI, Self.makeState(esp, at: &outboundState),
      OuterHeader(esp, from: security.address, to: tunnel.peer))
    sa.workSet = workSet
    sa.bundle = plan.bundles[number]
    (tables.outbound + out).initialize(to: sa)
    senders.append(
      Sender(
        name: tunnel.name, outbound: out, key: security.outboundKey, isGroup: false,
        senderIDBits: NonceSupply.unicastWidth.rawValue, units: 0, workSet: workSet,
        isCounterMode: esp.suite.isCounterMode))

    let opening = try key(esp.suite, .open, security.inboundKey)
    let state = inboundState.bindMemory(to: InboundState.self, capacity: 1)
    state.initialize(to: InboundState())
    _ = ReplayWindow(at: inboundState + InboundState.stride, size: esp.window, extended: esp.isExtended)
    inboundState += InboundState.stride + ReplayWindow.bytes(size: esp.window)
    var other = InboundSA(esp, opening, spi: tunnel.inboundSPI, state, bundle: plan.bundles[number])
    other.workSet = workSet
    (tables.inbound + into).initialize(to: other)
  }

  private func addGroup(
    _ number: Int, _ group: GroupDescription, _ security: GroupSecurity,
    _ outboundState: inout UnsafeMutableRawPointer, _ inboundState: inout UnsafeMutableRawPointer
  ) throws(CryptoError) {
    guard let into = plan.inboundGroups[number] else { return }
    let esp = security.esp
    let bundle = plan.bundle(group: number)
    // All sites share one sequence a worker: it is the sender that receivers know.
    let sealing = try key(esp.suite, .seal, security.key)
    // Each worker counts what it seals: together they must not go beyond what is allowed.
    let share = esp.shared(among: workers)
    let states = Self.makeState(share, at: &outboundState)
    for _ in 1..<max(1, workers) { _ = Self.makeState(share, at: &outboundState) }
    for (site, out) in zip(security.sites, plan.sites[number]) {
      var sa = OutboundSA(
        share, sealing, spi: group.spi, states, OuterHeader(esp, from: security.address, to: site.gateway))
      sa.flags.insert(.isGroup)
      sa.stateStride = UInt32(OutboundState.stride)
      sa.bundle = bundle
      (tables.outbound + out).initialize(to: sa)
    }
    if let first = plan.sites[number].first {
      senders.append(
        Sender(
          name: group.name, outbound: first, key: security.key, isGroup: true, senderIDBits: group.senderIDBits,
          units: security.units, workSet: 0, isCounterMode: esp.suite.isCounterMode))
    }

    let opening = try key(esp.suite, .open, security.key)
    let window = UnsafeMutablePointer<SenderWindows>.allocate(capacity: 1)
    window.initialize(
      to: SenderWindows(senderIDBits: group.senderIDBits, capacity: security.maxSenders, window: esp.window))
    windows.append(window)
    let state = inboundState.bindMemory(to: InboundState.self, capacity: workers)
    state.initialize(repeating: InboundState(), count: workers)
    inboundState += workers * InboundState.stride
    var sa = InboundSA(esp, opening, spi: group.spi, state, bundle: bundle)
    sa.senders = window
    sa.stateStride = UInt32(InboundState.stride)
    sa.senderShift = UInt8(64 - group.senderIDBits)
    (tables.inbound + into).initialize(to: sa)
  }

  private static func makeState(
    _ esp: ESPDescription, at memory: inout UnsafeMutableRawPointer
  ) -> UnsafeMutablePointer<OutboundState> {
    let state = memory.bindMemory(to: OutboundState.self, capacity: 1)
    memory += OutboundState.stride
    state.initialize(
      to: OutboundState(
        nonces: .none,
        sequence: OutboundSequence(
          extended: esp.isExtended, softLimit: esp.packets?.soft, hardLimit: esp.packets?.hard),
        nextNonces: .none))
    return state
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
