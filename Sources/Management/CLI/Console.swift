@unsafe @preconcurrency import Glibc

/// The two streams of a command. Results go to standard output, words about them to standard error.
package enum Console {
  /// Prints to standard output, and says so when it cannot be written: a full disk is not a success.
  package static func output(_ text: String) throws(CommandFailure) {
    guard unsafe fputs(text, stdout) >= 0 else { throw failure() }
  }

  package static func flush() throws(CommandFailure) {
    guard unsafe fflush(stdout) == 0 else { throw failure() }
  }

  private static func failure() -> CommandFailure {
    // Whoever reads may stop reading: `hauberk classify | head` is no mistake, and needs no sentence.
    if errno == EPIPE { return CommandFailure(.output, "") }
    return CommandFailure(.output, "cannot write standard output: \(unsafe String(cString: strerror(errno)))")
  }

  package static func note(_ text: String) {
    unsafe fputs(text + "\n", stderr)
  }

  /// Text without a line of its own: a progress bar.
  package static func overwrite(_ text: String) {
    unsafe fputs("\r\u{1b}[2K" + text, stderr)
  }

  package static var errorIsTerminal: Bool { isatty(2) == 1 }
  package static var outputIsTerminal: Bool { isatty(1) == 1 }

  package static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
