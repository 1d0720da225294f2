internal import CKernel
internal import Glibc

/// What a live gateway gives up once it has what it needs. Capabilities and system calls belong to threads, so each
/// thread gives up its own; a thread has what the one that started it had left.
///
///     process:  prepareProcess()               before keys are read
///     worker:   processor and priority, then confine(.worker)
///     control:  devices, sockets and workers, then confine(.control)
///
/// A replay needs no rights, and gives up none.
public enum Privileges {
  public enum Role: CaseIterable, Sendable {
    /// No capability; descriptors that are open, memory, clocks.
    case worker
    /// NET_ADMIN, NET_RAW and BPF; files, sockets, links, threads; no program and no process.
    case control

    public var capabilities: UInt64 { self == .worker ? 0 : hauberk_control_capabilities() }
    var calls: Int32 { Int32(self == .worker ? HAUBERK_CALLS_OF_WORKER : HAUBERK_CALLS_OF_CONTROL) }
  }

  /// What becomes of a system call that is not on the list. The kernel's log has both.
  public enum Verdict: String, CaseIterable, Sendable {
    /// It fails with EPERM, which whoever called will tell of.
    case refuse
    /// It ends the process: somebody else's code runs in it.
    case end
    /// No list.
    case allow
  }

  /// No core file, nobody looks in, a fault is the end, and as much locked memory as there is.
  public static func prepareProcess() throws(SystemRefusal) {
    hauberk_raise_locked_memory()
    hauberk_let_faults_end()
    try SystemRefusal.check("forbid core dumps", hauberk_forbid_dumps())
  }

  /// By which /proc/self/task knows the calling thread, and tells what it has left.
  public static var threadNumber: Int32 { hauberk_thread_number() }

  public static var isDumpable: Bool { hauberk_is_dumpable() }

  /// The calling thread keeps what the role needs, for good. False where its system calls are not confined: as was
  /// asked for, or because a sanitizer makes calls of its own.
  @discardableResult
  public static func confine(_ role: Role, others verdict: Verdict) throws(SystemRefusal) -> Bool {
    try SystemRefusal.check("give up capabilities", hauberk_keep_capabilities(role.capabilities))
    guard verdict != .allow else { return false }
    let code = hauberk_confine_calls(role.calls, verdict == .end)
    if code == ENOTSUP { return false }
    try SystemRefusal.check("confine system calls", code)
    return true
  }
}
