import CBaseline
import CKernel
import CLI
import Glibc

/// What very many tunnels cost a gateway: from the start of `hauberk run` until it says READY, a `hauberk reload` of the
/// same, and resident memory beside that of a gateway with one tunnel. As root, in a network of its own.
///
/// Claims, for 10 000: less than a second for either, and less than 4 KiB each. Of times the best round is judged, and on a
/// machine with more to do than it has processors none: what others do meanwhile says nothing of us.
func measureTunnels(rounds: Int) throws -> Int32 {
  guard baseline_leave_network() == 0 else { throw CommandFailure(.usage, "live gateways are measured as root") }
  for cable in ["in", "out"] {
    guard baseline_make_cable(cable + "0", cable + "1") == 0 else { throw CommandFailure(.usage, "no cable is made") }
  }
  try Console.output(
    line("", ["start,", "reload,", "processor,", "bytes", "after", "MB", "least", "least"])
      + line("", ["ms", "ms", "start, ms", "a tunnel", "a reload", "in all", "start", "reload"]))
  var base = 0.0
  var doesHold = true
  for count in [1, 1000, 10_000] {
    let bench = try TunnelBench(count)
    defer { bench.remove() }
    // The first start begins the record of nonces, and is not counted.
    _ = try bench.run(begins: true)
    let runs = try (0..<rounds).map { _ in try bench.run(begins: false) }
    func middle(_ value: (TunnelBench.Figures) -> Double) -> Double { median(runs.map(value)) }
    let memory = middle(\.memory)
    if count == 1 { base = memory }
    let each = [memory, middle(\.memoryReloaded)].map { ($0 - base) / Double(count) }
    let least = (start: runs.map(\.start).min() ?? 0, reload: runs.map(\.reload).min() ?? 0)
    try Console.output(
      line(
        "\(count) \(count == 1 ? "tunnel" : "tunnels")",
        [middle(\.start), middle(\.reload), middle(\.busy)].map { Format.fixed($0, 0) }
          + each.map { count == 1 ? "" : Format.fixed($0, 0) }
          + [Format.fixed(memory / 1e6, 0), Format.fixed(least.start, 0), Format.fixed(least.reload, 0)]))
    if count == 10_000 {
      let isSoonThere = least.start < 1000 && least.reload < 1000
      doesHold = (isSoonThere || isBusy()) && each.allSatisfy { $0 < 4096 }
    }
  }
  try Console.output(
    "as medians of \(rounds) rounds; claim, of 10 000: least start and reload under 1000 ms, under 4096 bytes a tunnel: "
      + "\(doesHold ? "holds" : "BROKEN")\n")
  return doesHold ? 0 : 1
}

private func isBusy() -> Bool {
  var load = 0.0
  let isBusy = getloadavg(&load, 1) == 1 && load > 1.5 * Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  if isBusy { Console.note("too busy a machine to judge times: its load is \(Format.fixed(load, 1))") }
  return isBusy
}

private func line(_ first: String, _ cells: [String]) -> String {
  Format.left(first, 15) + cells.map { Format.right($0, 11) }.joined() + "\n"
}

/// A gateway with so many tunnels, to be started again and again.
private final class TunnelBench {
  struct Figures {
    var start = 0.0
    var reload = 0.0
    var busy = 0.0
    var memory = 0.0
    var memoryReloaded = 0.0
  }

  private let folder: String
  private let program: String
  private let notify: Int32
  private static let patienceMilliseconds: Int32 = 60_000

