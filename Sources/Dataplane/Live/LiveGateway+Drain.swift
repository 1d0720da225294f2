import Contract
import Rings

/// Taking nothing new, and knowing when nothing is under way any more: before an end, or before others take over.
extension LiveGateway {
  /// From here on ports deliver only what had come before and what something under way waits for.
  package func beginDrain() { order(Order(.drain)) }

  /// One look at a gateway that drains.
  package struct DrainLook: Sendable {
    fileprivate var work: [UInt64] = []
    fileprivate var idle: [UInt64] = []
    /// Nothing lies between threads, and every worker takes nothing new.
    fileprivate var isEmpty = false
    /// Datagrams that wait for fragments.
    package var datagrams = 0
    /// Packets that came and were not taken.
    package var refused: UInt64 = 0

    /// Whether the same work is done and the same is empty: only time has passed.
    package func isSame(as first: DrainLook) -> Bool { isEmpty == first.isEmpty && work == first.work }

    /// Whether nothing can be under way: each worker has found nothing to do, twice, between two looks that found nothing.
    /// What it had in hand at the first it has put down since, and the second would have seen where.
    package func isEnd(after first: DrainLook) -> Bool {
      isEmpty && first.isEmpty && datagrams == 0 && work == first.work
        && zip(idle, first.idle).allSatisfy { $0 >= $1 + 2 }
    }
  }

  /// Wakes those that sleep, so that looks get on.
  package func lookAtDrain() -> DrainLook {
    var look = DrainLook()
    look.isEmpty = true
    for (bank, exchange) in zip(counters, exchanges) {
      look.idle.append(bank.idlePolls)
      look.work.append(bank.bursts &+ bank.crossedIn)
      look.refused += bank.drops(.draining)
      look.datagrams += bank.waitingDatagrams ?? 0
      let isQuiet =
        bank.waitingDatagrams != nil && exchange.injected.wasEmpty && exchange.punted.wasEmpty
        && bank.heldPackets == 0
      look.isEmpty = look.isEmpty && isQuiet
      exchange.wakeWorker()
    }
    look.isEmpty = look.isEmpty && shared.crossing.wasEmpty
    return look
  }
}
