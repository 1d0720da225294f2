internal import CConsole
internal import CKernel
internal import Glibc

/// A thread beside the gateway's own: it takes no signals, and has no rights.
enum ServiceThread {
  enum Calls {
    /// Descriptors that are open.
    case few
    /// Sockets and threads besides.
    case sockets
  }

  /// 0, or an errno.
  static func start(_ name: String, _ calls: Calls, _ body: @escaping @Sendable () -> Void) -> Int32 {
    let context = unsafe Unmanaged.passRetained(Body(calls, body))
    let code = unsafe hauberk_start_service(
      name,
      { context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
      }, context.toOpaque())
    if code != 0 { unsafe context.release() }
    return code
  }

  private final class Body: Sendable {
    private let calls: Calls
    private let body: @Sendable () -> Void

    init(_ calls: Calls, _ body: @escaping @Sendable () -> Void) {
      self.calls = calls
      self.body = body
    }

    func run() {
      // What cannot be given up was not there: the thread that starts us may have little itself.
      _ = hauberk_keep_capabilities(0)
      let list = calls == .few ? HAUBERK_CALLS_OF_WORKER : HAUBERK_CALLS_OF_CONTROL
      _ = hauberk_confine_calls(Int32(list), false)
      body()
    }
  }
}
