import ControlKit
public import Wire

extension Neighbour {
  /// Whether a question of ours is open.
  var isAsked: Bool { state == .incomplete || state == .probe }
}

/// The life of a neighbour (RFC 4861 section 7.3), for IPv4 the same as for IPv6:
///
///     incomplete ──answer──▶ reachable ──30 s──▶ stale ──use──▶ delay ──5 s──▶ probe ──3 in vain──▶ forgotten
///         │ 3 in vain            ▲                 └──────────60 s────────────▶ │
///         ▼                      └───────────────answer───────────────────────┘
///     unreachable
///
/// Only the dataplane sees whether a neighbour is used. Where it does not report that, stale ones are asked as well,
/// only later: who is gone has to be noticed. After hours without use one may be put out for another, not before.
extension SlowPath {
  /// The dataplane has sent to this neighbour lately.
  public mutating func used(_ interface: Int, _ address: IPAddress, now: UInt64) {
    advance(to: now)
    if let slot = table.slot(of: LinkAddress(interface: interface, address: address)) { use(slot) }
  }

  private mutating func use(_ slot: Int) {
    table[slot].usedAt = now
    if table[slot].state == .stale { enter(slot, .delay, for: Timing.delay) }
  }

  /// A packet whose next hop has to be found. Nil while it is held.
  mutating func resolve(_ packet: ReceivedPacket, _ interface: Int, _ nextHop: IPAddress) -> Fate? {
    guard packet.isWhole else { return .malformed }
    guard nextHop.isHost, nextHop.isIPv6 == packet.isIPv6, !own.has(nextHop),
      !interfaces[interface].isBroadcast(nextHop)
    else { return .badNextHop }
    let key = LinkAddress(interface: interface, address: nextHop)
    if let slot = table.slot(of: key) {
      guard let mac = table[slot].mac else { return hold(packet, slot) }
      // The dataplane did not know yet, or no more.
      use(slot)
      install(slot, mac)
      send(.heldPacket, interfaces[interface].frame(to: mac, packet: packet.bytes.array), interface)
      return .passedOn
    }
    guard sourceAddress(to: nextHop, interface) != nil else { return .noOwnAddress }
    if case .none = table.room { return tableIsFull(interface) }
    guard allowed.mayAsk(now: now) else { return .limitedQuestions }
    guard let slot = insert(Neighbour(key, .incomplete, mac: nil, now: now)) else { return .tableFull }
    let fate = hold(packet, slot)
    ask(slot)
    return fate
  }

  private mutating func tableIsFull(_ interface: Int) -> Fate {
    tell(.tableFull(interface: interface))
    return .tableFull
  }

  mutating func insert(_ neighbour: Neighbour) -> Int? {
    switch table.room {
    case .none: return nil
    case .after(let oldest): remove(oldest, heldOnes: .evicted)
    case .free: break
    }
    return table.insert(neighbour)
  }

  private mutating func hold(_ packet: ReceivedPacket, _ slot: Int) -> Fate? {
    guard limits.heldPerNeighbour > 0 else { return .heldFull }
    if table[slot].held.count >= limits.heldPerNeighbour {
      // The newest is the likeliest to be still wanted (RFC 4861 section 7.2.2).
      table[slot].held.removeFirst()
      heldPackets -= 1
      fates.count(.heldReplaced)
    }
    guard heldPackets < limits.held else { return .heldFull }
    table[slot].held.append(packet.bytes.array)
    heldPackets += 1
    return nil
  }

  // What is heard

  /// The answer to a question of ours.
  mutating func confirm(_ slot: Int, _ mac: MACAddress) {
    if !isIdle(slot) { table.confirm(slot, now: now) }
    learn(slot, mac)
    enter(slot, .reachable, for: jitter.around(Timing.reachable))
  }

  /// Somebody asked for us, and said where he is: likely to be true, but nobody has confirmed it. The dataplane is not
  /// told before somebody sends to him, so a flood of such addresses fills nothing there.
  mutating func hear(_ key: LinkAddress, _ mac: MACAddress) {
    guard let slot = table.slot(of: key) else {
      guard interfaces[key.interface].isOnLink(key.address) else { return }
      guard let slot = insert(Neighbour(key, .stale, mac: mac, now: now)) else { return }
      return enter(slot, .stale, for: jitter.around(Timing.stale))
    }
    guard table[slot].isInstalled || table[slot].mac == nil else {
      table[slot].mac = mac
      return
    }
    if table[slot].mac != mac, !isSettled(slot) { move(slot, mac) }
  }

