internal import Glibc

/// Why a gateway cannot be a member of its cluster, in one sentence.
package struct MembershipRefusal: Error, CustomStringConvertible {
  package let description: String
  /// It may be otherwise soon, without anybody's doing: a full disk, a clock that has not been set yet.
  package let isPassing: Bool

  package init(_ description: String, isPassing: Bool = false) {
    self.description = description
    self.isPassing = isPassing
  }
}

func words(for code: Int32) -> String { unsafe String(cString: strerror(code)) }
