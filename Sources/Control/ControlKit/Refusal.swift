/// Why a message was not believed, in the order in which a gate asks. Each is counted.
public enum Refusal: UInt8, CaseIterable, Error, Sendable {
  case length
  case version
  case cluster
  /// For another unit, or our own come back.
  case notForUs
  case unknownSender
  case replay
  case rate
  case signature
  /// Signed well, and no message of this module's all the same.
  case content

  public var name: String { "\(self)" }

  /// What it means, for a person.
  public var meaning: String {
    switch self {
    case .length: "longer or shorter than a message, or than it says"
    case .version: "of another version of the protocol"
    case .cluster: "of another cluster"
    case .notForUs: "for another unit, or sent by ourselves"
    case .unknownSender: "from a unit that nobody has told us of"
    case .replay: "seen before, or of a life that is over"
    case .rate: "more from this unit than a unit may send, or in its name by somebody else"
    case .signature: "its signature is wrong"
    case .content: "signed well, and not understood"
    }
  }
}
