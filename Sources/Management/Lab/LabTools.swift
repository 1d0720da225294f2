internal import CKernel
internal import CLI
internal import CLab
internal import Glibc

/// Other programs, and this one: where they are, and how they are run.
struct LabTools: Sendable {
  let ip: String
  /// This very program, even if another has taken its place since.
  let hauberk: String

  /// What a lab needs, looked for before anything is made.
  static func found() throws(CommandFailure) -> LabTools {
    guard geteuid() == 0 else {
      throw CommandFailure(.machine, "a lab is made of network namespaces, which only root may make: use sudo")
    }
    guard let ip = search("ip") else {
      throw CommandFailure(.machine, "there is no command `ip`: `apt install iproute2`, or what it is called here")
    }
    guard unsafe access("/proc/self/ns/net", R_OK) == 0 else {
      throw CommandFailure(.machine, "this kernel has no network namespaces: it wants CONFIG_NET_NS, as everywhere")
    }
    return LabTools(ip: ip, hauberk: own())
  }

  private static func own() -> String {
    var octets = [UInt8](repeating: 0, count: 4096)
    let count = unsafe readlink("/proc/self/exe", &octets, octets.count)
    let path = String(decoding: octets.prefix(max(0, count)), as: UTF8.self)
    // After an update the file of that name is another, or none; the kernel has the one that runs.
    return count > 0 && !path.hasSuffix(" (deleted)") ? path : "/proc/\(getpid())/exe"
  }

  private static func search(_ name: String) -> String? {
    let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    // Who is root by `su` may have a path without them.
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    return folders.lazy.map { "\($0)/\(name)" }.first { file in
      unsafe file.hasPrefix("/") && access(file, X_OK) == 0
    }
  }

  /// A process that stays, in a namespace; what it says goes into a file.
  func start(_ words: [String], in namespace: String, log: String) throws(CommandFailure) -> pid_t {
    let file = unsafe open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Self.failure("cannot write \(log)", errno) }
    defer { close(file) }
    return try Self.begin([ip, "netns", "exec", namespace] + words, output: file, stays: true)
  }

  /// `ip` to its end. Nil: all went well; else what it said.
  func complaint(of words: [String]) throws(CommandFailure) -> String? {
    var ends: [Int32] = [-1, -1]
    guard unsafe hauberk_lab_pipe(&ends) == 0 else { throw Self.failure("cannot make a pipe", errno) }
    defer { close(ends[0]) }
    let process: pid_t
    do {
      defer { close(ends[1]) }
      process = try Self.begin([ip] + words, output: ends[1], stays: false)
    }
    let said = Self.text(of: ends[0])
    var how: Int32 = 0
    while unsafe !hauberk_lab_reap(process, &how) { hauberk_sleep_microseconds(200) }
    guard how != 0 else { return nil }
    return said.isEmpty ? "`ip \(words.joined(separator: " "))` ended with \(how)" : said
  }

  /// Lines for `ip -batch`, in a namespace if one is named.
  func batch(_ lines: [String], in namespace: String?, file: String) throws(CommandFailure) -> String? {
    try LabFile.write(lines.joined(separator: "\n") + "\n", file, mode: 0o600)
    return try complaint(of: (namespace.map { ["-n", $0] } ?? []) + ["-batch", file])
  }

  private static func begin(_ words: [String], output: Int32, stays: Bool) throws(CommandFailure) -> pid_t {
    let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    guard null >= 0 else { throw failure("cannot open /dev/null", errno) }
    defer { close(null) }
    var list = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe list.forEach { unsafe free($0) } }
    let process = unsafe hauberk_lab_start(&list, null, output, output, stays)
    guard process > 0 else { throw failure("cannot start \(words[0])", -process) }
    return process
  }

  private static func text(of descriptor: Int32) -> String {
    var octets: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      octets += buffer[0..<count]
    }
    let lines = String(decoding: octets, as: UTF8.self).split(separator: "\n")
    return lines.joined(separator: "; ")
  }

  static func failure(_ what: String, _ code: Int32) -> CommandFailure {
    CommandFailure(.machine, "\(what): \(unsafe String(cString: strerror(code)))")
  }
}

/// Files of a lab: small, and of no value when the power goes.
enum LabFile {
  static func write(_ text: String, _ path: String, mode: mode_t) throws(CommandFailure) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode)
    guard file >= 0 else { throw LabTools.failure("cannot write \(path)", errno) }
    defer { close(file) }
    try append(text, file, path)
  }

  static func append(_ text: String, _ file: Int32, _ path: String) throws(CommandFailure) {
    let count = text.utf8.count
    guard unsafe Glibc.write(file, text, count) == count else { throw LabTools.failure("cannot write \(path)", errno) }
  }

  static func makeFolder(_ path: String) throws(CommandFailure) {
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw LabTools.failure("cannot make \(path)", errno)
    }
  }
}
