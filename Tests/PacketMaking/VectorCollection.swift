import Foundation

/// Test vectors of others, beside the repository where somebody has put them.
package enum VectorCollection {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/vectors").standardizedFileURL

  package static let absence = "skipped, because ../shared/vectors is not beside the checkout"

  package static func has(_ name: String) -> Bool {
    FileManager.default.isReadableFile(atPath: folder.appendingPathComponent(name).path)
  }

  package static func decode<Answers: Decodable>(_ answers: Answers.Type, from name: String) throws -> Answers {
    try JSONDecoder().decode(answers, from: Data(contentsOf: folder.appendingPathComponent(name)))
  }

  /// The lines of a text that may be compressed.
  package static func lines(_ name: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-dcf", folder.appendingPathComponent(name).path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let all = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: all, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
  }
}

/// A whole packet before and after ESP, from DPDK's tests. All octets are hexadecimal.
package struct ESPAnswer: Decodable, Sendable {
  package static let file = "dpdk_esp_kat.dev.json"

  package let name: String
  /// "AES_GCM", "AES_CBC+SHA256_HMAC" and so on; also such that Hauberk does not do.
  package let algorithm: String
  /// "ESP" or "AH".
  package let layer: String
  /// "tunnel" or "transport".
  package let mode: String
  package let key, integrityKey, salt, iv: String?
  package let spi, sequence: UInt32
  package let tagBytes: Int?
  /// From the IP header on.
  package let clear, sealed: String

  private enum CodingKeys: String, CodingKey {
    case name, key, salt, iv, spi, mode
    case algorithm = "algo"
    case layer = "proto"
    case integrityKey = "auth_key"
    case sequence = "seq"
    case tagBytes = "icv"
    case clear = "input_text"
    case sealed = "output_text"
  }
}
