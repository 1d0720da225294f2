import CKernel
package import Wire

/// Look-ups and nothing else, for measurements of how they depend on the number of routes. Each counts what it found.
package struct RouteRun {
  private let table: RouteTable
  private let values = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)

  package init(_ table: RouteTable) { self.table = table }

  package func deallocate() { values.deallocate() }

  #if WHOLE_MODULE
    @_noLocks
  #endif
  @inline(never)
  package func hotFind4(_ addresses: UnsafePointer<UInt32>, burst count: Int) -> Int {
    table.find4(addresses, values, count: count)
    return found(count)
  }

  #if WHOLE_MODULE
    @_noLocks
  #endif
  @inline(never)
  package func hotFind6(_ addresses: UnsafePointer<IPv6Address>, burst count: Int) -> Int {
    table.find6(addresses, values, count: count)
    return found(count)
  }

  @inline(__always)
  private func found(_ count: Int) -> Int {
    var found: UInt32 = 0
    var index = 0
    while index < count {
      found &+= values[index] < RouteTable.valueLimit ? 1 : 0
      index &+= 1
    }
    return Int(truncatingIfNeeded: found)
  }

  /// Each waits for the one before, and for memory.
  #if WHOLE_MODULE
    @_noLocks
  #endif
  @inline(never)
  package func hotFind4Alone(_ addresses: UnsafePointer<UInt32>, burst count: Int) -> Int {
    var found = 0
    var nothing: UInt32 = 0
    var index = 0
    while index < count {
      let value = table.find4(addresses[index] &+ nothing)
      nothing = value &>> 24
      found &+= nothing == 0 ? 1 : 0
      index &+= 1
    }
    return found
  }

  #if WHOLE_MODULE
    @_noLocks
  #endif
  @inline(never)
  package func hotFind6Alone(_ addresses: UnsafePointer<IPv6Address>, burst count: Int) -> Int {
    var found = 0
    var nothing: UInt64 = 0
    var index = 0
    while index < count {
      let value = table.find6(addresses[index].high &+ nothing, addresses[index].low)
      nothing = UInt64(value &>> 24)
      found &+= nothing == 0 ? 1 : 0
      index &+= 1
    }
    return found
  }
}
