import Contract
import Memory
import Wire

/// A packet's life through ESP: whose it is, what was done, and under which number. The worker noted the last two.
struct ProtectionStory {
  private(set) var lines: [(stage: String, text: String)] = []

  /// Nil for a packet that was neither sealed nor opened.
  init?(
    _ header: FrameHeader, _ verdict: DropReason, _ frame: Bytes, _ associations: Associations, isRoundTrip: Bool
  ) {
    let action = SecureAction(bits: header.action)
    guard verdict == .none, header.storySequence > 0, action.kind == .seal || action.kind == .open,
      let sa = associations.words(for: action)
    else { return nil }
    let spi = "SPI 0x\(String(sa.spi, radix: 16))"
    if action.kind == .seal {
      lines.append(("look up", "\(sa.kind) '\(sa.name)' takes it: \(spi) to \(sa.to)"))
      lines.append(("seal", "\(sa.suite), sequence number \(header.storySequence)"))
    } else {
      lines.append(("look up", "\(spi) is \(sa.kind) '\(sa.name)'"))
      lines.append(
        ("open", "\(sa.suite), sequence number \(header.storySequence): fresh, authentic, and its traffic"))
    }
    if isRoundTrip {
      lines.append(("open", "at the other end: authentic, and the same as it was, octet for octet"))
    }
  }
}

extension Associations {
  /// An SA in words.
  package struct Words {
    package var name: String
    package var kind: String
    package var spi: UInt32
    package var suite: String
    package var to: String
  }

  func words(for action: SecureAction) -> Words? {
    let list = action.kind == .seal ? plan.tunnels : plan.inboundTunnels
    if let number = list.firstIndex(of: action.index) {
      let tunnel = description.tunnels[number]
      guard let security = tunnel.security else { return nil }
      return Words(
        name: tunnel.name, kind: "tunnel", spi: action.kind == .seal ? tunnel.outboundSPI : tunnel.inboundSPI,
        suite: security.esp.suite.description, to: "\(tunnel.peer)")
    }
    let group =
      action.kind == .seal
      ? plan.sites.firstIndex { $0.contains(action.index) } : plan.inboundGroups.firstIndex(of: action.index)
    guard let number = group, let security = description.groups[number].security else { return nil }
    let site = plan.sites[number].firstIndex(of: action.index)
    return Words(
      name: description.groups[number].name, kind: "group", spi: description.groups[number].spi,
      suite: security.esp.suite.description, to: site.map { "\(security.sites[$0].gateway)" } ?? "its sites")
  }
}
