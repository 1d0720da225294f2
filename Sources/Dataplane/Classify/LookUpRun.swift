import CKernel

/// Look-ups and nothing else, as the stages do them: for measurements of how they depend on the number of SAs.
package struct LookUpRun {
  private let spis: SPITable
  private let policies: PolicyTable

  package init(_ snapshot: UnsafePointer<ClassifySnapshot>) {
    spis = snapshot.pointee.spis
    policies = snapshot.pointee.policies
  }

  /// All are asked for first, so that they are there in time. How many SPIs were found.
  @inline(never)
  package func findSPIs(_ list: UnsafePointer<UInt32>, burst count: Int) -> UInt64 {
    for index in 0..<count { spis.prefetch(list[index]) }
    var found: UInt64 = 0
    for index in 0..<count { found &+= spis.find(list[index]).spi == list[index] ? 1 : 0 }
    return found
  }

  /// Each waits for the one before, and for memory.
  @inline(never)
  package func findSPIsAlone(_ list: UnsafePointer<UInt32>, burst count: Int) -> UInt64 {
    var found: UInt64 = 0
    var nothing: UInt32 = 0
    for index in 0..<count {
      let spi = list[index] &+ nothing
      let entry = spis.find(spi)
      found &+= entry.spi == spi ? 1 : 0
      nothing = entry.spare
    }
    return found
  }

  /// The same for policies, by source and destination above each other in a word, to port 0.
  @inline(never)
  package func findPolicies(
    _ list: UnsafePointer<UInt64>, _ scratch: UnsafeMutablePointer<UInt32>, burst count: Int
  ) -> UInt64 {
    for index in 0..<count { scratch[index] = policies.prefetch4(list[index]) }
    var found: UInt64 = 0
    withUnsafePointer(to: 0 as UInt64) { ports in
      for index in 0..<count {
        found &+= policies.find4(list[index], ports, place: scratch[index]).pointee.shape == 0 ? 0 : 1
      }
    }
    return found
  }

  @inline(never)
  package func findPoliciesAlone(_ list: UnsafePointer<UInt64>, burst count: Int) -> UInt64 {
    var found: UInt64 = 0
    var nothing: UInt64 = 0
    withUnsafePointer(to: 0 as UInt64) { ports in
      for index in 0..<count {
        let addresses = list[index] &+ nothing
        let entry = policies.find4(addresses, ports, place: policies.prefetch4(addresses))
        found &+= entry.pointee.shape == 0 ? 0 : 1
        nothing = UInt64(entry.pointee.spare)
      }
    }
    return found
  }
}
