internal import CKernel
internal import CLI
internal import CLab
internal import Glibc
internal import Synchronization

/// Numbered probes from host A to host B, at an even pace: one thread sends, one receives.
final class ProbeTraffic: Sendable {
  let account: Mutex<ProbeAccount>
  private let rate: UInt64
  private let sources: [Int32]
  private let sink: Int32
  /// Which packets are ours.
  private let run: UInt64
  private let sender = LabThread(), receiver = LabThread()

  /// Who was kept from the processor for longer does not make up for it: that would be a burst.
  private static let mostLag: UInt64 = 50_000_000

  init(_ plan: LabPlan) throws(CommandFailure) {
    rate = UInt64(plan.options.rate)
    run = UInt64.random(in: 1...UInt64.max)
    let now = hauberk_nanoseconds()
    account = Mutex(ProbeAccount(rate: plan.options.rate, flows: plan.options.flows, now: now))
    let sockets = try Self.sockets(plan)
    sink = sockets[0]
    sources = Array(sockets.dropFirst())
  }

  private static func sockets(_ plan: LabPlan) throws(CommandFailure) -> [Int32] {
    final class Made { var all: [Int32] = [] }
    let made = Made()
    try LabNetwork.within(plan.namespace(.hostB)) {
      unsafe made.all.append(hauberk_lab_probe_socket(LabPlan.host(.outside), LabPlan.probePort, nil, 0))
      return 0
    }
    try LabNetwork.within(plan.namespace(.hostA)) {
      for flow in 0..<plan.options.flows {
        let source = unsafe hauberk_lab_probe_socket(
          LabPlan.host(.inside), LabPlan.firstSourcePort + UInt16(flow), LabPlan.host(.outside), LabPlan.probePort)
        made.all.append(source)
      }
      return 0
    }
    if let code = made.all.first(where: { $0 < 0 }) {
      for socket in made.all where socket >= 0 { close(socket) }
      throw LabTools.failure("cannot make the sockets of the probes", -code)
    }
    return made.all
  }

  deinit { for socket in sources + [sink] { close(socket) } }

  func start() throws(CommandFailure) {
    try receiver.start("lab-receive") { [self] in receive() }
    try sender.start("lab-send") { [self] in send() }
  }

  /// What is under way may still come.
  func endSending() { sender.end() }

  func end() {
    sender.end()
    receiver.end()
  }

  private func send() {
    // Evenly, or what is seen is this process and not the cluster; where it may not, it goes as it goes.
    _ = hauberk_prefer_thread()
    var began = hauberk_nanoseconds()
    var count: UInt64 = 0
    while !sender.isToEnd {
      let now = hauberk_nanoseconds()
      let due = began + count * 1_000_000_000 / rate
      if now < due {
        hauberk_sleep_microseconds(UInt32(min(100_000, max(200, (due - now) / 1000))))
        continue
      }
      if now - due > Self.mostLag {
        began = now
        count = 0
      }
      guard let number = account.withLock({ $0.send(hauberk_nanoseconds()) }) else {
        count += 1
        continue
      }
      // What the kernel does not take is lost like anything else.
      _ = hauberk_lab_probe_send(sources[Int(number % UInt64(sources.count))], run, number)
      count += 1
    }
  }

  private func receive() {
    _ = hauberk_prefer_thread()
    while !receiver.isToEnd {
      var number: UInt64 = 0
      let what = unsafe hauberk_lab_probe_receive(sink, run, &number)
      if what == 0 { continue }
      account.withLock { account in
        if what > 0 { account.came(number) } else { account.noteStrange() }
      }
    }
  }
}
