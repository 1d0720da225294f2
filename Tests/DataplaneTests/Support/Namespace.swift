import Glibc
import PacketMaking

/// The importer leaves out what only GNU has.
@_silgen_name("unshare") private func unshare(_ flags: Int32) -> Int32
@_silgen_name("pipe2") private func pipe2(_ ends: UnsafeMutablePointer<Int32>, _ flags: Int32) -> Int32

/// The body and what it returns cross to the thread and back one after the other.
private final class Box<Result>: @unchecked Sendable {
  let body: () throws -> Result
  var result: Swift.Result<Result, any Error> = .failure(Namespace.NotPossible())
  init(_ body: @escaping () throws -> Result) { self.body = body }
}

/// A network of a test's own: it is there as long as the thread that it was made on.
enum Namespace {
  static let reason: String = "needs root, network namespaces, and ip of iproute2"

  /// Whether this machine lets a test make one.
  static let isPossible: Bool = {
    guard geteuid() == 0, access("/sbin/ip", X_OK) == 0 else { return false }
    return (try? run { ip("link", "add", "try0", "type", "veth", "peer", "name", "try1") }) == true
  }()

  struct NotPossible: Error {}

  /// Runs the body on a thread of its own, in an empty network, and waits for it.
  static func run<Result>(_ body: @escaping () throws -> Result) throws -> Result {
    let box = Box(body)
    onThreads(1) { _ in
      guard unshare(0x4000_0000) == 0 else { return }  // CLONE_NEWNET
      box.result = Swift.Result { try box.body() }
    }
    return try box.result.get()
  }

  /// Two devices that are the ends of one cable, up.
  static func makeCable(_ one: String, _ other: String, queues: Int = 1, mtu: Int = 1500) throws {
    let count = String(queues), mtu = String(mtu)
    let isMade =
      ip(
        "link", "add", one, "mtu", mtu, "numrxqueues", count, "numtxqueues", count, "type", "veth", "peer", "name",
        other,
        "mtu", mtu, "numrxqueues", count, "numtxqueues", count)
      && [one, other].allSatisfy { ip("link", "set", $0, "addrgenmode", "none", "up") }
    guard isMade else { throw NotPossible() }
  }

  @discardableResult
  static func ip(_ words: String...) -> Bool { start("/sbin/ip", words) == 0 }

  /// What `ip` says, in this thread's network.
  static func said(_ words: String...) -> String {
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, Int32(O_CLOEXEC)) == 0 else { return "" }
    defer { close(ends[0]) }
    _ = start("/sbin/ip", words, output: ends[1])
    close(ends[1])
    var text = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(ends[0], &text, text.count)
    return String(decoding: text.prefix(max(0, count)), as: UTF8.self)
  }

  /// A program of ours, in this thread's network, that is there to be killed.
  final class Process {
    private let process: Int32
    let firstLine: String

    init(_ name: String) throws {
      var ends: [Int32] = [0, 0]
      guard pipe2(&ends, Int32(O_CLOEXEC)) == 0 else { throw NotPossible() }
      process = start(Self.folder + "/" + name, [], output: ends[1], waits: false)
      close(ends[1])
      var text = [UInt8](repeating: 0, count: 256)
      let count = read(ends[0], &text, text.count)
      close(ends[0])
      firstLine = String(decoding: text.prefix(max(0, count)).prefix { $0 != 10 }, as: UTF8.self)
    }

    func kill() {
      guard process > 0 else { return }
      Glibc.kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }

    /// Programs lie beside the test bundle.
    private static let folder: String = {
      var place = String(cString: realpath("/proc/self/exe", nil))
      for argument in CommandLine.arguments where argument.hasSuffix(".xctest") { place = argument }
      return place.lastIndex(of: "/").map { String(place[..<$0]) } ?? "."
    }()
  }

  /// Starts a program in this thread's network. Its exit code, or its process without waiting.
  static func start(_ path: String, _ words: [String], output: Int32? = nil, waits: Bool = true) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output { posix_spawn_file_actions_adddup2(&actions, output, 1) }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    // A test may run on a thread that blocks every signal, which a child would inherit.
    var attributes = posix_spawnattr_t()
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments = ([path] + words).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    guard posix_spawn(&process, path, &actions, &attributes, &arguments, environ) == 0 else { return -1 }
    guard waits else { return process }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return status
  }
}
