package import Memory

/// Where packets come from. A port appends to a burst and keeps nothing of it.
package protocol ReceivePort {
  /// Adds packets, as many as there are and fit. False: there will never be more.
  mutating func receive(into burst: inout Burst) -> Bool
}

/// Where a finished burst goes: what has no verdict goes out, and every frame goes back where it belongs.
package protocol TransmitPort {
  mutating func transmit(_ burst: Burst)
}
