import Foundation
import PacketMaking

/// What another implementation sealed, of the collection beside the checkout; and its keys.
struct PeerCapture {
  let name: String

  static let absence = "skipped, because ../shared/captures/esp is not beside the checkout"
  static let isHere = FileManager.default.fileExists(atPath: CaptureCollectionTests.folder + "/esp")

  var path: String { Self.path(name) }

  private static func path(_ name: String) -> String { CaptureCollectionTests.folder + "/esp/" + name }

  /// One direction, as a `.sas.json` tells it.
  struct SA: Decodable {
    let spi, key, salt: String
    let src, dst: String?
    let esn: Bool?

    /// Key and salt, as a configuration wants them.
    var material: String { key + salt }
  }

  static func associations(_ name: String) throws -> [SA] {
    try JSONDecoder().decode([SA].self, from: Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// The lines of a file of keys that is not JSON.
  static func lines(_ name: String) throws -> [String] {
    try String(contentsOfFile: path(name), encoding: .utf8).split(whereSeparator: \.isNewline).map(String.init)
  }
}

extension PeerCapture.SA {
  init(spi: String, key: String) {
    self.init(spi: spi, key: key, salt: "", src: nil, dst: nil, esn: nil)
  }
}

/// The end of somebody else's tunnel: a configuration with his keys.
struct PeerGateway {
  var address: String
  var peer: String
  var inbound: (spi: String, key: String)
  /// Nothing is sealed here: any will do where the peer's are not known.
  var outbound: (spi: String, key: String)
  var local: String
  var remote: String
  var cipher = "aes-128-gcm"
  var more: [String] = []

  init(address: String, peer: String, inbound: PeerCapture.SA, outbound: PeerCapture.SA?, local: String, remote: String)
  {
    self.address = address
    self.peer = peer
    self.inbound = (inbound.spi, inbound.material)
    self.outbound = outbound.map { ($0.spi, $0.material) } ?? ("0xffff", String(repeating: "5a", count: 20))
    self.local = local
    self.remote = remote
    if inbound.esn == true { more.append("esn: true") }
  }

  /// The configuration, with a state directory of its own.
  func write(to folder: Folder) -> String {
    let state = folder.path("state-\(UUID().uuidString)")
    try! FileManager.default.createDirectory(
      atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let text = """
      unit: {number: 0, stateDirectory: \(state)}
      cluster: {addresses: [\(address)]}
      tunnels:
        - name: peer
          address: \(address)
          peer: \(peer)
          inboundSPI: \(inbound.spi)
          outboundSPI: \(outbound.spi)
          cipher: \(cipher)
          inboundKey: \(inbound.key)
          outboundKey: \(outbound.key)
          keysBorn: 2026-11-21
          local: [\(local)]
          remote: [\(remote)]
      \(more.map { "    \($0)\n" }.joined())
      """
    return folder.write("gateway-\(UUID().uuidString).yaml", Array(text.utf8))
  }

  /// What comes of a capture that is sent to this gateway.
  func open(_ capture: PeerCapture, workers: String, loops: Int = 1) throws -> Opened {
    let folder = Folder()
    let configuration = write(to: folder), out = folder.path("clear.pcap")
    let begun = Program.run("keys", configuration, "--begin")
    guard begun.code == 0 else { throw Refusal(sentence: begun.error) }
    let run = Program.run(
      "replay", capture.path, "--config", configuration, "--workers", workers, "--loop", "\(loops)", "--json", "--out",
      out)
    guard run.code == 0, let drops = run.drops, let consumed = run.count("packets", "consumed"),
      let unfinished = run.json?["unfinishedFragments"] as? Int,
      let all = run.json?["securityAssociations"] as? [[String: Any]],
      let inbound = all.first(where: { $0["direction"] as? String == "in" })
    else { throw Refusal(sentence: run.error) }
    let file = folder.read("clear.pcap")
    return Opened(
      packets: try packets(file), drops: drops, consumed: consumed, unfinished: unfinished,
      sequence: inbound["sequence"] as? Int ?? -1,
      counted: inbound["packets"] as? Int ?? -1, window: inbound["drops"] as? [String: Int] ?? [:])
  }

  private func packets(_ file: [UInt8]) throws -> [InnerPacket] {
    guard let records = pcapRecords(file) else { throw Refusal(sentence: "no capture came out") }
    // Ethernet, raw IP, Linux cooked.
    guard let head = [1: 14, 101: 0, 113: 16][Int(file[20])] else { throw Refusal(sentence: "link type \(file[20])") }
    return records.map { InnerPacket(octets: Array($0.octets.dropFirst(head))) }
  }

  struct Opened {
    var packets: [InnerPacket]
    var drops: [String: Int]
    var consumed: Int
    var unfinished: Int
    /// Of the inbound SA.
    var sequence: Int
    var counted: Int
    var window: [String: Int]

    var isSound: Bool { packets.allSatisfy { $0.isSound } }
    func count(_ kind: String) -> Int { packets.count { $0.kind == kind } }
  }

  struct Refusal: Error, CustomStringConvertible {
    var sentence: String
    var description: String { sentence }
  }
}

/// What was inside. Its checksums were made by whoever sent it, long before ESP: they know nothing of our keys.
struct InnerPacket: Equatable {
  var octets: [UInt8]

  var source: String { octets[12..<16].map(String.init).joined(separator: ".") }
  var destination: String { octets[16..<20].map(String.init).joined(separator: ".") }

  var kind: String {
    switch (octets[9], octets[20]) {
    case (1, 8): "echo request"
    case (1, 0): "echo reply"
    case (17, _): "UDP"
    default: "protocol \(octets[9])"
    }
  }

  /// Header and contents (RFC 791, RFC 792, RFC 768).
  var isSound: Bool {
    guard octets.count >= 28, octets[0] == 0x45, Int(octets[2]) << 8 | Int(octets[3]) == octets.count else {
      return false
    }
    let contents = Array(octets[20...])
    let pseudo = Array(octets[12..<20]) + [0, octets[9]] + big(UInt16(contents.count))
    return checksum(Array(octets[..<20])) == 0 && checksum((octets[9] == 1 ? [] : pseudo) + contents) == 0
  }
}
