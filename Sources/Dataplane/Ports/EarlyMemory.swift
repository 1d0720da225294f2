import CXDP
package import Contract
import Glibc
import Synchronization

/// Where the kernel's program looks up what it may drop (C24): one side's, for as long as the process lives, so that a
/// device that comes back finds its filter and its counts as they were.
///
/// The memory is the kernel's and ours: to change it takes no right and no system call.
package final class EarlyMemory: @unchecked Sendable {
  private let memory: hauberk_early
  private let rules = Mutex<EarlyRules?>(nil)

  private let side: Side

  /// For what comes in on one side. Room for so many SPIs and buckets of selectors; what there is no room for is let
  /// through.
  package init(_ side: Side = .inside, spis: Int = 0, selectorBuckets: Int = 0) throws(PortError) {
    self.side = side
    var made = hauberk_early()
    let error = hauberk_early_make(UInt32(clamping: spis), UInt32(clamping: selectorBuckets), &made)
    guard error == 0 else {
      throw PortError("no memory to share with a program in the kernel: \(text(of: error))")
    }
    memory = made
  }

  deinit {
    var memory = memory
    hauberk_early_close(&memory)
  }

  /// What is foreign there is dropped from here on, and nothing else; nil lets everything through. From any thread but a
  /// worker, while packets come.
  ///
  /// What was foreign and becomes ours is let through before new rules count, what becomes foreign is dropped after that.
  /// A packet is judged by the old rules or by the new ones. Only a processor that stood still in the midst of a packet,
  /// while rules changed twice, could read a mixture; it may cost that packet.
  package func set(_ filter: EarlyFilter?) {
    rules.withLock { current in
      guard let state = memory.state else { return }
      guard let filter else {
        hauberk_early_switch(state, UInt32(HAUBERK_EARLY_NEITHER))
        current = nil
        return
      }
      judge(filter, false)
      if filter.rules !== current {
        let isFirst = state.pointee.current != UInt32(HAUBERK_EARLY_FIRST)
        filter.rules.write(to: memory, isFirst ? 0 : 1, from: side)
        hauberk_early_switch(state, UInt32(isFirst ? HAUBERK_EARLY_FIRST : HAUBERK_EARLY_SECOND))
        current = filter.rules
      }
      judge(filter, true)
    }
  }

  private func judge(_ filter: EarlyFilter, _ isForeign: Bool) {
    guard let verdicts = memory.verdicts else { return }
    for (set, verdict) in filter.foreign.enumerated() where verdict == isForeign {
      hauberk_early_judge(verdicts + set, isForeign)
    }
  }

  /// What programs have counted: for sockets, for the kernel because a queue has no socket, for the cluster's control, and
  /// dropped early.
  package var counts: (redirected: UInt64, passed: UInt64, control: UInt64, filtered: UInt64) {
    withUnsafePointer(to: memory) { memory in
      var counts = [UInt64](repeating: 0, count: Int(HAUBERK_XDP_COUNTS))
      hauberk_early_read(memory, &counts)
      return (
        counts[Int(HAUBERK_XDP_REDIRECTED)], counts[Int(HAUBERK_XDP_PASSED)], counts[Int(HAUBERK_XDP_CONTROL)],
        counts[Int(HAUBERK_XDP_FILTERED)]
      )
    }
  }

  // MARK: - Programs

  func loadXDP(queues: UInt32, inPieces: Bool, _ program: inout hauberk_xdp_program, _ log: inout [CChar]) -> Int32 {
    withUnsafePointer(to: memory) { hauberk_xdp_load(queues, inPieces, $0, &program, &log, log.count) }
  }

  /// In front of packet sockets, which have no hook before them.
  func attach(to descriptors: [Int32]) throws(PortError) {
    var log = [CChar](repeating: 0, count: 1 << 16)
    let program = withUnsafePointer(to: memory) { hauberk_early_load($0, &log, log.count) }
    guard program >= 0 else { throw PortError("no filter in front of a packet socket: \(text(of: -program))") }
    defer { close(program) }
    for descriptor in descriptors {
      let error = hauberk_early_attach(program, descriptor)
      guard error == 0 else { throw PortError("no filter in front of a packet socket: \(text(of: error))") }
    }
  }
}
