/// Why somebody is not believed to be who he says, or cannot say who he is: one sentence, with what mends it.
public struct IdentityRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Kind: String, CaseIterable, Sendable {
    /// A file that is not there, or cannot be read.
    case file
    /// A private key that others may read, or that is not the certificate's.
    case key
    /// No certificate, or none of ours.
    case form
    case stranger
    case forged
    case role
    case cluster
    case early
    case expired
    case revoked
    /// A certificate before the one that is known.
    case older
    /// Another unit's than who shows it.
    case number
  }

  public let kind: Kind
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
