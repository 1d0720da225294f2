import Rings

/// Why a live port did not hand a frame on. Each has a counter.
package enum PortDrop: Int, CaseIterable, Sendable {
  // On the way in.
  /// The kernel had no room left in the ring or the buffer that we read from.
  case ringFull
  /// The kernel could not use what we gave it: a descriptor or a frame of ours was wrong.
  case badDescriptor
  /// Longer than any frame of ours, or cut by the kernel.
  case tooLong
  /// What the kernel says of an unfinished checksum or of segments contradicts the frame.
  case badOffload
  /// None of our frames was free.
  case noFrame

  // On the way out.
  /// ENOBUFS, EAGAIN: the device's queue was full.
  case noBuffer
  /// ENETDOWN, ENXIO, ENODEV: the link is down, or the interface is gone.
  case linkDown
  /// EMSGSIZE: longer than the device takes.
  case tooBig
  /// Refused for any other reason.
  case refused

  package var name: String { "\(self)" }
  package var isReceived: Bool { rawValue <= Self.noFrame.rawValue }
}

/// What one queue of a live port counts. Written by its worker alone; read by anyone, at any time.
///
/// Received is what was handed to the worker, after a large frame has become segments; sent is what the kernel took.
package struct PortCounters: BitwiseCopyable, @unchecked Sendable {
  let bank: CounterBank

  static var receivedPackets: Int { 0 }
  static var receivedBytes: Int { 1 }
  static var sentPackets: Int { 2 }
  static var sentBytes: Int { 3 }
  static var finishedChecksums: Int { 4 }
  static var segmented: Int { 5 }
  static var unfinishedChecksums: Int { 6 }
  static var firstDrop: Int { 8 }
  static var count: Int { firstDrop + PortDrop.allCases.count }

  package init() { bank = CounterBank(count: Self.count) }
  package func deallocate() { bank.deallocate() }

  @inline(__always)
  func addReceived(packets: Int, bytes: Int) {
    bank.add(UInt64(truncatingIfNeeded: packets), to: Self.receivedPackets)
    bank.add(UInt64(truncatingIfNeeded: bytes), to: Self.receivedBytes)
  }

  @inline(__always)
  func addSent(packets: Int, bytes: Int) {
    bank.add(UInt64(truncatingIfNeeded: packets), to: Self.sentPackets)
    bank.add(UInt64(truncatingIfNeeded: bytes), to: Self.sentBytes)
  }

  @inline(__always)
  func add(_ amount: Int, to drop: PortDrop) {
    bank.add(UInt64(truncatingIfNeeded: amount), to: Self.firstDrop &+ drop.rawValue)
  }

  @inline(__always) func addFinishedChecksum() { bank.add(1, to: Self.finishedChecksums) }
  @inline(__always) func addSegmented() { bank.add(1, to: Self.segmented) }
  @inline(__always)
  func addUnfinished(_ packets: Int) {
    bank.add(UInt64(truncatingIfNeeded: packets), to: Self.unfinishedChecksums)
  }

  package var receivedPackets: UInt64 { bank[Self.receivedPackets] }
  package var receivedBytes: UInt64 { bank[Self.receivedBytes] }
  package var sentPackets: UInt64 { bank[Self.sentPackets] }
  package var sentBytes: UInt64 { bank[Self.sentBytes] }
  /// Checksums that the sender had left to a device, and that were finished here.
  package var finishedChecksums: UInt64 { bank[Self.finishedChecksums] }
  /// Checksums that the sender had left to a device, and that went on as they were: the port is not told of them.
  package var unfinishedChecksums: UInt64 { bank[Self.unfinishedChecksums] }
  /// Frames that came whole and were handed on as segments.
  package var segmented: UInt64 { bank[Self.segmented] }
  package func drops(_ drop: PortDrop) -> UInt64 { bank[Self.firstDrop + drop.rawValue] }
}
