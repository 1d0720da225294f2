internal import CNamespace
internal import Glibc

/// A network of its own, with nothing in it, for as long as this object lives. Other namespaces and the machine's own
/// network are out of its reach.
package final class NetworkNamespace: Sendable {
  package let descriptor: Int32

  package static let absence = "skipped: network namespaces need root, and the commands ip, sysctl and ethtool"
  package static let areToBeHad: Bool = {
    let areThere = ["ip", "sysctl", "ethtool"].allSatisfy { command in
      ["/usr/sbin/", "/sbin/"].contains { access($0 + command, X_OK) == 0 }
    }
    guard geteuid() == 0, areThere else { return false }
    return (try? NetworkNamespace()) != nil
  }()

  package struct Failure: Error {
    package let words: String
  }

  package init() throws {
    let made = onThread { hauberk_new_network() }
    guard made >= 0 else { throw Failure(words: "no network namespace") }
    descriptor = made
    try shell("ip link set lo up; sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0")
  }

  deinit { close(descriptor) }

  /// Runs the body with this thread in here. What it opens stays in here, and so do the threads that it starts.
  @discardableResult
  package func run<Result>(_ body: () throws -> Result) throws -> Result {
    let before = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    guard before >= 0, hauberk_enter_network(descriptor) == 0 else {
      throw Failure(words: "cannot enter the namespace")
    }
    defer {
      precondition(hauberk_enter_network(before) == 0, "cannot leave the namespace")
      close(before)
    }
    return try body()
  }

  /// Runs commands in here.
  package func shell(_ script: String) throws {
    let status = try run { hauberk_run_script(script) }
    guard status == 0 else { throw Failure(words: "failed: \(script)") }
  }

  /// For neighbours the kernel asks three times, a second apart, and then drops what waits: on a busy machine whoever is
  /// to answer may be later.
  package func askPatiently(on device: String) throws {
    try shell("sysctl -qw net.ipv4.neigh.\(device).mcast_solicit=60 net.ipv6.neigh.\(device).mcast_solicit=60")
  }

  /// A cable from a device in here to one in another namespace.
  package func connect(_ device: String, to other: NetworkNamespace, _ peer: String) throws {
    try shell(
      """
      ip link add name \(device) type veth peer name \(peer) netns /proc/\(getpid())/fd/\(other.descriptor)
      ip link set \(device) up
      """)
    try other.shell("ip link set \(peer) up")
  }
}

/// A socket of the local kernel's for whole frames, on a device of the namespace that the thread is in. Negative: none.
package func frameSocket(on device: String) -> Int32 { hauberk_frame_socket(device) }

private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
  nonisolated(unsafe) var result: Result?
  onThreads(1) { _ in result = body() }
  return result!
}
