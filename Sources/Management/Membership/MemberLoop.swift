internal import CKernel
internal import Cluster
internal import Contract
internal import ControlKit
internal import Dataplane
internal import Identity
internal import Wire

/// The cluster's thread of one member: the only one that touches `ClusterUnit`. It hears and speaks by both sides' wires,
/// signs, verifies, and carries out what the unit directs. It runs before all workers, and waits for none of them.
final class MemberLoop {
  private let profile: Profile
  let units: [MembershipUnit]
  let own: MembershipUnit
  let identity: UnitIdentity
  let desk: MembershipDesk
  let clusterNumber: UInt64
  let incarnation: UInt64
  let wakesControl: Int32
  let ports: [ControlPort]
  let shared: [SharedAddress]
  private var keys: UnitKeys
  var gate: Gate
  var unit: ClusterUnit
  var plane: MemberPlane
  var sides: BothSides
  var introductions = Introductions()
  private var acquaintances = Acquaintances()
  private var loads: LoadWatch
  private let links: LinkWatch
  var sequence: UInt64 = 0
  var watchwords = Watchwords()
  var sent: UInt64 = 0
  private var answeredAt: [Moment]
  /// Units' own, by side, from their frames: what was signed came in those.
  var macs = Array(
    repeating: [MACAddress?](repeating: nil, count: 2), count: ClusterDescription.mostUnits)
  /// Units' incarnations, by their last introduction.
  private var lives = Array(repeating: UInt64(0), count: ClusterDescription.mostUnits)
  private var heardAt: Moment = 0
  private var heardSaid: Moment = 0
  var announcements = Announcements()
  var latest: Nanoseconds = 0
  var nextShow: Moment = 0
  private var nextLook: Moment = 0
  /// More messages wait than were taken at once.
  private var isFlooded = false
  private var nextCheck: Moment = 0
  private var hasBegun = false
  private var isDraining = false
  /// Our own certificate does not hold any more, and others are to do our work.
  private var leavesSince: Moment?
  /// Somebody's message that was signed well.
  private var othersHeardAt: Moment?
  private var complaints = Complaints()
  /// Our office is somebody else's; so long we pass on what still comes to us.
  var lingersUntil: Moment?
  /// Members that somebody has heard of meanwhile have had time to introduce themselves.
  private let begin: Moment

  init(
    _ setting: MemberSetting, _ gateway: LiveGateway, _ cluster: ClusterDesk, _ early: EarlyJudge,
    _ desk: MembershipDesk
  )
    throws(MembershipRefusal)
  {
    profile = setting.profile
    units = setting.units
    own = setting.own
    identity = setting.identity
    keys = setting.keys
    shared = setting.shared
    clusterNumber = setting.clusterNumber
    incarnation = setting.incarnation
    self.desk = desk
    wakesControl = gateway.wakesControl
    ports = [
      try ControlPort(setting.devices[0], side: .inside, mac: setting.macs[0]),
      try ControlPort(setting.devices[1], side: .outside, mac: setting.macs[1]),
    ]
    gate = Gate(
      cluster: clusterNumber, own: UInt16(own.number), introductions: [Introductions.type],
      limits: Self.limits(setting.profile))
    sides = BothSides(patience: profile.detection + profile.detection / 2)
    plane = MemberPlane(gateway, cluster, early, own: own.number, delivery: setting.delivery)
    loads = LoadWatch(profile)
    links = LinkWatch(profile)
    answeredAt = Array(repeating: 0, count: ClusterDescription.mostUnits)
    unit = ClusterUnit(
      ClusterDescription(
        own: UnitDescription(number: MemberNumber(own.number), address: own.outside), incarnation: incarnation,
        others: units.map { UnitDescription(number: MemberNumber($0.number), address: $0.outside) },
        configuration: setting.configuration, certificate: identity.certificate, profile: profile,
        balance: setting.balance),
      applications: [MovingStates(gateway: gateway)], seed: setting.seed)
    begin = hauberk_boot_nanoseconds() + 150 * .millisecond
  }

