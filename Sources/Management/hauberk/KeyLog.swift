import CLI
import Contract
import Glibc
import Wire

/// What a protocol analyser needs to read a replay's output: one line for each SA, in the form of Wireshark's table of
/// ESP SAs. It holds keys in clear, so only its owner may read it.
enum KeyLog {
  static func write(_ classify: ClassifyDescription, to path: String) throws(CommandFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0, let file = fdopen(descriptor, "w") else {
      throw CommandFailure(.output, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    fchmod(descriptor, 0o600)
    let text = lines(classify).map { $0 + "\n" }.joined()
    let written = fputs(text, file)
    guard fclose(file) == 0, written >= 0 else {
      throw CommandFailure(.output, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  static func lines(_ classify: ClassifyDescription) -> [String] {
    var lines: [String] = []
    for tunnel in classify.tunnels {
      guard let security = tunnel.security else { continue }
      lines.append(line(security.esp, tunnel.inboundSPI, security.inboundKey, isIPv6: tunnel.peer.isIPv6))
      lines.append(line(security.esp, tunnel.outboundSPI, security.outboundKey, isIPv6: tunnel.peer.isIPv6))
    }
    for group in classify.groups {
      guard let security = group.security else { continue }
      lines.append(line(security.esp, group.spi, security.key, isIPv6: security.address.isIPv6))
    }
    return lines
  }

  private static func line(_ esp: ESPDescription, _ spi: UInt32, _ key: KeyDescription, isIPv6: Bool) -> String {
    let suite = esp.suite
    let hex = key.material.withOctets { octets in
      octets.map { octet in (octet < 16 ? "0" : "") + String(octet, radix: 16) }
    }
    let cipherKey = hex.prefix(suite.keyBits / 8 + suite.saltBytes).joined()
    let integrityKey = hex.suffix(suite.integrity.keyBytes).joined()
    let fields = [
      isIPv6 ? "IPv6" : "IPv4", "*", "*", "0x" + String(spi, radix: 16), cipherName(suite),
      cipherKey.isEmpty ? "" : "0x" + cipherKey, integrityName(suite), integrityKey.isEmpty ? "" : "0x" + integrityKey,
    ]
    return fields.map { "\"\($0)\"" }.joined(separator: ",")
  }

  private static func cipherName(_ suite: CipherSuite) -> String {
    switch suite.cipher {
    case .aesGCM: "AES-GCM with \(suite.tagBytes) octet ICV [RFC4106]"
    case .chacha20Poly1305: "ChaCha20 with Poly1305 [RFC7634]"
    case .aesCBC: "AES-CBC [RFC3602]"
    case .aesCTR: "AES-CTR [RFC3686]"
    case .aesGMAC, .null: "NULL"
    }
  }

  private static func integrityName(_ suite: CipherSuite) -> String {
    switch suite.integrity {
    case .none: suite.cipher == .aesGMAC ? "ANY 128 bit authentication [no checking]" : "NULL"
    case .hmacSHA1: "HMAC-SHA-1-96 [RFC2404]"
    case .hmacSHA256: "HMAC-SHA-256-128 [RFC4868]"
    case .hmacSHA384: "HMAC-SHA-384-192 [RFC4868]"
    case .hmacSHA512: "HMAC-SHA-512-256 [RFC4868]"
    }
  }
}
