import Wire

/// What is remembered of one packet, in 32 bytes.
///
/// Of its payload, 64 bits of SipHash under a key that Swift draws for every run. Digests are compared only where two
/// packets have the same IV: a difference is missed once in 2^64 such pairs, and nobody who writes a capture can aim
/// at it.
struct SeenPacket: BitwiseCopyable {
  /// The IV of 8 bytes; see `IVTable` for others.
  var iv: UInt64 = 0
  /// Of what follows the IV.
  var digest: UInt64 = 0
  /// The number in the capture, from 1, in 40 bits; whether the payload is whole; how long it is, in 23 bits.
  private var place: UInt64 = 0
  var sequence: UInt32 = 0
  /// Of the payload's first bytes: for a packet that was cut shorter than the one before.
  var head: UInt32 = 0

  static let headBytes = 16
  static let mostNumber: UInt64 = 1 << 40 - 1

  init() {}

  init(number: UInt64, sequence: UInt32, iv: UInt64, payload: Bytes, isWhole: Bool) {
    self.iv = iv
    self.sequence = sequence
    digest = Self.digest(of: payload)
    head = UInt32(truncatingIfNeeded: Self.digest(of: payload.prefix(Self.headBytes)))
    place = number << 24 | (isWhole ? 1 << 23 : 0) | UInt64(payload.count)
  }

  var isFree: Bool { place == 0 }
  var number: UInt64 { place >> 24 }
  var isWhole: Bool { place & 1 << 23 != 0 }
  var length: Int { Int(place & 0x7f_ffff) }

  static func digest(of bytes: Bytes) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  /// Whether a later packet with this IV is this very packet, as far as both are there.
  func isSame(as later: SeenPacket, payload: Bytes) -> Bool {
    guard sequence == later.sequence else { return false }
    if length == later.length { return digest == later.digest }
    if length < later.length { return !isWhole && digest == Self.digest(of: payload.prefix(length)) }
    // Of the longer one only the digests are left.
    return !later.isWhole && (later.length < Self.headBytes || head == later.head)
  }
}

/// The packets of one counter, by IV: open addressing, at most three quarters full.
///
/// An IV that is not 8 bytes long is entered by a digest of it. Such an IV is random and may come again: nothing worse
/// than a count depends on it.
final class IVTable {
  enum Verdict {
    case fresh
    case duplicate
    /// Another packet had this IV: the first of them.
    case differs(SeenPacket)
  }

  /// So many packets of one IV are told from their duplicates. Later ones only differ; without this bound, a capture
  /// of nothing but repeats would take for ever.
  static let mostVersions = 16

  private var entries: UnsafeMutablePointer<SeenPacket>
  private var mask: Int
  private(set) var count = 0

  init() {
    mask = 7
    entries = .allocate(capacity: mask + 1)
    entries.initialize(repeating: SeenPacket(), count: mask + 1)
  }

  deinit { entries.deallocate() }

  func enter(_ packet: SeenPacket, payload: Bytes) -> Verdict {
    var place = start(packet.iv)
    var first: SeenPacket?
    var versions = 0
    while !entries[place].isFree {
      let entry = entries[place]
      if entry.iv == packet.iv {
        if entry.isSame(as: packet, payload: payload) { return .duplicate }
        if first.map({ entry.number < $0.number }) ?? true { first = entry }
        versions += 1
      }
      place = (place &+ 1) & mask
    }
    if versions < Self.mostVersions {
      entries[place] = packet
      count += 1
      if count * 4 > (mask + 1) * 3 { grow() }
    }
    return first.map { .differs($0) } ?? .fresh
  }

  private func start(_ iv: UInt64) -> Int {
    // Keyed, like the digests: counters would spread by themselves, a hostile capture's IVs would not.
    var hasher = Hasher()
    hasher.combine(iv)
    return hasher.finalize() & mask
  }

  private func grow() {
    let old = entries, oldCapacity = mask + 1
    mask = 2 * oldCapacity - 1
    entries = .allocate(capacity: mask + 1)
    entries.initialize(repeating: SeenPacket(), count: mask + 1)
    for index in 0..<oldCapacity where !old[index].isFree {
      var place = start(old[index].iv)
      while !entries[place].isFree { place = (place &+ 1) & mask }
      entries[place] = old[index]
    }
    old.deallocate()
  }
}