  /// Three times what a unit says at worst, when most of it is lost. What goes along with work sets comes in parts, by the
  /// hundred, and nobody works on them meanwhile: it has a share of its own. Each costs a signature, whoever has sent it.
  private static func limits(_ profile: Profile) -> Gate.Limits {
    let most = max(1000, 60 * Nanoseconds.second / profile.detection)
    return Gate.Limits(perSender: Rate(most, burst: most / 4), bulkTypes: Message.bulk)
  }

  func run() {
    while !desk.isToStop { turn() }
    plane.fence()
    plane.deallocate()
  }

  private func turn() {
    let now = hauberk_boot_nanoseconds()
    if let due = unit.nextTimer, hasBegun { latest = max(latest, due.age(at: now)) }
    // Before what others say: who lacks a link is to believe that first.
    if hasBegun {
      for change in links.look(ports, now) { perform(unit.receive(change, now: hauberk_boot_nanoseconds())) }
    }
    takeMessages()
    if !isFlooded { plane.desk.noteListening(until: now) }
    look(hauberk_boot_nanoseconds())
    if !hasBegun, now >= begin {
      hasBegun = true
      perform(unit.start(now: now))
    }
    if desk.isDraining, !isDraining {
      isDraining = true
      perform(unit.receive(.drain, now: hauberk_boot_nanoseconds()))
    }
    if hasBegun, let due = unit.nextTimer, due <= hauberk_boot_nanoseconds() {
      perform(unit.tick(now: hauberk_boot_nanoseconds()))
    }
    if hasBegun, let report = loads.report(plane, now: now) {
      perform(unit.receive(.measured(report), now: hauberk_boot_nanoseconds()))
    }
    if let lingersUntil, now >= lingersUntil { endLingering() }
    if introductions.isDue(now) { introduce() }
    if let new = desk.takeAcquaintances() { acquaintances.know(new) }
    if let list = acquaintances.take(now) { send(Acquaintances.type, list, to: nil, term: 0) }
    for address in announcements.due(now) { announce(address) }
    if now >= nextCheck { checkCertificates(now) }
    if now >= nextShow { show(now) }
    if now >= nextLook { lookAfterDevices(now) }
    tellMaster()
    plane.publish()
    wait(since: now)
  }

  private func wait(since began: Moment) {
    let now = hauberk_boot_nanoseconds()
    // Whoever floods us gets half of a processor at most: workers are behind this thread.
    if isFlooded {
      return hauberk_sleep_microseconds(UInt32(clamping: began.age(at: now) / 1000))
    }
    var until = min(introductions.nextTimer, nextShow)
    if let due = unit.nextTimer, hasBegun { until = min(until, due) }
    if let due = announcements.nextTimer { until = min(until, due) }
    if let due = acquaintances.nextTimer { until = min(until, due) }
    // Whom workers have heard is theirs to note and ours to look at.
    until = min(until, now + profile.detection / 20)
    if plane.isWaiting { until = min(until, now + 50 * .microsecond) }
    // This thread runs before all others: whatever is due, and however often, it leaves a processor to them in between.
    let pause = max(until, now + 20 * .microsecond) - now
    hauberk_control_wait(ports[0].descriptor, ports[1].descriptor, links.descriptor, pause)
  }

  private func lookAfterDevices(_ now: Moment) {
    nextLook = now + 250 * .millisecond
    for port in ports where port.lookAfterDevice() {
      tell("hears and speaks on the \(port.side) again: its device is back", isWarning: false)
    }
  }

  // What comes

  private func takeMessages() {
    isFlooded = false
    // So many that no flood keeps us from what else there is to do, and we need not be away for long after them.
    for _ in 0..<32 {
      var isMore = false
      for port in ports {
        guard let (octets, from) = port.receive() else { continue }
        isMore = true
        take(octets, from, by: Int(port.side.rawValue))
      }
      if !isMore { return }
    }
    isFlooded = true
  }

