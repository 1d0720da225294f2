import CKernel
import CLI
import Config
import Console
import Contract
import Dataplane
import Glibc
import Membership
import Memory
import Neighbours
import Nonces
import Service
import Wire

/// One life of a live gateway, and its control thread: the one that made it.
final class LiveSession {
  let options: RunOptions
  /// As it was at the start: no reload changes who may reload.
  private let trust: Trust?
  private(set) var configuration: Configuration
  private(set) var reloads: UInt64 = 0
  private(set) var configured = hauberk_nanoseconds()
  let gateway: LiveGateway
  let devices: [FoundDevice]
  let started = hauberk_nanoseconds()
  var state = GatewayState.starting
  let ports: PortSet
  lazy var trace = LiveTrace(gateway)
  var drainage: LiveDrain?
  private(set) var bridge: SlowPathBridge
  /// Of one of several gateways.
  let membership: LiveMembership?
  var leaveBy: UInt64?
  private(set) var server: ControlServer?
  private var metrics: MetricsServer?
  /// What the metrics' thread reads: a second old at most.
  private let shown = LatestText()
  private var nextShow: UInt64 = 0
  private var nextBystanders: UInt64 = 0
  /// What this member has told the others of its neighbours.
  private var known: [Acquaintance] = []
  private let log: Log?
  let notifier: ServiceNotifier?
  private var nextSignOfLife: UInt64 = 0
  var isStopping = false
  private(set) var warnings: [String] = []

  var portWords: [String] { ports.sides.map(\.words) }

  init(
    _ options: RunOptions, _ configuration: Configuration, _ description: GatewayDescription, _ trust: Trust?
  ) throws(CommandFailure) {
    self.options = options
    self.trust = trust
    self.configuration = configuration
    log = Log(
      format: configuration.operation.logFormat == "json" ? .json : nil,
      least: LogLevel(name: configuration.operation.logLevel) ?? .info)
    do {
      let devices = try description.ports.map { port throws(PortError) in try FoundDevice(port.device) }
      self.devices = devices
      let macs = zip(description.ports, devices).map { $0.mac ?? $1.mac }
      var live = Self.live(configuration, description)
      membership = try configuration.membership.map { wanted throws(MembershipRefusal) in
        try LiveMembership(wanted, configuration, description, devices: devices.map(\.name), macs: macs)
      }
      // Nothing is a member's before the cluster says so.
      if membership != nil { live.ownership = .nobodys(workers: description.workers) }
      self.configuration.classify = live.classify
      let directory = try configuration.stateDirectory.map { folder throws(NonceRefusal) in
        try NonceStateDirectory(path: folder)
      }
      gateway = try LiveGateway(
        live, macs: macs, nonces: directory, options.begins ? .newUnlessRecorded : .known(used: []),
        cluster: membership?.cluster)
      // What is taken of the kernel's has to be found again by whoever starts next, however this one ends.
      let records = (configuration.stateDirectory.map { $0 + "/" } ?? configuration.operation.socket + ".") + "taken"
      ports = try PortSet(gateway, devices, records: records)
      bridge = SlowPathBridge(gateway, macs: macs)
      notifier = try ServiceNotifier.started()
    } catch let error as PortError {
      throw CommandFailure(.machine, error.description)
    } catch let error as NonceRefusal {
      throw CommandFailure(.configuration, error.description)
    } catch let error as MembershipRefusal {
      throw CommandFailure(error.isPassing ? .machine : .configuration, error.description)
    } catch {
      throw CommandFailure(.machine, "\(error)")
    }
  }

  /// What the configuration leaves open follows from the devices.
  private static func live(_ configuration: Configuration, _ gateway: GatewayDescription) -> LiveDescription {
    var classify = configuration.classify
    let mtu = gateway.interfaces.filter { $0.side == .outside }.map(\.mtu).min() ?? 1500
    func fit(_ esp: inout ESPDescription) { esp.pathMTU = esp.pathMTU == 0 ? mtu : min(esp.pathMTU, mtu) }
    var last: TunnelSecurity?
    // Anew, for there may be many: a list that has grown has room for more.
    classify.tunnels = classify.tunnels.map { tunnel in
      var tunnel = tunnel
      guard var security = tunnel.security else { return tunnel }
      fit(&security.esp)
      if let last { security.share(with: last) }
      last = security
      tunnel.security = security
      return tunnel
    }
    for index in classify.groups.indices where classify.groups[index].security != nil {
      fit(&classify.groups[index].security!.esp)
    }
    var live = LiveDescription(classify, gateway)
    if let frames = configuration.frames { live.memory.frames = frames }
    if let bytes = configuration.frameBytes { live.memory.frameBytes = bytes }
    live.engine = configuration.engine.flatMap { CryptoEngine.Kind(rawValue: $0) }
    live.unit = configuration.unitNumber ?? 0
    return live
  }

