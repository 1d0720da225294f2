import Contract
import Memory
import Wire

/// Packets that one member passes on to another: what was in pieces is put together by the owner of the pieces, and worked
/// on by the owner of the whole, whose SA has another work set than they had (X9).
extension Stages {
  /// Whether a frame is another member's word that this one is to work on it.
  func isPassedOn(_ frame: Bytes, _ classifier: Classifier) -> Bool {
    guard let cluster, frame.count >= EthernetView.length else { return false }
    return frame.uint64(at: 0) >> 16 == cluster.mac(classifier.side).value
      && cluster.isUnit(frame.uint64(at: 6) >> 16, classifier.side)
  }

  /// Of a packet whose work set is another member's, and which was passed on to this one. Pieces of one packet come to the
  /// same worker, which puts them together; of others the SA says whose they are.
  @inline(never)
  func take(
    _ ref: UnsafeMutablePointer<PacketRef>, _ result: inout Classification, _ snapshot: UnsafePointer<ClassifySnapshot>,
    _ table: UnsafePointer<Disposition>
  ) -> UInt16 {
    switch result.action.kind {
    case .reassemble:
      // No gateway is without workers; said in a way that needs no trap.
      let turn = Int(result.workSet).remainderReportingOverflow(dividingBy: crossing.workers).partialValue
      let worker = UInt8(truncatingIfNeeded: turn)
      counters.addPacket(toSet: result.workSet)
      ref.pointee.judgement = Judgement(workSet: result.workSet, disposition: Disposition(worker: worker).bits)
      return Disposition(worker: worker).bits
    case .seal:
      if let sa = snapshot.pointee.tables?.outbound { result.workSet = sa[result.action.index].set(of: result.workSet) }
    case .open:
      if let sa = snapshot.pointee.tables?.inbound { result.workSet = sa[result.action.index].set(of: result.workSet) }
    default: break
    }
    return Self.assign(ref, result.workSet, table, counters)
  }

  /// A whole packet that the link does not take goes in pieces again, which its owner puts together.
  @inline(never)
  func cutToPass(
    _ burst: Burst, _ index: Int, ip: Int, identification: UInt32, _ snapshot: UnsafePointer<ClassifySnapshot>,
    _ esp: ESPWorker
  ) {
    guard let links = snapshot.pointee.forward else { return }
    let judgement = burst.refs[index].judgement
    let most = links.shortest(side(of: burst.refs[index], snapshot))
    let length = Int(burst.refs[index].length) &- ip
    if length <= most { return }
    let isIPv6 = (memory.address(start: burst.refs[index].start) + ip).load(as: UInt8.self) >> 4 == 6
    let outcome =
      isIPv6
      ? IPv6Cutter(memory: memory, frames: esp.frames).cut(
        &burst.refs[index], ip: ip, length: length, most: most, identification: identification)
      : IPv4Cutter(memory: memory, frames: esp.frames).cut(&burst.refs[index], ip: ip, length: length, most: most)
    switch outcome {
    case .refused(let reason): Protector.refuse(burst, index, reason, counters)
    case .pieces(let first):
      burst.refs[index].judgement = judgement
      esp.header(of: burst.refs[index]).pointee.made = first
      var next = first
      while next.length > 0 {
        counters.add(1, to: WorkerCounters.madePackets)
        next = esp.header(of: next).pointee.made
      }
    }
  }
}
