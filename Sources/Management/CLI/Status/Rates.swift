/// What happened between two looks at the same gateway.
package struct Rates: Sendable {
  private let before: GatewayStatus
  private let seconds: Double

  /// Nil where two looks tell nothing: the gateway was started again in between, or no time has passed.
  package init?(from before: GatewayStatus?, to after: GatewayStatus) {
    guard let before, before.process == after.process, after.uptimeSeconds > before.uptimeSeconds else { return nil }
    self.before = before
    seconds = after.uptimeSeconds - before.uptimeSeconds
  }

  private func perSecond(_ count: UInt64?, _ now: UInt64) -> Double {
    guard let count, now >= count else { return 0 }
    return Double(now - count) / seconds
  }

  func packets(of worker: WorkerStatus) -> String {
    let old = before.workers.first { $0.number == worker.number }
    return Format.scaled(perSecond(old?.packets, worker.packets))
  }

  /// Packets and bits each second.
  func traffic(of port: PortStatus, _ path: KeyPath<PortStatus, TrafficStatus>) -> [String] {
    let old = before.ports.first { $0.side == port.side && $0.device == port.device }?[keyPath: path]
    let now = port[keyPath: path]
    return [
      Format.scaled(perSecond(old?.packets, now.packets)), Format.scaled(perSecond(old?.bytes, now.bytes) * 8),
    ]
  }

  func drops(of drop: DropStatus) -> String {
    let old = before.drops.first { $0.reason == drop.reason }?.packets ?? 0
    return Format.scaled(perSecond(old, drop.packets))
  }
}
