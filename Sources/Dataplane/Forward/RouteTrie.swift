import CKernel
import Wire

/// From an address to the value of the longest prefix that it is in.
///
/// The address's first bits are a place in `top`, where the value lies, or the number of a slot. A slot is one of two
/// things. A *node* divides by six further bits into 64 parts: parts that hold longer prefixes are slots, one behind the
/// other; of the others, each run of equal values is one leaf; two bit maps and a count of bits find either. A *skip*
/// is what stands for a network that is alone in its surroundings: an address is in it, or has the value that holds
/// around it. So a table needs no more nodes than it has routes, and a way through it has no steps without a choice.
///
/// A million routes of the internet are 10 MB: small enough for the near caches, where a table with a place for every
/// /24 is not. An IPv4 address counts as the first half of the upper word.
struct RouteTrie {
  /// 32 bytes: two on a cache line, none on two.
  struct Slot: BitwiseCopyable {
    /// A node: the parts that are slots. A skip: the network.
    var children: UInt64 = 0
    /// A node: the parts where a run of equal values begins. A skip: the network's lower half.
    var runs: UInt64 = 0
    /// A node: its first child's number. A skip: what holds inside of the network, a value or a slot.
    var firstChild: UInt32 = 0
    /// A node: its first leaf's number. A skip: the value outside of the network.
    var firstLeaf: UInt32 = 0
    /// A node: before which bit its six begin. A skip: how many bits the network has.
    var bits: UInt8 = 0
    var isSkip = false
    private var spare: UInt32 = 0
  }

  /// No prefix has the address.
  @inline(__always) static var none: UInt32 { 0x3fff_ffff }
  /// Set in a word that is a slot's number and no value.
  @inline(__always) static var slotFlag: UInt32 { 0x8000_0000 }

  let slots: UnsafeMutablePointer<Slot>
  let leaves: UnsafeMutablePointer<UInt32>
  let top: UnsafeMutablePointer<UInt32>
  /// What is left of an address's upper word after this shift is a place in `top`.
  let topShift: UInt64
  let bytes: Int
  let memory: TableMemory

  init(slots: ContiguousArray<Slot>, leaves: ContiguousArray<UInt32>, top: ContiguousArray<UInt32>) {
    let slotBytes = slots.count * MemoryLayout<Slot>.stride, leafBytes = leaves.count * 4, topBytes = top.count * 4
    bytes = slotBytes + leafBytes + topBytes
    memory = TableMemory(bytes: bytes)
    self.slots = memory.base.bindMemory(to: Slot.self, capacity: slots.count)
    self.top = (memory.base + slotBytes).bindMemory(to: UInt32.self, capacity: top.count)
    self.leaves = (memory.base + slotBytes + topBytes).bindMemory(to: UInt32.self, capacity: leaves.count)
    topShift = UInt64(64 - top.count.trailingZeroBitCount)
    for (index, slot) in slots.enumerated() { (self.slots + index).initialize(to: slot) }
    for (index, word) in top.enumerated() { (self.top + index).initialize(to: word) }
    for (index, leaf) in leaves.enumerated() { (self.leaves + index).initialize(to: leaf) }
  }

  func deallocate() { memory.deallocate() }
}

// One address. `isIPv6` is a constant wherever these are called, and what the other family needs falls away.
extension RouteTrie {
  @inline(__always)
  func find(_ high: UInt64, _ low: UInt64, isIPv6: Bool) -> UInt32 {
    var next = top[Int(truncatingIfNeeded: high &>> topShift)]
    while next & Self.slotFlag != 0 {
      let slot = slots + Int(next & ~Self.slotFlag)
      if slot.pointee.isSkip {
        next = Self.pass(slot, high, low, isIPv6: isIPv6)
        continue
      }
      let part = Self.part(high, low, UInt64(slot.pointee.bits), isIPv6: isIPv6)
      let bit = (1 as UInt64) &<< part
      if slot.pointee.children & bit == 0 {
        return leaves[Int(Self.leaf(slot, bit))]
      }
      next = Self.slotFlag | Self.child(slot, bit)
    }
    return next
  }

  /// The six bits of an address behind the first `bits`; behind its end are zeros.
  @inline(__always)
  static func part(_ high: UInt64, _ low: UInt64, _ bits: UInt64, isIPv6: Bool) -> UInt64 {
    if !isIPv6 { return (high &<< bits) &>> 58 }
    // The shift by one keeps the other one below 64 where no bit comes from the lower half.
    let crossing = high &<< bits | (low &>> 1) &>> (63 &- bits)
    return (bits < 64 ? crossing : low &<< bits) &>> 58
  }

  @inline(__always)
  static func child(_ slot: UnsafeMutablePointer<Slot>, _ bit: UInt64) -> UInt32 {
    slot.pointee.firstChild &+ UInt32(truncatingIfNeeded: (slot.pointee.children & (bit &- 1)).nonzeroBitCount)
  }

  /// The first part that is no child begins a run, so there is one at or before each.
  @inline(__always)
  static func leaf(_ slot: UnsafeMutablePointer<Slot>, _ bit: UInt64) -> UInt32 {
    let before = (slot.pointee.runs & (bit | (bit &- 1))).nonzeroBitCount
    return slot.pointee.firstLeaf &+ UInt32(truncatingIfNeeded: before) &- 1
  }

  @inline(__always)
  static func pass(_ slot: UnsafeMutablePointer<Slot>, _ high: UInt64, _ low: UInt64, isIPv6: Bool) -> UInt32 {
    let bits = UInt64(slot.pointee.bits)
    var difference: UInt64
    // A skip has one bit at least, and shifts all the way are taken literally.
    if isIPv6 && bits > 64 {
      difference = (high ^ slot.pointee.children) | (low ^ slot.pointee.runs) &>> (128 &- bits)
    } else {
      difference = (high ^ slot.pointee.children) &>> (64 &- bits)
    }
    return difference == 0 ? slot.pointee.firstChild : slot.pointee.firstLeaf
  }
}
