import Glibc
import PacketMaking

/// Sockets of the local kernel, as peers of what is tested. Each belongs to the namespace of the thread that makes it.
final class Peer: Sendable {
  let socket: Int32

  deinit { close(socket) }

  struct Failure: Error {
    let words: String
    init(_ words: String) { self.words = "\(words): \(String(cString: strerror(errno)))" }
  }

  private static func address(_ text: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32)
    -> Int32
  {
    let octets = PacketMaking.address(text)
    if octets.count == 4 {
      var v4 = sockaddr_in()
      v4.sin_family = sa_family_t(AF_INET)
      v4.sin_port = port.bigEndian
      withUnsafeMutableBytes(of: &v4.sin_addr) { $0.copyBytes(from: octets) }
      return withUnsafePointer(to: v4) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
      }
    }
    var v6 = sockaddr_in6()
    v6.sin6_family = sa_family_t(AF_INET6)
    v6.sin6_port = port.bigEndian
    withUnsafeMutableBytes(of: &v6.sin6_addr) { $0.copyBytes(from: octets) }
    return withUnsafePointer(to: v6) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
    }
  }

  private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(socket, level, option, &value, 4)
  }

  /// Waits at most so long for anything.
  private func limit(seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  /// UDP between two addresses.
  init(udp local: String, _ localPort: UInt16, to remote: String, _ remotePort: UInt16) throws {
    socket = Glibc.socket(local.contains(":") ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    limit(seconds: 60)
    set(SOL_SOCKET, 33, 32 << 20)  // SO_RCVBUFFORCE
    guard Self.address(local, localPort, { bind(socket, $0, $1) }) == 0 else { throw Failure("bind") }
    guard Self.address(remote, remotePort, { connect(socket, $0, $1) }) == 0 else { throw Failure("connect") }
  }

  /// TCP that waits to be called.
  init(listening local: String, _ port: UInt16) throws {
    socket = Glibc.socket(local.contains(":") ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    limit(seconds: 60)
    set(SOL_SOCKET, SO_REUSEADDR, 1)
    guard Self.address(local, port, { bind(socket, $0, $1) }) == 0, listen(socket, 4) == 0 else {
      throw Failure("listen")
    }
  }

  /// TCP that calls.
  init(calling remote: String, _ port: UInt16) throws {
    socket = Glibc.socket(remote.contains(":") ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    limit(seconds: 60)
    guard Self.address(remote, port, { connect(socket, $0, $1) }) == 0 else { throw Failure("connect") }
  }

  /// The one who called.
  init(accepting listener: Peer) throws {
    socket = accept(listener.socket, nil, nil)
    guard socket >= 0 else { throw Failure("accept") }
    limit(seconds: 60)
  }

  /// Frames as they are, on one device.
  init(frames device: String) throws {
    socket = frameSocket(on: device)
    guard socket >= 0 else { throw Failure("no frames") }
    limit(seconds: 5)
    set(SOL_SOCKET, 33, 32 << 20)
  }

  /// Datagrams leave in trains of this size, which a device or whoever stands in for it divides.
  func sendInTrains(of size: Int) { set(17, 103, Int32(size)) }  // UDP_SEGMENT

  @discardableResult
  func send(_ octets: [UInt8]) -> Int { Glibc.send(socket, octets, octets.count, Int32(MSG_NOSIGNAL)) }

  /// What comes next; nil when nothing does in time.
  func receive(most: Int = 65_536) -> [UInt8]? {
    let octets = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
      count = max(0, recv(socket, buffer.baseAddress, most, 0))
    }
    return octets.isEmpty ? nil : octets
  }

  func sendAll(_ octets: [UInt8]) throws {
    var at = 0
    while at < octets.count {
      let sent = octets.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress! + at, octets.count - at, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw Failure("send") }
      at += sent
    }
  }
}
