internal import CMicroHTTPD
package import CLI
internal import Glibc

/// Where metrics are served: a numeric address and a port.
package struct MetricsAddress: Sendable, Equatable, CustomStringConvertible {
  package let address: String
  package let port: UInt16

  /// Loopback: what goes further is somebody's decision.
  package static let standard = MetricsAddress(address: "127.0.0.1", port: 9471)

  private init(address: String, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// `9471` (on loopback), `192.0.2.1:9471`, `[2001:db8::1]:9471`.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else {
      guard let port = Self.port(text) else { return nil }
      self.init(address: Self.standard.address, port: port)
      return
    }
    let host = text[..<colon]
    guard let port = Self.port(text[text.index(after: colon)...]) else { return nil }
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
    let address = String(isBracketed ? host.dropFirst().dropLast() : host)
    var octets = in6_addr()
    guard !address.utf8.contains(0),
      unsafe inet_pton(isBracketed ? AF_INET6 : AF_INET, address, &octets) == 1
    else { return nil }
    self.init(address: address, port: port)
  }

  private static func port(_ text: some StringProtocol) -> UInt16? {
    guard let port = UInt16(text), port > 0, String(port) == text else { return nil }
    return port
  }

  /// Whether others than this machine reach it.
  package var isLoopback: Bool { address.hasPrefix("127.") || address == "::1" }
  package var description: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }

  /// Any free port, for tests.
  static let anyPort = MetricsAddress(address: "127.0.0.1", port: 0)
}

/// Serves a gateway's metrics at /metrics, on a thread of its own. It reads, and changes nothing.
@safe package final class MetricsServer {
  private let pages: OpaquePointer
  /// The server's thread has no count of it.
  private let source: Source

  /// `text` is called on the server's thread, once for each who asks.
  package init(
    _ address: MetricsAddress = .standard, text: @escaping @Sendable () -> String
  ) throws(CommandFailure) {
    let source = Source(text)
    let start = Start(address, source)
    start.run()
    guard let found = unsafe start.pages else {
      throw CommandFailure(
        .machine,
        "cannot serve metrics at \(address): \(UnixSocket.reason(start.code)); choose another address, or none")
    }
    unsafe pages = found
    self.source = source
  }

  deinit {
    unsafe hauberk_pages_stop(pages)
    withExtendedLifetime(source) {}
  }

  package var port: UInt16 { unsafe hauberk_pages_port(pages) }

  private final class Source: Sendable {
    let text: @Sendable () -> String
    init(_ text: @escaping @Sendable () -> String) { self.text = text }

    /// As C wants it: memory that it frees.
    func copy(_ length: UnsafeMutablePointer<Int>) -> UnsafeMutablePointer<CChar>? {
      let octets = Array(text().utf8)
      guard let memory = unsafe malloc(max(1, octets.count)) else { return nil }
      unsafe octets.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { unsafe memory.copyMemory(from: start, byteCount: bytes.count) }
      }
      unsafe length.pointee = octets.count
      return unsafe memory.assumingMemoryBound(to: CChar.self)
    }
  }

  /// The server's thread has the rights of the thread that makes it: one that has given up its own.
  @safe private final class Start: @unchecked Sendable {
    private let address: MetricsAddress
    private let source: Source
    private let bell = Bell()
    private(set) var pages: OpaquePointer?
    private(set) var code: Int32 = 0

    init(_ address: MetricsAddress, _ source: Source) {
      self.address = address
      self.source = source
    }

    func run() {
      guard let bell else {
        code = errno
        return
      }
      code = ServiceThread.start("metrics", .sockets) { [self] in serve() }
      if code == 0 { bell.wait() }
    }

    private func serve() {
      let context = unsafe Unmanaged.passUnretained(source).toOpaque()
      unsafe pages = hauberk_pages_start(
        address.address, address.port,
        { context, length in
          guard let context = unsafe context, let length = unsafe length else { return nil }
          return unsafe Unmanaged<Source>.fromOpaque(context).takeUnretainedValue().copy(length)
        }, context)
      if unsafe pages == nil { code = errno }
      bell?.ring()
    }
  }
}
