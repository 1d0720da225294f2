import CKernel
import Contract
import Dataplane
import Glibc
import Memory
import Wire

/// The devices of both sides, each opened by the method that is asked for or by the fastest that works, and opened again
/// when they come back.
final class PortSet {
  let sides: [PortSide]
  /// Why faster ones were not got.
  private(set) var refusals: [String]
  /// Readable when some device or other has changed; below 0 where the kernel does not tell.
  let news: Int32
  /// By side: what the kernel drops for us, as long as this process lives. Nil where it does not let us.
  /// What the kernel may drop of what comes in on each side, because it is another member's for certain (C24). To be set
  /// from one thread, which is no worker's, at any time; it needs no right.
  let early: [EarlyMemory?]
  private let gateway: LiveGateway
  private let records: String
  private var nextLook: UInt64 = 0

  /// Fastest first.
  private static let methods: [PortMethod] = [.xdp, .packet]
  /// With two VLAN tags.
  private static let linkHeader = 22

  /// `devices` by side. `records` is how files begin that say what was taken of the kernel's.
  init(_ gateway: LiveGateway, _ devices: [FoundDevice], records: String) throws(PortError) {
    self.gateway = gateway
    self.records = records
    KernelGuard.giveBackLeftOver(records, except: devices.map(\.name))
    var refusals: [String] = []
    let longest = (devices.map(\.mtu).max() ?? 1500) + Self.linkHeader
    let counters = devices.map { _ in gateway.frames.map { _ in PortCounters() } }
    let classify = gateway.description.classify
    // ESP comes from outside; SPIs for which there is no room are left to workers. Clear packets come from both sides.
    let spis = classify.tunnels.count + classify.groups.count
    let buckets = EarlyRules.selectorBuckets(classify)
    // Who is alone has no other member's packets to drop.
    let isOfUse = EarlyRules(classify) != nil
    let early = Side.allCases.map { side -> EarlyMemory? in
      guard isOfUse else { return nil }
      let spis = side == .inside ? 0 : spis
      // Without room for the policy it is asked by workers alone.
      return (try? EarlyMemory(side, spis: spis, selectorBuckets: buckets)) ?? (try? EarlyMemory(side, spis: spis))
    }
    self.early = early
    func wishes(_ index: Int, copies: Bool) -> PortWishes {
      PortWishes(
        device: devices[index].name, frames: gateway.frames, counters: counters[index],
        takesAddresses: gateway.description.gateway.ports[index].takesAddresses,
        record: "\(records).\(devices[index].name)", longest: longest,
        early: early[index], copies: copies)
    }
    func both(copies: Bool) throws(PortError) -> [OpenedPort] {
      let descriptions = gateway.description.gateway.ports
      refusals = []
      let first = try Self.open(descriptions[0], wishes(0, copies: copies), beside: nil, &refusals)
      let second: OpenedPort
      do {
        second = try Self.open(descriptions[1], wishes(1, copies: copies), beside: first, &refusals)
      } catch {
        let wasZeroCopy = first.isZeroCopy
        first.close()
        guard wasZeroCopy else { throw error }
        return try both(copies: true)
      }
      guard first.isZeroCopy, !second.isZeroCopy else { return [first, second] }
      // Only a device that copies like the other can share its memory.
      first.close()
      second.close()
      return try both(copies: true)
    }
    do {
      let opened = try both(copies: false)
      sides = gateway.description.gateway.ports.enumerated().map { index, port in
        PortSide(port, gateway, counters: counters[index], opened[index])
      }
    } catch {
      for bank in counters.joined() { bank.deallocate() }
      throw error
    }
    self.refusals = refusals
    news = hauberk_link_watch()
  }

  /// The method that is asked for, or the fastest that the kernel does not refuse.
  private static func open(
    _ port: PortDescription, _ wishes: PortWishes, beside other: OpenedPort?, _ refusals: inout [String]
  ) throws(PortError) -> OpenedPort {
    var words: [String] = []
    for method in port.method.map({ [$0] }) ?? methods {
      do {
        let opened = try OpenedPort.open(method, wishes, beside: other)
        refusals += words
        return opened
      } catch {
        // What is wrong with the device is so by each method.
        if words.last != error.description { words.append(error.description) }
      }
    }
    throw PortError(words.joined(separator: "; "))
  }

  /// How many packets it has dropped so far. No worker has received them.
  func droppedEarly(_ side: Side) -> UInt64 { early[Int(side.rawValue)]?.counts.filtered ?? 0 }

  /// By worker.
  var ports: [LivePorts] {
    let both = sides.map { $0.opened?.ports ?? [] }
    return gateway.frames.indices.map { LivePorts(inside: both[0][$0], outside: both[1][$0]) }
  }

  /// Looks after devices, now and then and whenever the kernel says that one has changed.
  func turn(now: UInt64) -> [(side: Side, event: PortEvent)] {
    for change in gateway.takeRetired() { sides[Int(change.side.rawValue)].retire() }
    let isNews = news >= 0 && hauberk_link_take(news)
    guard isNews || now >= nextLook else { return [] }
    var events: [(side: Side, event: PortEvent)] = []
    for side in sides {
      let event = side.look(now: now, isNews: isNews) { description throws(PortError) in
        try reopen(description)
      }
      if let event { events.append((side.description.side, event)) }
    }
    nextLook = min(now + 1_000_000_000, sides.compactMap(\.due).min() ?? .max)
    return events
  }

  private func reopen(_ port: PortDescription) throws(PortError) -> OpenedPort {
    let index = Int(port.side.rawValue)
    var wishes = PortWishes(
      device: port.device, frames: gateway.frames, counters: sides[index].counters,
      takesAddresses: port.takesAddresses, record: "\(records).\(port.device)", longest: 0,
      early: early[index])
    // A TAP device is made by opening it.
    if port.method != .tap { _ = try FoundDevice(port.device) }
    wishes.copies = !sides[index].wasZeroCopy
    wishes.isLater = true
    var refusals: [String] = []
    let opened = try Self.open(port, wishes, beside: sides[1 - index].usable, &refusals)
    self.refusals = refusals
    return opened
  }

  /// After the workers have stopped.
  func close() {
    for side in sides { side.close() }
    if news >= 0 { Glibc.close(news) }
  }
}
