import Glibc
import Testing

@testable import Service

/// A service manager's end of the socket.
private struct Manager: ~Copyable {
  let socket: Int32
  let name: String

  init(_ name: String) throws {
    self.name = name
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    try #require(socket >= 0)
    var place = sockaddr_un()
    place.sun_family = sa_family_t(AF_UNIX)
    let octets = Array(name.utf8)
    withUnsafeMutableBytes(of: &place.sun_path) { path in
      path.copyBytes(from: octets)
      if octets[0] == UInt8(ascii: "@") { path[0] = 0 }
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + octets.count)
    let code = withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) }
    }
    try #require(code == 0)
  }

  deinit {
    close(socket)
    if name.hasPrefix("/") { unlink(name) }
  }

  /// The next datagram that is there; nil: none.
  func next() -> String? {
    var octets = [UInt8](repeating: 0, count: 1024)
    let count = recv(socket, &octets, octets.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: octets.prefix(count), as: UTF8.self)
  }
}

@Suite struct NotifierTests {
  private static func path() -> String { "/tmp/hauberk-notify-\(getpid())-\(UInt32.random(in: 0 ... .max))" }

  @Test(arguments: [path(), "@" + path()])
  func `a gateway's life arrives word by word`(_ name: String) throws {
    let manager = try Manager(name)
    let notifier = try #require(try ServiceNotifier(environment: ["NOTIFY_SOCKET": name], process: 1))
    notifier.ready("2 workers, 4 ports")
    notifier.status("12 tunnels")
    notifier.alive()
    notifier.reloading(nowNanoseconds: 5_000_999)
    notifier.stopping("drained")
    #expect(manager.next() == "READY=1\nSTATUS=2 workers, 4 ports\n")
    #expect(manager.next() == "STATUS=12 tunnels\n")
    #expect(manager.next() == "WATCHDOG=1\n")
    #expect(manager.next() == "RELOADING=1\nMONOTONIC_USEC=5000\n")
    #expect(manager.next() == "STOPPING=1\nSTATUS=drained\n")
    #expect(manager.next() == nil && notifier.lost == 0)
  }

  @Test func `signs of life may come later for a while`() throws {
    let manager = try Manager(Self.path())
    let environment = ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "10000000"]
    let notifier = try #require(try ServiceNotifier(environment: environment, process: 1))
    notifier.extend(seconds: 300)
    notifier.extend(seconds: nil)
    #expect(manager.next() == "WATCHDOG_USEC=300000000\nWATCHDOG=1\n")
    #expect(manager.next() == "WATCHDOG_USEC=10000000\nWATCHDOG=1\n")
    let other = try #require(try ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name], process: 1))
    other.extend(seconds: 300)
    #expect(manager.next() == nil, "nobody expects any")
  }

  @Test func `a status is one line`() throws {
    let manager = try Manager(Self.path())
    let notifier = try #require(try ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name], process: 1))
    notifier.status("one\nREADY=1\u{0}end")
    #expect(manager.next() == "STATUS=one READY=1 end\n")
  }

  @Test func `a manager that is gone is counted and missed no further`() throws {
    let name = Self.path()
    let notifier: ServiceNotifier
    do {
      let manager = try Manager(name)
      notifier = try #require(try ServiceNotifier(environment: ["NOTIFY_SOCKET": name], process: 1))
      notifier.alive()
      #expect(manager.next() == "WATCHDOG=1\n")
    }
    notifier.alive()
    #expect(notifier.lost == 1)
    // It comes back under its name.
    let manager = try Manager(name)
    notifier.alive()
    #expect(manager.next() == "WATCHDOG=1\n" && notifier.lost == 1)
  }

  @Test func `a manager that does not read stops nobody`() throws {
    let manager = try Manager(Self.path())
    let notifier = try #require(try ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name], process: 1))
    for _ in 0..<100_000 where notifier.lost == 0 { notifier.alive() }
    #expect(notifier.lost == 1)
  }

  @Test(
    arguments: [
      (["WATCHDOG_USEC": "10000000"], 10_000_000_000),
      (["WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "7"], 10_000_000_000),
      (["WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "8"], nil), (["WATCHDOG_USEC": "0"], nil),
      (["WATCHDOG_USEC": "soon"], nil), (["WATCHDOG_USEC": "18446744073709551615"], nil), ([:], nil),
    ] as [([String: String], UInt64?)])
  func `the watchdog is that of this process`(_ words: [String: String], _ nanoseconds: UInt64?) throws {
    let environment = words.merging(["NOTIFY_SOCKET": "/run/nobody"]) { _, last in last }
    let notifier = try #require(try ServiceNotifier(environment: environment, process: 7))
    #expect(notifier.watchdogNanoseconds == nanoseconds)
  }

  @Test func `where nobody asks, nobody is told`() throws {
    #expect(try ServiceNotifier(environment: [:], process: 1) == nil)
    #expect(try ServiceNotifier(environment: ["NOTIFY_SOCKET": ""], process: 1) == nil)
    #expect(throws: SystemRefusal.self) { try ServiceNotifier(environment: ["NOTIFY_SOCKET": "vsock:2"], process: 1) }
  }
}
