import Contract
import Wire

/// For a fuzzer: any bytes as a whole configuration. What is accepted keeps the promises that the packet path builds on.
package func fuzzConfiguration(_ bytes: UnsafeRawBufferPointer) {
  do {
    let classify = try Configuration(YAMLDocument(unsafe Array(bytes), file: "fuzz")).classify
    for tunnel in classify.tunnels { if let security = tunnel.security { check(security.esp, security.inboundKey) } }
    for group in classify.groups {
      guard let security = group.security else { continue }
      check(security.esp, security.key)
      precondition(security.esp.suite.isCounterMode && !security.esp.isExtended)
      precondition(security.sites.allSatisfy { $0.gateway.isIPv6 == security.address.isIPv6 })
    }
    precondition(
      classify.policies.allSatisfy { $0.source.address.isIPv6 == $0.destination.address.isIPv6 })
  } catch {
    precondition(!error.errors.isEmpty && error.errors.allSatisfy { $0.line >= 1 && !$0.message.isEmpty })
  }
}

private func check(_ esp: ESPDescription, _ key: KeyDescription) {
  precondition(key.material.count == esp.suite.materialBytes)
  precondition(ESPDescription.windows.contains(esp.window) && esp.window & (esp.window - 1) == 0)
  precondition([esp.packets, esp.bytes, esp.seconds].allSatisfy { $0.map { $0.soft < $0.hard } ?? true })
}
