internal import CKernel
internal import ControlKit
package import Dataplane
import Synchronization

/// This gateway's membership: the cluster's thread from its first word to its last.
package final class ClusterMember {
  package let desk = MembershipDesk()
  private let loop: MemberLoop
  private var thread: WorkerThread?
  /// Why the thread runs among all others, if it does.
  package private(set) var weakness: String?

  package init(_ setting: MemberSetting, _ gateway: LiveGateway, _ cluster: ClusterDesk, _ early: EarlyJudge)
    throws(MembershipRefusal)
  {
    loop = try MemberLoop(setting, gateway, cluster, early, desk)
  }

  /// `prepare` runs on the thread before it begins: it gives up what is not needed.
  package func start(prepare: @escaping @Sendable () -> Void) throws(MembershipRefusal) {
    let answer = Answer()
    let loop = self.loop
    do {
      thread = try WorkerThread(name: "cluster", processor: nil) {
        answer.give(hauberk_prefer_thread())
        prepare()
        loop.run()
      }
    } catch {
      throw MembershipRefusal("\(error)")
    }
    let code = answer.take()
    if code != 0 {
      weakness =
        "the cluster's thread runs among all others (\(words(for: code))): busy workers may delay its keepalives; it needs "
        + "CAP_SYS_NICE"
    }
  }

  /// When all workers are gone: they may hold the last tables.
  package func stop() {
    desk.stop()
    thread?.join()
    thread = nil
  }
}

/// One number from one thread to another that waits for it.
private final class Answer: Sendable {
  private let value = Atomic<Int32>(-1)

  func give(_ value: Int32) { self.value.store(value, ordering: .relaxed) }

  func take() -> Int32 {
    while value.load(ordering: .relaxed) < 0 { hauberk_sleep_microseconds(100) }
    return value.load(ordering: .relaxed)
  }
}
