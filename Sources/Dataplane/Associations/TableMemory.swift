import CKernel
import Glibc

/// Memory for tables that every packet may read anywhere in: on huge pages as soon as it is large, because every look-up
/// would miss the TLB otherwise.
struct TableMemory {
  let base: UnsafeMutableRawPointer
  private let mappedBytes: Int

  private static let huge = Int(HAUBERK_HUGE_PAGE_BYTES)

  init(bytes: Int) {
    if bytes >= Self.huge / 2 {
      let rounded = (bytes + Self.huge - 1) / Self.huge * Self.huge
      if let mapped = hauberk_map_aligned(rounded) {
        // Where there are none, it is plain memory.
        _ = hauberk_advise_huge(mapped, rounded)
        base = mapped
        mappedBytes = rounded
        return
      }
    }
    base = .allocate(byteCount: max(1, bytes), alignment: 128)
    mappedBytes = 0
  }

  func deallocate() {
    if mappedBytes > 0 { munmap(base, mappedBytes) } else { base.deallocate() }
  }
}