  /// Another MAC address than before, or the first: used, and soon asked whether it is right.
  mutating func move(_ slot: Int, _ mac: MACAddress) {
    learn(slot, mac)
    enter(slot, .delay, for: Timing.delay)
  }

  /// Whether it answered so lately that what contradicts it is not to be believed.
  func isSettled(_ slot: Int) -> Bool { table[slot].isConfirmed && now - table[slot].confirmedAt < Timing.settle }

  private func isIdle(_ slot: Int) -> Bool { now - table[slot].usedAt > Timing.idle }

  private mutating func learn(_ slot: Int, _ mac: MACAddress) {
    let (key, old) = (table[slot].key, table[slot].mac)
    if old != mac || !table[slot].isInstalled { install(slot, mac) }
    if let old, old != mac { tell(.moved(interface: key.interface, key.address, from: old, to: mac)) }
    let held = table[slot].held
    table[slot].held = []
    heldPackets -= held.count
    for packet in held {
      send(.heldPacket, interfaces[key.interface].frame(to: mac, packet: packet), key.interface)
      fates.count(.passedOn)
    }
  }

  private mutating func install(_ slot: Int, _ mac: MACAddress) {
    table[slot].mac = mac
    table[slot].isInstalled = true
    direct(.neighbour(interface: table[slot].key.interface, table[slot].key.address, mac))
  }

  // What time does

  mutating func enter(_ slot: Int, _ state: NeighbourState, for duration: UInt64) {
    table[slot].state = state
    table[slot].since = now
    table[slot].attempts = 0
    table[slot].asksAll = false
    table.setDeadline(slot, now + duration)
  }

  mutating func lookAt(_ slot: Int) {
    let neighbour = table[slot]
    switch neighbour.state {
    case .reachable: enter(slot, .stale, for: jitter.around(Timing.stale))
    // Nobody wants him; to ask would only make an address that somebody made up look like a neighbour.
    case .stale where !neighbour.isInstalled: remove(slot, heldOnes: .forgotten)
    case .stale, .delay:
      // Kept all the same: perhaps nobody reports the use.
      if isIdle(slot) { table.unconfirm(slot) }
      probe(slot, isFirst: true)
    case .incomplete, .probe:
      if neighbour.attempts >= Timing.mostAttempts {
        giveUp(slot)
      } else if neighbour.state == .incomplete {
        ask(slot)
      } else {
        probe(slot, isFirst: false)
      }
    }
  }

  private mutating func ask(_ slot: Int) {
    question(slot, at: nil)
    table[slot].attempts += 1
    table.setDeadline(slot, now + Timing.retransmit)
  }

  mutating func probe(_ slot: Int, isFirst: Bool) {
    if isFirst {
      table[slot].state = .probe
      table[slot].since = now
      table[slot].attempts = 0
    }
    question(slot, at: table[slot].asksAll ? nil : table[slot].mac)
    table[slot].attempts += 1
    table.setDeadline(slot, now + Timing.retransmit)
  }

  private mutating func question(_ slot: Int, at mac: MACAddress?) {
    let key = table[slot].key
    // Without an address of ours the question stays unasked, and the neighbour is given up in time.
    switch key.address {
    case .v4(let address): _ = askByARP(address, at: mac, key.interface)
    case .v6(let address): _ = askByDiscovery(address, at: mac, key.interface)
    }
  }

  private mutating func giveUp(_ slot: Int) {
    let neighbour = table[slot]
    let key = neighbour.key
    if let mac = neighbour.mac {
      tell(.lost(interface: key.interface, key.address, mac))
    } else {
      tell(.unreachable(interface: key.interface, key.address))
    }
    table[slot].held = []
    heldPackets -= neighbour.held.count
    remove(slot, heldOnes: .forgotten)
    for octets in neighbour.held {
      let fate = withBytes(octets) { bytes in
        // They were parsed before they were held.
        ReceivedPacket(bytes).map { refuse($0, .unreachable, Arrival(interface: key.interface)) } ?? .malformed
      }
      fates.count(fate)
    }
  }

  mutating func remove(_ slot: Int, heldOnes fate: Fate) {
    let neighbour = table.remove(slot)
    if neighbour.isInstalled { direct(.forget(interface: neighbour.key.interface, neighbour.key.address)) }
    heldPackets -= neighbour.held.count
    for _ in neighbour.held { fates.count(fate) }
  }
}
