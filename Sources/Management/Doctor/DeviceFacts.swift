/// One network device.
package struct DeviceFacts: Sendable {
  package var name: String
  /// Named by whoever asks: it is a port. Else it is just there, and may serve something else.
  package var isChosen = false
  package var isThere = false
  package var isUp = false
  package var hasCarrier = false
  package var mtu = 1500
  package var driver = ""
  /// The memory that it is close to; nil where that makes no difference.
  package var node: Int?
  package var rings: Sizes?
  package var queues: Sizes?
  /// What it does with packets by itself, as ethtool names it.
  package var features: [String: Feature] = [:]
  /// The other end of a veth.
  package var peer: Peer?
  package var xdp: XDPFeatures?

  /// Whether the kernel forwards what comes in here.
  package var forwardsIPv4 = false
  package var forwardsIPv6 = false
  /// 0 none, 1 strict, 2 loose: whether the kernel drops what it would not answer by the same way.
  package var reversePathFilter = 0
  /// Whether the kernel speaks IPv6 here by itself.
  package var hasIPv6 = false
  /// The kernel's own.
  package var addresses: [String] = []

  package init(_ name: String) { self.name = name }

  package struct Sizes: Sendable {
    package var now: Int
    package var most: Int

    package init(now: Int, most: Int) {
      self.now = now
      self.most = most
    }
  }

  package struct Feature: Sendable {
    package var isOn: Bool
    package var isFixed: Bool

    package init(isOn: Bool, isFixed: Bool = false) {
      self.isOn = isOn
      self.isFixed = isFixed
    }
  }

  package struct Peer: Sendable {
    /// Nil where it is in another namespace.
    package var name: String?
    package var features: [String: Feature] = [:]

    package init(name: String?) { self.name = name }
  }

  package struct XDPFeatures: Sendable {
    package var isNative: Bool
    package var hasZeroCopy: Bool
    package var takesLong: Bool

    package init(isNative: Bool, hasZeroCopy: Bool, takesLong: Bool) {
      self.isNative = isNative
      self.hasZeroCopy = hasZeroCopy
      self.takesLong = takesLong
    }

    init(bits: UInt64) {
      self.init(isNative: bits & 3 == 3, hasZeroCopy: bits & 8 != 0, takesLong: bits & 32 != 0)
    }
  }

  func isOn(_ feature: String) -> Bool { features[feature]?.isOn ?? false }
}