  private func take(_ octets: [UInt8], _ from: MACAddress, by side: Int) {
    let now = hauberk_boot_nanoseconds()
    guard isOurs(octets) else { return }
    let copy = sides.takeCopy(octets, by: side, now: now)
    if let sender = copy.sender {
      locate(sender, from, by: side)
      if let (message, envelope) = copy.message { receive(message, envelope, now) }
      return
    }
    let refused = gate[.signature]
    guard let sealed = gate.judge(octets, by: keys, now: now) else {
      if gate[.signature] > refused { complain(octets, now) }
      return
    }
    othersHeardAt = now
    if sealed.envelope.type == Introductions.type { return meet(sealed, now) }
    if sealed.envelope.type == Acquaintances.type { return learn(sealed.payload) }
    if sealed.envelope.type == Disbelief.type { return hearDisbelief(sealed) }
    guard let parsed = Message(sealed.payload, in: sealed.envelope) else { return gate.refuse(.content) }
    let message = parsed.read(by: MemberNumber(own.number), incarnation)
    locate(MemberNumber(truncatingIfNeeded: sealed.envelope.sender), from, by: side)
    if let (message, envelope) = sides.take(octets, message, sealed.envelope, by: side, now: now) {
      receive(message, envelope, now)
    } else if hasBegun {
      perform(unit.overhear(message, in: sealed.envelope, now: now))
    }
  }

  /// Where packets that are that unit's are passed on to, and whose come from it.
  private func locate(_ unit: MemberNumber, _ mac: MACAddress?, by side: Int) {
    macs[Int(unit)][side] = mac
    plane.desk.note(mac, of: Int(unit), side == 0 ? .inside : .outside)
  }

  private func tellMaster() {
    plane.desk.noteMaster(plane.isForwardedTo ? unit.followed.map { macs[Int($0)] } : nil)
  }

  /// The cluster's number, before anything else is looked at.
  private func isOurs(_ octets: [UInt8]) -> Bool {
    guard octets.count > Envelope.headerOctets else { return false }
    return octets[8..<16].reduce(0) { $0 << 8 | UInt64($1) } == clusterNumber
  }

  private func receive(_ message: Message, _ envelope: Envelope, _ now: Moment) {
    guard hasBegun else { return }
    perform(unit.receive(message, in: envelope, now: now))
  }

  /// Who says that he is a unit, with a certificate.
  private func meet(_ sealed: SealedMessage, _ now: Moment) {
    let number = Int(sealed.envelope.sender)
    guard let known = units.first(where: { $0.number == number }) else { return gate.refuse(.unknownSender) }
    let isNew = keys[UInt8(number)] == nil
    // Who has begun anew knows nobody, and believes nobody whom he does not know.
    let isAnotherLife = lives[number] != sealed.envelope.incarnation
    switch keys.introduce(sealed.payload, now: keys.now) {
    case .success(let certificate):
      // A certificate is for one place in the cluster.
      guard certificate.addresses.contains(known.inside), certificate.addresses.contains(known.outside) else {
        keys.forget(UInt8(number))
        gate.refuse(.content)
        return disbelieve(number, "its certificate is not for its addresses, \(known.inside) and \(known.outside)", now)
      }
      gate.know(sealed.envelope.sender)
      lives[number] = sealed.envelope.incarnation
      if isNew || isAnotherLife {
        introductions.answer(now)
        acquaintances.tellAgain(now)
      }
      if isNew {
        tell("unit \(number) has introduced itself", isWarning: false)
      }
    case .failure: gate.refuse(.signature)
    }
  }

  /// What another member knows of hosts and routers.
  private func learn(_ payload: [UInt8]) {
    guard let list = Acquaintances.reading(payload) else { return gate.refuse(.content) }
    desk.tell(list)
    hauberk_event_raise(wakesControl)
  }

