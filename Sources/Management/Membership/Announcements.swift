package import Contract
import ControlKit
package import Wire

/// One of the cluster's addresses, on a link, and the MAC address that goes with it.
package struct SharedAddress: Equatable, Sendable {
  package var side: Side
  /// Nil: the link without a tag.
  package var vlan: UInt16?
  package var address: IPAddress
  package var mac: MACAddress

  package init(_ address: IPAddress, side: Side, vlan: UInt16? = nil, mac: MACAddress) {
    self.side = side
    self.vlan = vlan
    self.address = address
    self.mac = mac
  }
}

/// A new master tells the segment where the cluster's addresses are (C9), and again soon: a frame may be lost.
struct Announcements {
  private var all: [SharedAddress] = []
  private var left: [Moment] = []

  private static let after: [Nanoseconds] = [0, 50 * .millisecond, 250 * .millisecond, .second, 3 * .second]

  mutating func begin(_ addresses: [SharedAddress], _ now: Moment) {
    all = addresses
    left = Self.after.map { now + $0 }
  }

  mutating func end() { left = [] }

  mutating func due(_ now: Moment) -> [SharedAddress] {
    guard let first = left.first, first <= now else { return [] }
    left.removeFirst()
    return all
  }

  var nextTimer: Moment? { left.first }
}
