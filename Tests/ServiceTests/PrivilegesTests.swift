import Glibc
import Testing

@testable import Service

/// Real processes give up their rights; /proc says what they have left.
@Suite struct PrivilegesTests {
  private static let isRoot = geteuid() == 0
  /// NET_ADMIN, NET_RAW, BPF by their numbers in the kernel's header.
  private static let control: UInt64 = 1 << 12 | 1 << 13 | 1 << 39
  /// Calls are not confined under a sanitizer, and then the process says so.
  private static func isConfined(_ run: ConfinedRun) -> Bool { run.results("worker")["confined"] == 1 }

  @Test func `a worker has no capability, the control thread three`() throws {
    let run = ConfinedRun("refuse")
    let threads = try #require(run.wait(for: "threads"))
    try #require(threads.count == 3)
    // Who starts from the control thread cannot make the bounding set smaller any more, and gains nothing by it.
    for (thread, most, bound) in [
      (threads[0], 0, 0), (threads[1], Self.control, Self.control), (threads[2], 0, Self.control),
    ] {
      for name in ["CapPrm", "CapEff"] {
        let found = try #require(run.set(thread, name))
        #expect(found & ~most == 0)
        // Who is not root has none that it could keep.
        if Self.isRoot { #expect(found == most) }
      }
      if Self.isRoot { #expect(run.set(thread, "CapBnd") == bound) }
      #expect(run.set(thread, "CapInh") == 0)
      #expect(run.set(thread, "CapAmb") == 0)
      #expect(run.status(thread, "NoNewPrivs") == "1")
    }
    #expect(run.end() == 0)
  }

  @Test func `calls are filtered, a late worker's twice`() throws {
    let run = ConfinedRun("refuse")
    let threads = try #require(run.wait(for: "threads"))
    guard Self.isConfined(run) else { return }
    #expect(threads.map { run.status($0, "Seccomp") } == ["2", "2", "2"])
    #expect(threads.map { run.status($0, "Seccomp_filters") } == ["1", "1", "2"])
  }

  @Test func `nobody dumps it`() throws {
    let run = ConfinedRun("refuse")
    _ = try #require(run.wait(for: "threads"))
    #expect(run.coreLimit == ["0", "0"])
    #expect(run.results("process")["dumpable"] == 0)
  }

  @Test(arguments: ["refuse", "end"])
  func `what a gateway does, it may`(_ verdict: String) throws {
    let run = ConfinedRun(verdict)
    _ = try #require(run.wait(for: "threads"), "it ended with \(run.end()) after \(run.lines)")
    for thread in ["worker", "control", "late"] {
      let results = run.results(thread)
      let refused = results.filter { $0.key != "confined" && $0.value != 0 }
      #expect(results.count > 11 && refused.isEmpty, "\(thread): \(refused)")
    }
    #expect(["open", "socket", "thread"].map { run.results("control")[$0] } == [0, 0, 0])
    #expect(run.end() == 0)
  }

  @Test func `what belongs to the control thread a worker may not, and what belongs to nobody none`() throws {
    let run = ConfinedRun("refuse", "foreign")
    _ = try #require(run.wait(for: "threads"))
    guard Self.isConfined(run) else { return }
    for thread in ["worker", "control", "late"] {
      let results = run.results(thread)
      for what in ["open", "socket", "thread"] {
        #expect(results[what] == (thread == "control" ? 0 : EPERM), "\(thread)")
      }
      for what in ["spawn", "exec", "code", "signal", "type", "priority"] {
        #expect(results[what] == EPERM, "\(thread) \(what)")
      }
    }
  }

  @Test func `without a list, calls are free`() throws {
    let run = ConfinedRun("allow", "foreign")
    let threads = try #require(run.wait(for: "threads"))
    #expect(run.status(threads[0], "Seccomp") == "0")
    for what in ["open", "socket", "thread", "spawn", "exec", "code"] { #expect(run.results("worker")[what] == 0) }
  }

  @Test func `where it ends, a foreign call ends the process`() throws {
    let run = ConfinedRun("end", "foreign")
    // A sanitized one goes on.
    guard run.wait(for: "threads") == nil else { return #expect(!Self.isConfined(run)) }
    #expect(run.results("worker")["text"] == 0 && run.results("worker")["open"] == nil)
    #expect(run.end() == -SIGSYS)
  }
}
