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

  @inline(__always)
  init(_ tables: AssociationTables, _ snapshot: UnsafePointer<ClassifySnapshot>, _ esp: ESPWorker) {
    sealer = Sealer(tables: tables, esp: esp)
    opener = Opener(tables: tables, snapshot: snapshot, esp: esp)
    self.esp = esp
  }

  /// Packets by what is to be done with them, one bit each.
  struct Sorted {
    var seal: UInt64 = 0
    var open: UInt64 = 0
    /// Everything that the common burst has none of.
    var other: UInt64 = 0
    /// More than one SA, or nobody knows.
    var isVaried = false
  }

  /// Reads no packet.
  @inline(never)
  func sort(_ burst: Burst, _ actions: UnsafeMutablePointer<SecureAction>) -> Sorted {
    var sorted = Sorted()
    sorted.isVaried = true
    var index = 0
    while index < burst.count {
      let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: index)
      let action = actions[index]
      if burst.refs[index].verdict == 0 {
        if action.kindBits == SecureAction.Kind.seal.rawValue {
          let sa = sealer.tables.outbound + action.index
          let isElsewhere = !sa.pointee.serves(burst.refs[index].workSet)
          sorted.seal |= bit
          sorted.other |= isElsewhere ? bit : 0
        } else if action.kindBits == SecureAction.Kind.open.rawValue {
          let sa = opener.tables.inbound + action.index
          let isElsewhere = !sa.pointee.serves(burst.refs[index].workSet)
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

  /// Returns which went the general way: those may have a verdict now.
  @inline(__always)
  func seal(
    _ burst: Burst, _ mask: UInt64, isVaried: Bool, _ actions: UnsafeMutablePointer<SecureAction>,
    _ places: UnsafeMutablePointer<PacketPlaces>, _ counters: WorkerCounters, _ bytes: inout Int
  ) -> UInt64 {
    if isVaried { prefetchOutbound(mask, actions) }
    var left = mask, general: UInt64 = 0
    // Copies: the loop's stores could change the originals, as far as the compiler knows.
    let sealer = sealer, outbound = sealer.tables.outbound
    let jobs = sealer.esp.plainJobs
    var job = jobs
    while left != 0 {
      let index = left.trailingZeroBitCount
      let action = actions[index]
      let isDone =
        action.isPlain && sealer.preparePlain(burst.refs + index, sa: outbound + action.index, job, &bytes)
      if !isDone { break }
      left &= left &- 1
      job += 1
    }
    if left != 0 { general = sealMixed(burst, left, job, actions, places, counters, &bytes) }
    if general == 0, job != jobs { esp.lane.sealPlain(jobs, count: job - jobs) }
    return general
  }

  /// From the first packet on that is not plain. In the order of the burst, because a packet's number is given out when it
  /// is prepared, and a receiver's window need not be wider than a burst. Then everything that is prepared is sealed.
  @inline(never)
  private func sealMixed(
    _ burst: Burst, _ mask: UInt64, _ first: UnsafeMutablePointer<hauberk_job>,
    _ actions: UnsafeMutablePointer<SecureAction>, _ places: UnsafeMutablePointer<PacketPlaces>,
    _ counters: WorkerCounters, _ bytes: inout Int
  ) -> UInt64 {
    var left = mask, general: UInt64 = 0
    var job = first
    var jobs = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      let action = actions[index]
      if action.isPlain,
        sealer.preparePlain(burst.refs + index, sa: sealer.tables.outbound + action.index, job, &bytes)
      {
        job += 1
        continue
      }
      general |= 1 &<< UInt64(truncatingIfNeeded: index)
      let refusal = sealer.prepare(&burst.refs[index], index, ip: places[index].ip, sa: action.index, job: jobs)
      if refusal == .none {
        jobs &+= 1
      } else if refusal == .tooBigForPath {
        cut(burst, index, sa: action.index, ip: places[index].ip, job: jobs, counters)
      } else {
        Self.refuse(burst, index, refusal, counters)
      }
    }
    if job != esp.plainJobs { esp.lane.sealPlain(esp.plainJobs, count: job - esp.plainJobs) }
    esp.lane.seal(esp.jobs, count: jobs)
    finishSealing(burst, jobs, counters)
    return general
  }

  private func finishSealing(_ burst: Burst, _ jobs: Int, _ counters: WorkerCounters) {
    var job = 0
    while job < jobs {
      let pending = esp.pending[job]
      let index = Int(pending.index)
      let refusal = sealer.finish(&burst.refs[index], pending, isGood: esp.jobs[job].is_good != 0)
      if refusal != .none { Self.refuse(burst, index, refusal, counters) }
      job &+= 1
    }
  }

  /// With thousands of SAs, what changes is not in the cache: it is asked for a burst ahead.
  @inline(__always)
  private func prefetchOutbound(_ mask: UInt64, _ actions: UnsafeMutablePointer<SecureAction>) {
    var left = mask
    var previous: UInt32 = .max
    while left != 0 {
      let action = actions[left.trailingZeroBitCount]
      left &= left &- 1
      if action.bits == previous { continue }
      previous = action.bits
      let sa = sealer.tables.outbound + action.index
      hauberk_prefetch_for_write(sa.pointee.state(of: esp.worker))
    }
  }

  private func cut(_ burst: Burst, _ index: Int, sa: Int, ip: Int, job: Int, _ counters: WorkerCounters) {
    var made = Sealer.Made()
    let refusal = sealer.cut(&burst.refs[index], ip: ip, sa: sa, job: job, opener.snapshot.pointee.answering, &made)
    counters.add(made.packets, to: WorkerCounters.madePackets)
    counters.add(made.packets, to: WorkerCounters.keptPackets)
    counters.add(made.bytes, to: WorkerCounters.keptBytes)
    counters.add(made.unanswered, to: WorkerCounters.unanswered)
    if refusal == .tooBigForPath { sealer.countTooBig(sa: sa) }
    if refusal != .none { Self.refuse(burst, index, refusal, counters) }
  }

  /// Returns which are not simply open: those may have a verdict now.
  @inline(__always)
  func open(
    _ burst: Burst, _ mask: UInt64, isVaried: Bool, _ actions: UnsafeMutablePointer<SecureAction>,
    _ places: UnsafeMutablePointer<PacketPlaces>, _ counters: WorkerCounters, _ bytes: inout Int
  ) -> UInt64 {
    if isVaried { prefetchInbound(mask, actions) }
    var left = mask, general: UInt64 = 0
    let opener = opener, inbound = opener.tables.inbound, indices = esp.plainIndices
    let plainJobs = opener.esp.plainJobs
    var jobs = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      left &= left &- 1
      let action = actions[index]
      if action.isPlain,
        opener.preparePlain(burst.refs[index], sa: inbound + action.index, plainJobs + jobs)
      {
        indices[jobs] = UInt8(truncatingIfNeeded: index)
        jobs &+= 1
      } else {
        general |= 1 &<< UInt64(truncatingIfNeeded: index)
      }
    }
    if jobs > 0 { esp.lane.openPlain(plainJobs, count: jobs) }
    if general != 0 { return openMixed(burst, mask, general, actions, places, counters, &bytes) }
    var job = 0
    var unsure: UInt64 = 0
    while job < jobs {
      let index = Int(indices[job])
      let sa = inbound + actions[index].index
      if opener.finishPlain(burst.refs + index, sa: sa, plainJobs + job)
        || finishUncommon(burst, index, actions[index].index, plainJobs[job], counters)
      {
        bytes &+= Int(burst.refs[index].length)
      } else {
        unsure |= 1 &<< UInt64(truncatingIfNeeded: index)
      }
      job &+= 1
    }
    return unsure
  }

  /// Where some are not plain. Windows move in the order in which packets came, whichever way those go.
  @inline(never)
  private func openMixed(
    _ burst: Burst, _ mask: UInt64, _ general: UInt64, _ actions: UnsafeMutablePointer<SecureAction>,
    _ places: UnsafeMutablePointer<PacketPlaces>, _ counters: WorkerCounters, _ bytes: inout Int
  ) -> UInt64 {
    let prepared = prepareGeneral(burst, general, actions, places, counters)
    var left = mask & (~general | prepared), unsure = general
    var job = 0, plain = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      let bit = left & (0 &- left)
      left &= left &- 1
      if general & bit != 0 {
        let refusal = opener.finish(&burst.refs[index], esp.pending[job], isGood: esp.jobs[job].is_good != 0)
        if refusal != .none { Self.refuse(burst, index, refusal, counters) }
        job &+= 1
      } else {
        let sa = opener.tables.inbound + actions[index].index
        if opener.finishPlain(burst.refs + index, sa: sa, esp.plainJobs + plain)
          || finishUncommon(burst, index, actions[index].index, esp.plainJobs[plain], counters)
        {
          bytes &+= Int(burst.refs[index].length)
        } else {
          unsure |= bit
        }
        plain &+= 1
      }
    }
    return unsure
  }

  @inline(never)
  private func finishUncommon(
    _ burst: Burst, _ index: Int, _ sa: Int, _ done: hauberk_job, _ counters: WorkerCounters
  ) -> Bool {
    let refusal = opener.finishUncommon(burst.refs + index, sa: sa, done)
    if refusal != .none { Self.refuse(burst, index, refusal, counters) }
    return refusal == .none
  }

  @inline(__always)
  private func prefetchInbound(_ mask: UInt64, _ actions: UnsafeMutablePointer<SecureAction>) {
    var left = mask
    var previous: UInt32 = .max
    while left != 0 {
      let action = actions[left.trailingZeroBitCount]
      left &= left &- 1
      if action.bits == previous { continue }
      previous = action.bits
      let sa = opener.tables.inbound + action.index
      let state = sa.pointee.state(of: esp.worker)
      hauberk_prefetch_for_write(state)
      hauberk_prefetch_for_write(UnsafeRawPointer(state) + InboundState.stride)
    }
  }

  /// Those that can be opened, with one job each, through the cipher.
  private func prepareGeneral(
    _ burst: Burst, _ mask: UInt64, _ actions: UnsafeMutablePointer<SecureAction>,
    _ places: UnsafeMutablePointer<PacketPlaces>, _ counters: WorkerCounters
  ) -> UInt64 {
    var left = mask, prepared: UInt64 = 0
    var jobs = 0
    while left != 0 {
      let index = left.trailingZeroBitCount
      let bit = left & (0 &- left)
      left &= left &- 1
      let refusal = opener.prepare(burst.refs[index], index, places: places[index], sa: actions[index].index, job: jobs)
      if refusal == .none {
        jobs &+= 1
        prepared |= bit
      } else {
        Self.refuse(burst, index, refusal, counters)
      }
    }
    esp.lane.open(esp.jobs, count: jobs)
    return prepared
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