  /// Whoever shows a certificate that does not hold asks in vain to be let in: somebody has to hear why (C4).
  private func complain(_ octets: [UInt8], _ now: Moment) {
    guard let number = Introductions.unit(octets), number != own.number, units.contains(where: { $0.number == number }),
      complaints.mayBeTold(of: number, now), let refusal = keys.refusal(octets)
    else { return }
    disbelieve(number, "\(refusal)", now)
  }

  private func disbelieve(_ number: Int, _ reason: String, _ now: Moment) {
    guard complaints.mayBeTold(of: number, now) else { return }
    complaints.note(number, now)
    tell("unit \(number) is not believed: \(reason)", isWarning: true)
    send(Disbelief.type, Disbelief.octets(reason), to: MemberNumber(number), term: 0)
  }

  private func hearDisbelief(_ sealed: SealedMessage) {
    guard let reason = Disbelief.reading(sealed.payload) else { return gate.refuse(.content) }
    tell("unit \(sealed.envelope.sender) does not believe this one: \(reason)", isWarning: true)
  }

  /// Certificates expire, and a reload may have taken some back. Whose does not hold is a stranger from now on. A clock
  /// that is set back makes nobody one.
  private func checkCertificates(_ now: Moment) {
    nextCheck = now + .second
    for loss in keys.advance(to: max(keys.now, wallSeconds())) {
      gate.forget(UInt16(loss.number))
      for side in 0..<2 { locate(loss.number, nil, by: side) }
      tell("unit \(loss.number) is not believed any more: \(loss.refusal)", isWarning: true)
    }
    checkOwn(now)
  }

  /// Ours as well, a minute early. Who is still believed gives its work away. Who is not leaves it: its workers' answers
  /// would keep others from following it (X19). Where nobody else is there, it goes on.
  private func checkOwn(_ now: Moment) {
    guard !isDraining || leavesSince != nil, let othersHeardAt, othersHeardAt.age(at: now) < 3 * .second,
      case .failure(let refusal) = keys.authority.check(identity.certificate, now: keys.now + 60)
    else { return }
    if let leavesSince {
      guard !desk.isDrained, leavesSince.age(at: now) >= .second else { return }
      return perform(unit.receive(.disowned, now: now))
    }
    leavesSince = now
    isDraining = true
    tell("this unit leaves the cluster, and others do its work: \(refusal)", isWarning: true)
    perform(unit.receive(.drain, now: now))
  }

  /// What workers have noted.
  private func look(_ now: Moment) {
    guard hasBegun else { return }
    if let done = plane.takeDone() {
      if !done.noting.isEmpty { perform(unit.receive(.noting(done.noting), now: now)) }
      if !done.holding.isEmpty { perform(unit.receive(.holding(done.holding), now: now)) }
      if !done.stopped.isEmpty { perform(unit.receive(.stopped(done.stopped, done.notes), now: now)) }
    }
    for other in units where other.number != own.number {
      // Both sides, or it cannot carry a packet through.
      let inside = plane.desk.answeredAt(other.number, .inside), outside = plane.desk.answeredAt(other.number, .outside)
      let moment = min(inside, outside)
      guard moment > answeredAt[other.number] else { continue }
      answeredAt[other.number] = moment
      // Late news: it says nothing about now.
      guard moment.age(at: now) < profile.detection / 5 else { continue }
      perform(unit.receive(.answered(MemberNumber(other.number)), now: now))
    }
    let heard = plane.desk.heardAt(workers: plane.workerCount)
    guard heard > heardAt, heardSaid.age(at: now) >= profile.detection / 16 else { return }
    heardAt = heard
    heardSaid = now
    guard heard.age(at: now) < profile.detection / 5 else { return }
    perform(unit.receive(.heard, now: now))
  }
}
