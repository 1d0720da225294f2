import CKernel

/// Our inbound SPIs, and what each says about its packets' work set (X7).
///
/// Open addressing, never more than half full, so that a lookup of a foreign SPI ends after a probe or two.
struct SPITable {
  struct Entry: BitwiseCopyable {
    /// 0 marks a free place: no SA has it (RFC 4303 section 2.1).
    var spi: UInt32 = 0
    /// 0 for a unicast SA; for a group SA the width of its sender ids.
    var senderIDBits: UInt32 = 0
    /// Opening with which SA; none where there is none to open with.
    var action = SecureAction.none
    /// So that four lie on a line.
    var spare: UInt32 = 0
  }

  let entries: UnsafeMutablePointer<Entry>
  let mask: Int
  private let memory: TableMemory

  init(_ list: [Entry]) {
    var capacity = 16
    while capacity < 2 * list.count { capacity *= 2 }
    mask = capacity - 1
    memory = TableMemory(bytes: capacity * MemoryLayout<Entry>.stride)
    entries = memory.base.bindMemory(to: Entry.self, capacity: capacity)
    entries.initialize(repeating: Entry(), count: capacity)
    for entry in list { insert(entry) }
  }

  func deallocate() { memory.deallocate() }

  private func insert(_ entry: Entry) {
    guard entry.spi != 0 else { return }
    var place = Self.place(of: entry.spi) & mask
    while entries[place].spi != 0, entries[place].spi != entry.spi { place = (place &+ 1) & mask }
    entries[place] = entry
  }

  /// The entry of this SPI, or one whose SPI is 0.
  @inline(__always)
  func find(_ spi: UInt32) -> Entry {
    guard spi != 0 else { return Entry() }
    var place = Self.place(of: spi) & mask
    while true {
      let entry = entries[place]
      if entry.spi == spi || entry.spi == 0 { return entry }
      place = (place &+ 1) & mask
    }
  }

  @inline(__always)
  func prefetch(_ spi: UInt32) { hauberk_prefetch(entries + (Self.place(of: spi) & mask)) }

  @inline(__always)
  static func place(of spi: UInt32) -> Int {
    Int(truncatingIfNeeded: (UInt64(spi) &* 0x9e37_79b9_7f4a_7c15) >> 32)
  }
}

/// Our outbound SAs by (peer, SPI): an ICMP error that quotes our ESP finds its tunnel here (X9).
struct OutboundTable {
  struct Entry: BitwiseCopyable {
    var peerHigh: UInt64 = 0
    var peerLow: UInt64 = 0
    var outboundSPI: UInt32 = 0
    var inboundSPI: UInt32 = 0
  }

  let entries: UnsafeMutablePointer<Entry>
  let mask: Int
  private let memory: TableMemory

  init(_ list: [Entry]) {
    var capacity = 16
    while capacity < 2 * list.count { capacity *= 2 }
    mask = capacity - 1
    memory = TableMemory(bytes: capacity * MemoryLayout<Entry>.stride)
    entries = memory.base.bindMemory(to: Entry.self, capacity: capacity)
    entries.initialize(repeating: Entry(), count: capacity)
    for entry in list where entry.outboundSPI != 0 {
      var place = Self.place(entry.peerHigh, entry.peerLow, entry.outboundSPI) & mask
      while entries[place].outboundSPI != 0 { place = (place &+ 1) & mask }
      entries[place] = entry
    }
  }

  func deallocate() { memory.deallocate() }

  /// Peers choose their SPIs without each other's knowledge: many may have chosen the same.
  private static func place(_ peerHigh: UInt64, _ peerLow: UInt64, _ spi: UInt32) -> Int {
    let peer = (peerHigh &* 0xbf58_476d_1ce4_e5b9 ^ peerLow) &* 0x94d0_49bb_1331_11eb
    return Int(truncatingIfNeeded: ((peer ^ peer >> 29 ^ UInt64(spi)) &* 0x9e37_79b9_7f4a_7c15) >> 32)
  }

  /// Our inbound SPI of the tunnel whose outbound SA this is, or 0.
  func inboundSPI(peerHigh: UInt64, peerLow: UInt64, outboundSPI: UInt32) -> UInt32 {
    guard outboundSPI != 0 else { return 0 }
    var place = Self.place(peerHigh, peerLow, outboundSPI) & mask
    while true {
      let entry = entries[place]
      if entry.outboundSPI == 0 { return 0 }
      if entry.outboundSPI == outboundSPI, entry.peerHigh == peerHigh, entry.peerLow == peerLow {
        return entry.inboundSPI
      }
      place = (place &+ 1) & mask
    }
  }
}
