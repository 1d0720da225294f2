import CKernel
import Wire

// Many addresses. One that waits for memory keeps the others waiting; so all go one step, and each asks for what its next
// step reads. A step has no branch that depends on the address: where a way ends is a bit in a mask.
extension RouteTrie {
  /// Up to 64 addresses. `addresses` gives the halves of the one with a number.
  @inline(__always)
  func find(
    _ count: Int, _ values: UnsafeMutablePointer<UInt32>, isIPv6: Bool,
    _ address: (Int) -> (high: UInt64, low: UInt64)
  ) {
    for index in 0..<count { hauberk_prefetch(top + Int(truncatingIfNeeded: address(index).high &>> topShift)) }
    var open: UInt64 = 0
    for index in 0..<count {
      let next = top[Int(truncatingIfNeeded: address(index).high &>> topShift)]
      values[index] = next
      open |= UInt64(next >> 31) &<< UInt64(truncatingIfNeeded: index)
      if next & Self.slotFlag != 0 { hauberk_prefetch(slots + Int(next & ~Self.slotFlag)) }
    }
    var atLeaf: UInt64 = 0
    while open != 0 {
      var rest = open
      while rest != 0 {
        let index = rest.trailingZeroBitCount
        let one = rest & (0 &- rest)
        rest ^= one
        let slot = slots + Int(values[index] & ~Self.slotFlag)
        let (high, low) = address(index)
        if slot.pointee.isSkip {
          let next = Self.pass(slot, high, low, isIPv6: isIPv6)
          values[index] = next
          if next & Self.slotFlag == 0 { open ^= one } else { hauberk_prefetch(slots + Int(next & ~Self.slotFlag)) }
          continue
        }
        let bit = (1 as UInt64) &<< Self.part(high, low, UInt64(slot.pointee.bits), isIPv6: isIPv6)
        let child = Self.child(slot, bit), leaf = Self.leaf(slot, bit)
        let isLeaf = slot.pointee.children & bit == 0
        values[index] = isLeaf ? leaf : child
        hauberk_prefetch(isLeaf ? UnsafeRawPointer(leaves + Int(leaf)) : UnsafeRawPointer(slots + Int(child)))
        open ^= isLeaf ? one : 0
        atLeaf |= isLeaf ? one : 0
      }
    }
    while atLeaf != 0 {
      let index = atLeaf.trailingZeroBitCount
      atLeaf &= atLeaf &- 1
      values[index] = leaves[Int(values[index])]
    }
  }
}
