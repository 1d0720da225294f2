import CKernel
import Glibc
import Memory
import Wire

// What the ports on the kernel's own devices have in common.

/// The words for an errno.
func text(of failure: Int32) -> String { String(cString: strerror(failure)) }

extension PortError {
  /// What failed, as the C beneath says it, and why.
  init(_ device: String, _ step: UnsafePointer<CChar>?, _ failure: Int32) {
    let what = step.map { String(cString: $0) } ?? "cannot be opened"
    self.init("\(device): \(what) (\(text(of: failure)))")
  }
}

extension PortState {
  init(_ link: hauberk_link) {
    switch link {
    case HAUBERK_LINK_UP: self = .up
    case HAUBERK_LINK_DOWN: self = .down
    default: self = .gone
    }
  }
}

extension MACAddress {
  /// In the order of the wire.
  var octets: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * UInt64($0))) } }
}

extension PortDrop {
  @inline(__always) static var wouldBlock: Int32 { EAGAIN }

  /// The cause behind an errno of sending.
  @inline(__always)
  init(sending failure: Int32) {
    switch failure {
    case ENOBUFS, EAGAIN, ENOMEM: self = .noBuffer
    // A TAP device that is switched off says EIO, one that was deleted EBADFD.
    case ENETDOWN, ENXIO, ENODEV, EIO, EBADFD: self = .linkDown
    case EMSGSIZE: self = .tooBig
    default: self = .refused
    }
  }
}

extension PortCounters {
  /// What a burst has gained since it held `first`.
  @inline(__always)
  func addReceived(_ burst: Burst, from first: Int) {
    addReceived(packets: burst.count &- first, bytes: Self.bytes(burst.refs + first, burst.count &- first))
  }

  @inline(__always)
  func addSent(_ refs: UnsafePointer<PacketRef>, _ count: Int) {
    if count > 0 { addSent(packets: count, bytes: Self.bytes(refs, count)) }
  }

  @inline(__always)
  private static func bytes(_ refs: UnsafePointer<PacketRef>, _ count: Int) -> Int {
    var sum = 0
    var index = 0
    while index < count {
      sum &+= Int(refs[index].length)
      index &+= 1
    }
    return sum
  }
}

/// When a port looks after itself: every now and then while it rests, and now and then while it does not.
struct RestKeeper {
  private var resting: UInt32 = 0
  private var flushes: UInt32 = 0

  @inline(__always) mutating func wasBusy() { resting = 0 }

  /// Once a loop. An error that waits in a socket wakes whoever sleeps for it, so a rest of a few rounds is enough: a few
  /// more than a worker looks around before he sleeps, or every lull between two bursts would cost five calls.
  @inline(__always)
  mutating func isDue() -> Bool {
    resting &+= 1
    flushes &+= 1
    return resting & 127 == 96 || flushes & 0xffff == 0
  }
}
