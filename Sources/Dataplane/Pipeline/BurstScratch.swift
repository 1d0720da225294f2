import Memory

/// Room for what one stage leaves for the next, one place for every packet of a burst. A worker has one.
struct BurstScratch {
  let addresses: UnsafeMutablePointer<UInt64>
  let ports: UnsafeMutablePointer<UInt64>
  let sets: UnsafeMutablePointer<UInt16>
  let dispositions: UnsafeMutablePointer<UInt16>
  /// What security makes of each packet, and where its IP header and its ESP begin.
  let actions: UnsafeMutablePointer<SecureAction>
  let places: UnsafeMutablePointer<PacketPlaces>

  init() {
    let count = Burst.capacity
    let bytes = count * (8 + 8 + 2 + 2 + 4 + MemoryLayout<PacketPlaces>.stride)
    let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    addresses = block.bindMemory(to: UInt64.self, capacity: count)
    ports = (block + 8 * count).bindMemory(to: UInt64.self, capacity: count)
    sets = (block + 16 * count).bindMemory(to: UInt16.self, capacity: count)
    dispositions = (block + 18 * count).bindMemory(to: UInt16.self, capacity: count)
    actions = (block + 20 * count).bindMemory(to: SecureAction.self, capacity: count)
    places = (block + 24 * count).bindMemory(to: PacketPlaces.self, capacity: count)
  }

  func deallocate() { UnsafeMutableRawPointer(addresses).deallocate() }
}
