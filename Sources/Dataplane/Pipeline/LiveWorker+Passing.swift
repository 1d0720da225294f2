import Contract
import Memory
import Wire

/// What is another member's, and is passed on to it: to its own MAC address, from ours, by the side that it came in by, as
/// it came (C22.1, X9). Nobody looks into it, and no hop is counted.
extension LiveWorker {
  @inline(never)
  mutating func passOn(_ ref: PacketRef) {
    let side = side(of: ref)
    let frame = stages.memory.address(start: ref.start)
    guard let desk = lease?.desk, ref.length >= EthernetView.length else { return keep(ref) }
    let from = UInt64(bigEndian: frame.loadUnaligned(fromByteOffset: 6, as: UInt64.self)) &>> 16
    let to = desk.mac(of: ref.judgement.worker, side)
    // What a member has passed on is not passed on again, or it might circle while masters change. Of what a master has,
    // pieces of another's packet are (X9): no two take each other for master.
    guard to != 0, !desk.isUnit(from, side) || desk.isMaster(from, side) else { return keep(ref) }
    let own = desk.mac(side).value
    frame.storeBytes(of: (to &<< 16 | own &>> 32).bigEndian, as: UInt64.self)
    frame.storeBytes(of: UInt32(truncatingIfNeeded: own).bigEndian, toByteOffset: 8, as: UInt32.self)
    stages.counters.add(1, to: .passedOn)
    side == .inside ? leaving.add(ref, .inside, inside) : leaving.add(ref, .outside, outside)
  }

  private func keep(_ ref: PacketRef) {
    stages.counters.add(1, to: .notMine)
    frames.give(ref)
  }
}
