internal import CConsole
internal import Glibc

/// The address of a socket that is a file.
struct UnixAddress {
  private var address = sockaddr_un()

  /// Nil where the path does not fit: the kernel would cut it.
  init?(_ path: String) {
    let octets = Array(path.utf8)
    guard !octets.isEmpty, octets.count <= Self.mostOctets, !octets.contains(0) else { return nil }
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: octets) }
  }

  /// One less than the kernel has: a NUL is behind it.
  static let mostOctets = 107

  /// What `bind` and `connect` take.
  func with(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// Calls of the kernel's that both ends of a control socket make.
enum UnixSocket {
  static func make() -> Int32 {
    socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
  }

  static func connect(_ descriptor: Int32, _ address: UnixAddress) -> Int32 {
    unsafe address.with { unsafe Glibc.connect(descriptor, $0, $1) }
  }

  /// Who made the other end; nil when the kernel does not say.
  static func peer(of descriptor: Int32) -> uid_t? {
    var user: UInt32 = 0
    return unsafe hauberk_peer(descriptor, &user) ? user : nil
  }

  /// How many octets were sent; nil on an error, with `errno`.
  static func send(_ descriptor: Int32, _ octets: ArraySlice<UInt8>) -> Int? {
    while true {
      let count = unsafe octets.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 { return count }
      if errno != EINTR { return nil }
    }
  }

  /// What has come, at most that many octets: none at the end, nil on an error, with `errno`.
  static func receive(_ descriptor: Int32, atMost most: Int) -> [UInt8]? {
    while true {
      var count = 0
      let octets = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, filled in
        count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
        filled = max(0, count)
      }
      if count >= 0 { return octets }
      if errno != EINTR { return nil }
    }
  }

  static func reason(_ code: Int32 = errno) -> String { unsafe String(cString: strerror(code)) }
}
