internal import CKernel
internal import Glibc

/// Tells the service manager how the gateway is: datagrams of `NAME=value` to the socket that NOTIFY_SOCKET names.
/// One thread uses it. What cannot be delivered is lost: a gateway does not stop because nobody listens.
public final class ServiceNotifier {
  private let socket: Int32
  private let name: String
  /// How often a sign of life is expected at the latest; ask for half of it. Nil: nobody expects one.
  public let watchdogNanoseconds: UInt64?
  /// Words that did not arrive.
  public private(set) var lost: UInt64 = 0

  /// Nil where nobody wants to know.
  public convenience init?(environment: [String: String], process: Int32) throws(SystemRefusal) {
    guard let name = environment["NOTIFY_SOCKET"], !name.isEmpty else { return nil }
    try self.init(socket: name, watchdog: Self.watchdog(environment, process: process))
  }

  /// As this process was started.
  public static func started() throws(SystemRefusal) -> ServiceNotifier? {
    var environment: [String: String] = [:]
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
      if let value = unsafe getenv(name) { environment[name] = unsafe String(cString: value) }
    }
    return try ServiceNotifier(environment: environment, process: getpid())
  }

  init(socket name: String, watchdog: UInt64?) throws(SystemRefusal) {
    // A path, or '@' and a name; a virtual machine's manager may offer other kinds, of which we know nothing.
    guard name.hasPrefix("/") || name.hasPrefix("@") else {
      throw SystemRefusal("tell the service manager by NOTIFY_SOCKET=\(name)", EAFNOSUPPORT)
    }
    socket = hauberk_notify_open()
    guard socket >= 0 else { throw SystemRefusal("make a socket for the service manager", errno) }
    self.name = name
    watchdogNanoseconds = watchdog
  }

  deinit { close(socket) }

  /// Only this process is meant: a child has the same environment.
  private static func watchdog(_ environment: [String: String], process: Int32) -> UInt64? {
    guard let text = environment["WATCHDOG_USEC"], let microseconds = UInt64(text), microseconds > 0,
      microseconds < UInt64.max / 1000
    else { return nil }
    if let meant = environment["WATCHDOG_PID"], meant != String(process) { return nil }
    return microseconds * 1000
  }

  /// Packets pass.
  public func ready(_ status: String) { tell([("READY", "1"), ("STATUS", status)]) }

  public func status(_ words: String) { tell([("STATUS", words)]) }

  public func alive() { tell([("WATCHDOG", "1")]) }

  /// Signs of life may come that much later from now on; nil: as often as at first.
  public func extend(seconds: UInt64?) {
    guard let watchdogNanoseconds else { return }
    let microseconds = seconds.map { max($0 * 1_000_000, watchdogNanoseconds / 1000) } ?? watchdogNanoseconds / 1000
    tell([("WATCHDOG_USEC", String(microseconds)), ("WATCHDOG", "1")])
  }

  /// A new configuration is read; `ready` ends that. `now` is the monotonic clock's.
  public func reloading(nowNanoseconds now: UInt64) {
    tell([("RELOADING", "1"), ("MONOTONIC_USEC", String(now / 1000))])
  }

  public func stopping(_ status: String) { tell([("STOPPING", "1"), ("STATUS", status)]) }

  private func tell(_ words: [(name: String, value: String)]) {
    let text = words.map { "\($0.name)=\(Self.line($0.value))\n" }.joined()
    let octets = Array(text.utf8)
    if unsafe hauberk_notify_send(socket, name, octets, octets.count) != 0 { lost += 1 }
  }

  /// A line's end would begin another word.
  private static func line(_ value: String) -> String {
    String(String.UnicodeScalarView(value.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
  }
}
