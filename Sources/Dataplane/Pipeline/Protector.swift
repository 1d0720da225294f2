import CCrypto
import CKernel
import Contract
import Memory
import Wire

/// A burst through security: what is to be sealed is sealed, what is to be opened is opened, what no policy lets pass
/// gets its verdict. One call of the cipher for all that is sealed, one for all that is opened.
struct Protector {
  let sealer: Sealer
  let opener: Opener
  let esp: ESPWorker

  init(_ tables: AssociationTables, _ policies: PolicyTable, _ esp: ESPWorker) {
    sealer = Sealer(tables: tables, esp: esp)
    opener = Opener(tables: tables, policies: policies, esp: esp)
    self.esp = esp
  }

  /// Packets by what is to be done with them, one bit each.
  struct Sorted {
    var seal: UInt64 = 0
    var open: UInt64 = 0
    /// Everything that the common burst has none of.
    var other: UInt64 = 0
  }

  /// Reads no packet; asks for the lines that will be needed.
  @inline(__always)
  func sort(_ burst: Burst, _ actions: UnsafeMutablePointer<SecureAction>) -> Sorted {
    var sorted = Sorted()
    var index = 0
    while index < burst.count {
      let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: index)
      let action = actions[index]
      if burst.refs[index].verdict == 0 {
        if action.kindBits == SecureAction.Kind.seal.rawValue {
          let sa = sealer.tables.outbound + action.index
          hauberk_prefetch_for_write(sa.pointee.state(of: esp.worker))
          sa.pointee.key.prefetch()
          let isElsewhere = sa.pointee.workSet != burst.refs[index].workSet && !sa.pointee.flags.contains(.isGroup)
          sorted.seal |= bit
          sorted.other |= isElsewhere ? bit : 0
        } else if action.kindBits == SecureAction.Kind.open.rawValue {
          let sa = opener.tables.inbound + action.index
          let state = sa.pointee.state(of: esp.worker)
          hauberk_prefetch_for_write(state)
          hauberk_prefetch_for_write(UnsafeRawPointer(state) + InboundState.stride)
          sa.pointee.key.prefetch()
          let isElsewhere = sa.pointee.workSet != burst.refs[index].workSet && sa.pointee.senders == nil
          sorted.open |= bit
          sorted.other |= isElsewhere ? bit : 0
        } else if action.kindBits != SecureAction.Kind.bypass.rawValue {
          sorted.other |= bit
        }
      }
      index &+= 1
    }
    return sorted
  }

  @inline(__always)
  func seal(
    _ burst: Burst, _ mask: UInt64, _ actions: UnsafeMutablePointer<SecureAction>,
    _ places: UnsafeMutablePointer<PacketPlaces>, _ counters: WorkerCounters
  ) {
    var left = mask
    var jobs = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      let refusal = sealer.prepare(
        &burst.refs[index], index, ip: places[index].ip, sa: actions[index].index, job: jobs)
      if refusal == .none { jobs &+= 1 } else { Self.refuse(burst, index, refusal, counters) }
    }
    esp.lane.seal(esp.jobs, count: jobs)
    var job = 0
    while job < jobs {
      let pending = esp.pending[job]
      let index = Int(pending.index)
      let refusal = sealer.finish(&burst.refs[index], pending, isGood: esp.jobs[job].is_good != 0)
      if refusal != .none { Self.refuse(burst, index, refusal, counters) }
      job &+= 1
    }
  }

  @inline(__always)
  func open(
    _ burst: Burst, _ mask: UInt64, _ actions: UnsafeMutablePointer<SecureAction>,
    _ places: UnsafeMutablePointer<PacketPlaces>, _ counters: WorkerCounters
  ) {
    var left = mask
    var jobs = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      let refusal = opener.prepare(burst.refs[index], index, places: places[index], sa: actions[index].index, job: jobs)
      if refusal == .none { jobs &+= 1 } else { Self.refuse(burst, index, refusal, counters) }
    }
    esp.lane.open(esp.jobs, count: jobs)
    var job = 0
    while job < jobs {
      let pending = esp.pending[job]
      let index = Int(pending.index)
      let refusal = opener.finish(&burst.refs[index], pending, isGood: esp.jobs[job].is_good != 0)
      if refusal != .none { Self.refuse(burst, index, refusal, counters) }
      job &+= 1
    }
  }

  @inline(__always)
  static func refuse(_ burst: Burst, _ index: Int, _ reason: DropReason, _ counters: WorkerCounters) {
    refuse(burst, index, reason.rawValue, counters)
  }

  @inline(never)
  static func refuse(_ burst: Burst, _ index: Int, _ reason: UInt8, _ counters: WorkerCounters) {
    burst.refs[index].judgement = Judgement(workSet: burst.refs[index].workSet, verdict: reason)
    counters.add(1, to: WorkerCounters.firstDrop &+ Int(reason))
  }
}
