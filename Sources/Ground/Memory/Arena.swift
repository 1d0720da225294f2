internal import CKernel
internal import CNuma
internal import Glibc

/// Which pages the kernel gave.
public enum PageKind: String, Sendable {
  case explicitHuge = "explicit huge pages"
  case transparentHuge = "transparent huge pages"
  case plain = "plain pages"
}

public struct MemoryError: Error, CustomStringConvertible {
  public let description: String
}

/// One run of memory that holds every packet, mapped at start and kept until the end.
public struct Arena: @unchecked Sendable {
  public let base: UnsafeMutableRawPointer
  public let bytes: Int
  public let pages: PageKind
  /// No part of it lies on small pages.
  public let isHugeThroughout: Bool
  /// The NUMA node it was placed on; nil where the machine has no such thing.
  public let node: Int?

  /// Explicit huge pages, else transparent, else plain. `processor` names whose node it should lie on.
  public init(bytes wanted: Int, near processor: Int?) throws(MemoryError) {
    let huge = Int(HAUBERK_HUGE_PAGE_BYTES)
    let bytes = (wanted + huge - 1) / huge * huge
    let node = Self.node(of: processor)
    var pages = PageKind.explicitHuge
    var mapped = hauberk_map_explicit_huge(bytes)
    if mapped == nil {
      mapped = hauberk_map_aligned(bytes)
      pages = .plain
    }
    guard let base = mapped else {
      throw MemoryError(
        description: "cannot map \(bytes >> 20) MiB for packets: \(String(cString: strerror(errno)))")
    }
    // Placement is decided when a page is first touched, so it is asked for before that.
    if let node {
      numa_set_bind_policy(0)  // another node's memory is better than none
      numa_tonode_memory(base, bytes, Int32(node))
    }
    if pages == .plain { _ = hauberk_advise_huge(base, bytes) }
    memset(base, 0, bytes)
    var hugeBytes = bytes
    if pages == .plain {
      hugeBytes = Self.hugeBytes(at: UInt(bitPattern: base))
      if hugeBytes > 0 { pages = .transparentHuge }
    }
    isHugeThroughout = hugeBytes >= bytes
    self.base = base
    self.bytes = bytes
    self.pages = pages
    self.node = node
  }

  public func unmap() { munmap(base, bytes) }

  static func node(of processor: Int?) -> Int? {
    guard let processor, numa_available() >= 0 else { return nil }
    let node = numa_node_of_cpu(Int32(processor))
    return node >= 0 ? Int(node) : nil
  }

  /// How much of the mapping that begins at `address` really lies on huge pages: the advice is only advice.
  static func hugeBytes(at address: UInt) -> Int {
    guard let file = fopen("/proc/self/smaps", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    var inside = false
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if let range = text.split(separator: " ").first, range.contains("-"), !range.contains(":") {
        let ends = range.split(separator: "-").compactMap { UInt($0, radix: 16) }
        // Neighbouring mappings with equal rights may have been merged into one line.
        inside = ends.count == 2 && ends[0] <= address && address < ends[1]
      } else if inside, text.hasPrefix("AnonHugePages:") {
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
      }
    }
    return 0
  }
}
