internal import Glibc

/// How many cases a test looks at where they differ in nothing but a number: all of them with `swift test`, and a part
/// under a sanitizer, which makes all of it slow. `tools/test` runs the latter alone.
package enum Effort {
  package static let isReduced = getenv("HAUBERK_BRIEF_TESTS") != nil

  /// The step through such cases: 1, or under a sanitizer `reduced`.
  package static func step(_ reduced: Int) -> Int { isReduced ? reduced : 1 }
}