  func run() throws(CommandFailure) -> ExitCode {
    defer { close() }
    // Whoever wants a reload before everything has begun gets it then.
    hauberk_catch_hangups()
    let server = try ControlServer(path: configuration.operation.socket) { [unowned self] in answer($0) }
    self.server = server
    if let text = configuration.operation.metrics, let address = MetricsAddress(text) {
      metrics = try MetricsServer(address) { [shown] in shown.text }
    }
    do {
      try gateway.start(ports.ports) {
        // It needs no right at all. Where that fails it fails for the control thread as well, which ends the start.
        do {
          try Privileges.confine(.worker, others: .refuse)
        } catch {
          Console.note("hauberk: a worker \(error)")
        }
      }
      try membership?.start(gateway, ports)
      try Privileges.confine(.control, others: .refuse)
    } catch let error as SystemRefusal {
      throw CommandFailure(.machine, error.description)
    } catch let error as ThreadError {
      throw CommandFailure(.machine, error.description)
    } catch {
      throw CommandFailure(.machine, "\(error)")
    }
    state = .running
    let milliseconds = Double(hauberk_nanoseconds() - started) / 1e6
    note("running", "running after \(Format.fixed(milliseconds, 0)) ms: \(describePorts()); \(gateway.engineName)")
    for weakness in ports.sides.compactMap({ $0.opened?.weakness }) { tell(.warning, weakness) }
    for refusal in ports.refusals { warn("not as fast as it could be: \(refusal)") }
    lookAtLinks()
    if let weakness = membership?.member?.weakness { warn(weakness) }
    notifier?.ready("passing packets")
    while !isStopping, !(hauberk_was_interrupted() && hasLeft()) {
      turn(server)
      if hauberk_take_hangup() { _ = reload() }
    }
    state = .stopping
    notifier?.stopping("told to stop")
    gateway.stop()
    membership?.stop()
    note("stopped", "stopped")
    _ = log?.finish()
    return .success
  }

  /// What interfaces want of their devices, and do not get.
  private func lookAtLinks() {
    let interfaces = gateway.description.gateway.interfaces
    for (index, side) in ports.sides.enumerated() {
      let device = side.description.device, own = interfaces.filter { $0.side == side.description.side }
      // Nobody misses tags where no interface has one.
      if side.opened?.hidesVLANTags == true, own.contains(where: { $0.vlan != nil }) {
        warn("\(device) takes VLAN tags off before anybody sees them: `ethtool -K \(device) rxvlan off`")
      }
      if let mtu = own.map(\.mtu).max(), mtu > devices[index].mtu {
        warn(
          "\(device) takes packets of \(devices[index].mtu) octets, and its 'mtu' here is \(mtu): longer ones are lost; "
            + "`ip link set \(device) mtu \(mtu)`")
      }
    }
  }

  /// Clients keep their connections: those end with the process, when everything else is over.
  func close() {
    metrics = nil
    // What failed may have failed after workers were started.
    gateway.stop()
    membership?.stop()
    ports.close()
    gateway.deallocate()
    membership?.deallocate()
  }

  private func turn(_ server: ControlServer) {
    let now = hauberk_nanoseconds()
    let isMore = bridge.takePunted(now: now)
    for (side, event) in ports.turn(now: now) { take(event, of: side, now: now) }
    bridge.tick(now: now)
    do {
      try gateway.serve()
    } catch {
      warn(error.description)
    }
    turnMembership(now)
    for event in bridge.takeEvents() { note("link", "\(name(of: event.interface)): \(event)") }
    for report in gateway.takeEvents() where report.kind != .stopped { note("\(report.kind)", words(for: report)) }
    if let every = notifier?.watchdogNanoseconds, now >= nextSignOfLife {
      notifier?.alive()
      nextSignOfLife = now + every / 2
    }
    trace.turn(now: now) { traceNames }
    turnDrain()
    server.turn()
    log?.turn()
    if metrics != nil, now >= nextShow {
      nextShow = now + 1_000_000_000
      shown.text = metricsText
    }
    if isMore { return }
    var milliseconds: Int32 = 20
    if drainage != nil { milliseconds = 1 }
    if let due = bridge.nextTimer, drainage == nil {
      milliseconds = due <= now ? 0 : min(20, Int32((due - now) / 1_000_000) + 1)
    }
    hauberk_wait_for(server.descriptor, ports.news, gateway.wakesControl, milliseconds)
  }

  private func turnMembership(_ now: UInt64) {
    guard let desk = membership?.member?.desk else { return }
    bridge.speak(forCluster: desk.isSpeaker)
    if now >= nextBystanders {
      nextBystanders = now + 1_000_000_000
      desk.know(bridge.bystanders)
      let acquaintances = bridge.acquaintances
      if acquaintances != known { desk.know(acquaintances) }
      known = acquaintances
    }
    bridge.learn(desk.takeTold(), now: now)
    for event in desk.takeUntold() { log?.write(event.isWarning ? .warning : .info, "cluster", event.event) }
  }

