internal import Glibc

/// Why a gateway cannot be a member of its cluster, in one sentence.
package struct MembershipRefusal: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

func words(for code: Int32) -> String { unsafe String(cString: strerror(code)) }
