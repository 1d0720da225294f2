import Contract

/// What is to be done with a packet beyond passing it on: three bits of kind, one for the common way, and whose or why.
package struct SecureAction: BitwiseCopyable, Equatable, Sendable {
  package enum Kind: UInt32, Sendable {
    /// No policy has been asked.
    case none = 0
    case bypass, seal, open, reassemble, refuse
    /// For the gateway itself.
    case local
  }

  let bits: UInt32

  @inline(__always) init(bits: UInt32) { self.bits = bits }
  @inline(__always) private init(_ kind: Kind, _ index: Int) {
    bits = kind.rawValue << 29 | UInt32(truncatingIfNeeded: index)
  }

  @inline(__always) static var none: SecureAction { SecureAction(bits: 0) }
  @inline(__always) static var bypass: SecureAction { SecureAction(.bypass, 0) }
  /// A fragment of what is for us: its SPI is known once it is whole.
  @inline(__always) static var reassemble: SecureAction { SecureAction(.reassemble, 0) }
  @inline(__always) static var local: SecureAction { SecureAction(.local, 0) }
  @inline(__always) static func seal(_ index: Int) -> SecureAction { SecureAction(.seal, index) }
  @inline(__always) static func open(_ index: Int) -> SecureAction { SecureAction(.open, index) }
  @inline(__always) static func refuse(_ reason: DropReason) -> SecureAction {
    SecureAction(.refuse, Int(reason.rawValue))
  }

  @inline(__always) package var kindBits: UInt32 { bits >> 29 }
  @inline(__always) var index: Int { Int(truncatingIfNeeded: bits & 0x0fff_ffff) }
  /// The SA is of the common kind, and so is the packet, as far as its headers say.
  @inline(__always) var isPlain: Bool { bits & Self.plainBit != 0 }
  @inline(__always) var plain: SecureAction { SecureAction(bits: bits | Self.plainBit) }
  @inline(__always) var general: SecureAction { SecureAction(bits: bits & ~Self.plainBit) }
  @inline(__always) private static var plainBit: UInt32 { 1 << 28 }
  /// Of a refusal: a DropReason's number.
  @inline(__always) var reasonBits: UInt8 { UInt8(truncatingIfNeeded: bits) }
  package var kind: Kind { Kind(rawValue: kindBits) ?? .none }
}
