import CKernel
import Memory

/// Room for what one stage leaves for the next, one place for every packet of a burst. A worker has one.
///
/// One block, so that one register says where all of it lies.
struct BurstScratch {
  private let block: UnsafeMutableRawPointer

  @inline(__always) var addresses: UnsafeMutablePointer<UInt64> { place(0) }
  @inline(__always) var ports: UnsafeMutablePointer<UInt64> { place(8) }
  @inline(__always) var sets: UnsafeMutablePointer<UInt16> { place(16) }
  @inline(__always) var dispositions: UnsafeMutablePointer<UInt16> { place(18) }
  /// Where a policy is looked for; the action that is found takes its place.
  @inline(__always) var probes: UnsafeMutablePointer<UInt32> { place(20) }
  /// What security makes of each packet, and where its IP header and its ESP begin.
  @inline(__always) var actions: UnsafeMutablePointer<SecureAction> { place(20) }
  @inline(__always) var places: UnsafeMutablePointer<PacketPlaces> { place(24) }
  /// Where packets go, and what the routes say of it: when these are needed, the hash has had its words.
  @inline(__always) var destinations: UnsafeMutablePointer<UInt32> { place(0) }
  @inline(__always) var routes: UnsafeMutablePointer<UInt32> { place(8) }
  /// By whose table a member's worker judges; 0: by the one in force.
  @inline(__always) var adopted: UnsafeMutablePointer<UInt> { place(28) }
  /// Beside it: a member's `Handover`; 0: there is none.
  @inline(__always) var handover: UnsafeMutablePointer<UInt> { adopted + 1 }
  @inline(__always) private static var bytes: Int { Burst.capacity &* 28 }

  @inline(__always)
  private func place<Value>(_ bytesBefore: Int) -> UnsafeMutablePointer<Value> {
    (block + Burst.capacity &* bytesBefore).assumingMemoryBound(to: Value.self)
  }

  init() {
    block = UnsafeMutableRawPointer.allocate(byteCount: Self.bytes + 64, alignment: 64)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: Self.bytes + 64)
  }

  /// A burst of long packets has driven it out of the first-level cache.
  @inline(__always)
  func prefetch() {
    var at = 0
    while at < Self.bytes {
      hauberk_prefetch_for_write(block + at)
      at &+= 64
    }
  }

  func deallocate() { block.deallocate() }
}
