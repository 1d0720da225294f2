internal import Glibc

/// The system would not do it.
public struct SystemRefusal: Error, CustomStringConvertible {
  public let code: Int32
  public let description: String

  init(_ what: String, _ code: Int32) {
    self.code = code
    description = "cannot \(what): \(unsafe String(cString: strerror(code)))"
  }

  /// Nothing where the code is that of success.
  static func check(_ what: String, _ code: Int32) throws(SystemRefusal) {
    guard code == 0 else { throw SystemRefusal(what, code) }
  }
}