  /// What became of a device, for its neighbours and for the operator.
  private func take(_ event: PortEvent, of side: Side, now: UInt64) {
    let device = ports.sides[Int(side.rawValue)].description.device
    switch event {
    case .vanished: tell(.warning, "\(side) \(device) has vanished: it is opened again as soon as it is back")
    case .returned(let words):
      tell(.info, "\(side) \(device) is back: \(words)")
      bridge.linkCameUp(side, now: now)
    case .linkDown: tell(.warning, "\(side) \(device) has no link, or is switched off")
    case .linkUp:
      tell(.info, "\(side) \(device) has its link again")
      bridge.linkCameUp(side, now: now)
    case .unfinishedChecksum: tell(.warning, ports.sides[Int(side.rawValue)].checksumWarning)
    case .refused(let why, let seconds): tell(.warning, "\(side): \(why); tried again, at first after \(seconds) s")
    }
  }

  private func tell(_ level: LogLevel, _ line: String) { log?.write(level, "link", line) }

  func stop() { isStopping = true }

  /// As a whole or not at all. `begins`: keys without a nonce record are new.
  func reload(begins: Bool = false) -> Response {
    if drainage != nil { return refuse("the gateway drains, and then it ends") }
    notifier?.reloading(nowNanoseconds: hauberk_nanoseconds())
    // Very many SAs take longer than a service manager is used to wait for signs of life.
    notifier?.extend(seconds: 300)
    defer {
      notifier?.extend(seconds: nil)
      notifier?.ready("passing packets")
    }
    do {
      var next = try Configuration.load(options.config, trust)
      guard let description = next.gateway else {
        return refuse("\(options.config) names no ports any more")
      }
      guard next.stateDirectory == configuration.stateDirectory, next.operation == configuration.operation else {
        return refuse("'unit.stateDirectory' and 'operation' cannot change while the gateway runs")
      }
      guard next.membership == configuration.membership else {
        return refuse("'cluster.units' and what else makes members cannot change while the gateway runs")
      }
      let renewal = try membership?.renewedAuthority()
      guard membership?.goesWith(next) ?? true else {
        return refuse(
          "what decides whose a packet is has to be the same for all members (C6): stop them all for other cluster "
            + "addresses, groups or policies")
      }
      var live = Self.live(next, description)
      keepUnchanged(&live.classify.tunnels)
      next.classify = live.classify
      // By the names of now: the next configuration has others.
      trace.turn(now: hauberk_nanoseconds()) { traceNames }
      let old = gateway.description.gateway, now = hauberk_nanoseconds()
      defer { membership?.adopt(gateway.description.classify) }
      try gateway.reload(live, begins: begins) {
        membership?.letGo()
        bridge.letGo(for: description, now: now)
      }
      bridge.adopt(after: old, now: now)
      if let renewal { membership?.adopt(renewal) }
      configuration = next
      configured = hauberk_nanoseconds()
      reloads += 1
      warnings.removeAll { $0.hasPrefix(Self.refused) }
      lookAtLinks()
      hauberk_return_free_memory()
    } catch {
      return refuse("\(error)", (error as? ConfigurationFailure)?.exitCode ?? .configuration)
    }
    let count = gateway.associations.count
    note("reloaded", "reloaded \(options.config): \(count) SAs, \(gateway.description.gateway.routes.count) routes")
    return Response(Done("reloaded \(options.config)"))
  }

  /// What has not changed stays where it lies: its new copy is scattered among what reading leaves behind, and would keep
  /// all of that.
  private func keepUnchanged(_ tunnels: inout [TunnelDescription]) {
    let old = configuration.classify.tunnels
    let places = Dictionary(
      old.indices.map { (old[$0].inboundSPI, $0) }, uniquingKeysWith: { first, _ in first })
    for index in tunnels.indices {
      guard let place = places[tunnels[index].inboundSPI], old[place].isSame(as: tunnels[index]) else { continue }
      tunnels[index] = old[place]
    }
  }

  private static let refused = "reload refused, nothing has changed: "

  private func refuse(_ sentence: String, _ code: ExitCode = .configuration) -> Response {
    warn(Self.refused + sentence)
    return .refused(code, "nothing has changed: \(sentence)")
  }

  func name(of interface: Int) -> String {
    let description = gateway.description.gateway
    let found = description.interfaces[interface]
    let device = description.ports.first { $0.side == found.side }?.device ?? "\(found.side)"
    return found.vlan.map { "\(device).\($0)" } ?? device
  }

  private func describePorts() -> String {
    ports.sides.map { "\($0.description.side) \($0.description.device) (\($0.words))" }.joined(separator: ", ")
  }

  private func words(for report: Report) -> String {
    "outbound SA \(report.sa) nears the end of its numbers, octets or time: it wants a successor"
  }

  func note(_ name: String, _ line: String) { log?.write(.info, name, line) }

  private func warn(_ line: String) {
    log?.write(.warning, "warning", line)
    if !warnings.contains(line), warnings.count < 16 { warnings.append(line) }
  }
}
