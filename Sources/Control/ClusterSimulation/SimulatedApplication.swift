import Cluster

/// What all applications of a run count together: a state that was sent has to be taken in by the next owner.
final class Ledger {
  var sent = 0
  var taken = 0
}

/// Has state of every sixteenth set: how often it was handed over.
struct SimulatedApplication: Application {
  let ledger: Ledger
  private var numbers: [Int: UInt8] = [:]

  init(_ ledger: Ledger) { self.ledger = ledger }

  mutating func opinion(on unit: MemberNumber, certificate: [UInt8]) -> Opinion {
    certificate == [unit] ? .welcome : .veto("its certificate is another unit's")
  }
  mutating func joined(_ unit: MemberNumber) {}
  mutating func left(_ unit: MemberNumber) {}

  mutating func state(of set: Int) -> [UInt8]? {
    guard set % 16 == 0 else { return nil }
    ledger.sent += 1
    return [numbers[set, default: 0] &+ 1]
  }

  mutating func take(_ state: [UInt8], of set: Int) {
    ledger.taken += 1
    numbers[set] = state.first
  }
}
