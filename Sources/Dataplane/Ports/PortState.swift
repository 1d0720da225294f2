/// What control can see of the device behind a live port.
package enum PortState: String, CaseIterable, Sendable {
  /// The device is there and its link carries frames.
  case up
  /// The device is there, switched off or without a link; the port goes on by itself when it returns.
  case down
  /// The device is no longer there; one of the same name would be another.
  case gone
}

/// Why a live port cannot be had, as a sentence for the operator.
package struct PortError: Error, CustomStringConvertible, Sendable {
  package let description: String

  package init(_ description: String) { self.description = description }
}
