/// Why no nonces are given out: one sentence that ends in what can be done about it.
public struct NonceRefusal: Error, Equatable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    /// The space of sender ids does not divide like that.
    case division
    /// There is no such directory, or it cannot be used.
    case directory
    /// Another process has the directory.
    case inUse
    /// A key that was used before has no state.
    case missing
    /// The state is older than the key, or than its use.
    case older
    /// A key that is said to be new was used before.
    case notNew
    /// The state is damaged, of another version, or of another key.
    case damaged
    /// The division of the sender ids is another one than before.
    case divided
    /// Every counter of every id has been used.
    case exhausted
    /// All ids of this worker are leased.
    case leased
    /// The lease has been given back.
    case ended
    /// The disk does not take the mark. Nothing was handed out; it may be asked again.
    case disk
    /// The disk failed in a way that leaves open what is on it.
    case uncertain
  }

  public let reason: Reason
  public let description: String

  public init(_ reason: Reason, _ description: String) {
    self.reason = reason
    self.description = description
  }
}
