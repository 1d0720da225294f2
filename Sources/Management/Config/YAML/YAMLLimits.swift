/// What one file may hold. More is an error that names the limit.
package enum YAMLLimits {
  package static let maximumBytes = 64 << 20
  /// Mappings and lists within each other, the outermost included.
  package static let maximumDepth = 32
  /// Scalars, names, lists and mappings together.
  package static let maximumNodes = 1 << 22
  package static let maximumNameBytes = 128
  /// Of what is no free text: an integer, a truth value.
  package static let maximumWordBytes = 64
  /// Of one text, unless its format says otherwise.
  package static let maximumTextBytes = 4096
  /// Of one list, unless its format says otherwise.
  package static let maximumItems = 65536
  /// Errors that are kept and shown. The others are counted.
  package static let maximumErrors = 20
}
