internal import CCrypto
public import ControlKit

extension Watchword {
  /// The one that was said so many before it. Where it cannot be found, it is nobody's.
  func before(_ times: Int) -> Watchword {
    var writer = OctetWriter()
    writer.put(high)
    writer.put(low)
    var octets = writer.octets
    guard unsafe hauberk_identity_watchword(&octets, UInt32(clamping: times)) else { return .none }
    var reader = OctetReader(octets)
    return Watchword(high: reader.take64() ?? 0, low: reader.take64() ?? 0)
  }
}

extension UnitKeys {
  public func hash(_ word: Watchword, times: Int) -> Watchword { word.before(times) }
}

extension UnitIdentity {
  public func hash(_ word: Watchword, times: Int) -> Watchword { word.before(times) }
}
