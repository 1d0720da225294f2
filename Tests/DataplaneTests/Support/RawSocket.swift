import Glibc

/// What an ordinary program on the other end of a cable sees and sends: AF_PACKET.
final class RawSocket {
  let descriptor: Int32

  init(_ device: String) throws {
    descriptor = socket(17, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)  // AF_PACKET
    guard descriptor >= 0 else { throw Namespace.NotPossible() }
    var buffer: Int32 = 64 << 20
    setsockopt(descriptor, SOL_SOCKET, 33, &buffer, 4)  // SO_RCVBUFFORCE
    setsockopt(descriptor, SOL_SOCKET, 32, &buffer, 4)  // SO_SNDBUFFORCE
    var yes: Int32 = 1
    setsockopt(descriptor, 263, 23, &yes, 4)  // SOL_PACKET, PACKET_IGNORE_OUTGOING
    // struct sockaddr_ll: every protocol, one device.
    let index = if_nametoindex(device)
    var place: [UInt8] = [17, 0, 0, 3] + (0..<4).map { UInt8(truncatingIfNeeded: index >> ($0 * 8)) }
    place += [UInt8](repeating: 0, count: 12)
    let bound = place.withUnsafeMutableBytes {
      bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    guard bound == 0 else { throw Namespace.NotPossible() }
  }

  deinit { close(descriptor) }

  func send(_ frame: [UInt8]) -> Bool { Glibc.send(descriptor, frame, frame.count, 0) == frame.count }

  /// The next frame that has come; nil when there is none.
  func next() -> [UInt8]? {
    var frame = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &frame, frame.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : Array(frame.prefix(count))
  }
}
