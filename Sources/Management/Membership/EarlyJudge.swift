package import Contract
package import Dataplane
import Synchronization

/// What the kernel drops before a worker sees it (C24): by rules of the configuration in force, which the control thread
/// changes, and by the table, which the cluster's thread does. That one alone tells the kernel.
package final class EarlyJudge: Sendable {
  private struct State {
    /// Nil judges nothing.
    var rules: EarlyRules?
    var wanted = 0
    var told = 0
    /// A member that is fenced wants to hear everybody.
    var isHeld = false
  }

  private let state = Mutex(State())
  private let tell: @Sendable ((Side) -> EarlyFilter?) -> Void

  /// `tell` is called by the cluster's thread only.
  package init(_ tell: @escaping @Sendable ((Side) -> EarlyFilter?) -> Void) { self.tell = tell }

  /// Nil: nothing is judged early any more. For the control thread.
  package func use(_ description: ClassifyDescription?) {
    let rules = description.flatMap { EarlyRules($0) }
    state.withLock { state in
      state.rules = rules
      state.wanted += 1
    }
  }

  /// Whether the kernel goes by what was said last.
  package var isInForce: Bool { state.withLock { $0.told == $0.wanted } }

  /// For the cluster's thread: true once after each change.
  var isDue: Bool { !isInForce }

  func hold() { setHeld(true) }
  func release() { setHeld(false) }

  private func setHeld(_ isHeld: Bool) {
    state.withLock { state in
      if state.isHeld != isHeld { state.wanted += 1 }
      state.isHeld = isHeld
    }
  }

  func judge(by ownership: OwnershipDescription) {
    let (rules, number) = state.withLock { ($0.isHeld ? nil : $0.rules, $0.wanted) }
    let filter = rules.map { EarlyFilter($0, ownership) }
    tell { _ in filter }
    state.withLock { $0.told = number }
  }
}