  init(_ tunnels: Int) throws {
    var name = Array("/tmp/hauberk-tunnels-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { throw CommandFailure(.output, "no folder can be made in /tmp") }
    folder = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let own = String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    program = own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/hauberk"
    guard access(program, X_OK) == 0 else {
      throw CommandFailure(.usage, "there is no \(program): `swift build -c release --product hauberk` makes it")
    }
    mkdir(folder + "/nonces", 0o700)
    notify = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array((folder + "/notify").utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(notify, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard notify >= 0, bound == 0 else { throw CommandFailure(.output, "no socket can be made in \(folder)") }
    try write(Self.configuration(tunnels, folder))
  }

  private var configuration: String { folder + "/gateway.yaml" }

  private func write(_ text: String) throws {
    guard let file = fopen(configuration, "w") else { throw CommandFailure(.output, "cannot write \(configuration)") }
    fchmod(fileno(file), 0o600)
    fputs(text, file)
    fclose(file)
  }

  /// Each tunnel with a pair of networks of its own: a /24 of 256 of ours, a /28 of the peers'.
  private static func configuration(_ tunnels: Int, _ folder: String) -> String {
    var text = """
      unit: {number: 0, stateDirectory: \(folder)/nonces}
      cluster: {addresses: [192.0.2.1]}
      ports:
        inside: {device: in0, method: packet, addresses: [10.0.0.1/24]}
        outside: {device: out0, method: packet, addresses: [192.0.2.1/24]}
      operation: {control: \(folder)/control}
      tunnels:

      """
    for number in 0..<tunnels {
      let block = number / 256, digits = String(number, radix: 16)
      let key = String(repeating: "0", count: 8 - digits.count) + digits + String(repeating: "0", count: 31)
      text += """
          - name: t\(number)
            address: 192.0.2.1
            peer: 198.51.\(100 + number % 100).\(number % 250 + 1)
            inboundSPI: \(0x1000 + number)
            outboundSPI: \(0x1000 + number)
            cipher: aes-128-gcm
            inboundKey: \(key)1
            outboundKey: \(key)2
            keysBorn: 2026-11-21
            local: [10.\(number % 256).0.0/24]
            remote: [172.\(16 + block / 4096).\(block / 16 % 256).\(block % 16 * 16)/28]

        """
    }
    return text
  }

  func run(begins: Bool) throws -> Figures {
    var figures = Figures()
    var octets = [UInt8](repeating: 0, count: 1024)
    // What the one before has said in the end.
    while recv(notify, &octets, octets.count, Int32(MSG_DONTWAIT)) > 0 {}
    let since = hauberk_nanoseconds()
    let gateway = try spawn(["run", configuration] + (begins ? ["--begin"] : []))
    var usage = rusage()
    defer {
      kill(gateway, SIGTERM)
      waitpid(gateway, nil, 0)
    }
    try waitUntilReady()
    figures.start = Double(hauberk_nanoseconds() - since) / 1e6
    figures.busy = busy(gateway)
    figures.memory = resident(gateway)
    let before = hauberk_nanoseconds()
    let client = try spawn(["reload", "--control", folder + "/control"])
    var status: Int32 = 0
    guard wait4(client, &status, 0, &usage) == client, status == 0 else {
      throw CommandFailure(.machine, "the gateway does not reload")
    }
    figures.reload = Double(hauberk_nanoseconds() - before) / 1e6
    figures.memoryReloaded = resident(gateway)
    return figures
  }

  /// Milliseconds of a processor.
  private func busy(_ process: pid_t) -> Double {
    let fields = text("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) * 1000 / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  private func resident(_ process: pid_t) -> Double {
    let pages = text("/proc/\(process)/statm").split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
    return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
  }

  private func text(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 1024)
    let count = fread(&line, 1, line.count, file)
    return String(decoding: line.prefix(count), as: UTF8.self)
  }

  /// What it says goes to a file; that it is ready, to our socket.
  private func spawn(_ words: [String]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, folder + "/log", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    }
    let arguments = ([program] + words).map { strdup($0) } + [nil]
    let environment = [strdup("NOTIFY_SOCKET=\(folder)/notify"), nil]
    defer { for word in arguments + environment { free(word) } }
    var process = pid_t()
    let error = posix_spawn(&process, program, &actions, nil, arguments, environment)
    guard error == 0 else { throw CommandFailure(.machine, "\(program): \(String(cString: strerror(error)))") }
    return process
  }

  private func waitUntilReady() throws {
    var octets = [UInt8](repeating: 0, count: 1024)
    var waiting = pollfd(fd: notify, events: Int16(POLLIN), revents: 0)
    while poll(&waiting, 1, Self.patienceMilliseconds) == 1 {
      let count = recv(notify, &octets, octets.count, 0)
      let words = String(decoding: octets.prefix(max(0, count)), as: UTF8.self)
      if words.split(separator: "\n").contains("READY=1") { return }
    }
    throw CommandFailure(.machine, "the gateway does not start: \(text(folder + "/log"))")
  }

  func remove() {
    close(notify)
    for name in ["gateway.yaml", "log", "notify", "control", "nonces/keys", "nonces/states", "nonces/lock"] {
      unlink(folder + "/" + name)
    }
    // With one tunnel its state has a file of its own.
    var found = glob_t()
    if glob(folder + "/nonces/*", 0, nil, &found) == 0 {
      for index in 0..<Int(found.gl_pathc) {
        if let name = found.gl_pathv[index] { unlink(name) }
      }
    }
    globfree(&found)
    rmdir(folder + "/nonces")
    rmdir(folder)
  }
}
