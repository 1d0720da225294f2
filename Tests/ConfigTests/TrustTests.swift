import Config
import Foundation
import Testing

/// Whose configuration it is: signatures beside files.
@Suite struct TrustTests {
  private let folder = NSTemporaryDirectory() + "hauberk-trust-\(UUID().uuidString.prefix(8))"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

  // RFC 8032 section 7.1, tests 1 and 2.
  private static let seeds = [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
  ]
  private static let keys = [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
  ]

  private static func octets(_ hex: String) -> [UInt8] {
    stride(from: 0, to: hex.count, by: 2).map { place in
      let start = hex.index(hex.startIndex, offsetBy: place)
      return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16) ?? 0
    }
  }

  private static func pem(_ kind: String, _ hex: String) -> String {
    "-----BEGIN \(kind) KEY-----\n\(Data(octets(hex)).base64EncodedString())\n-----END \(kind) KEY-----\n"
  }

  private func secret(_ number: Int) -> [UInt8] {
    Array(Self.pem("PRIVATE", "302e020100300506032b657004220420" + Self.seeds[number]).utf8)
  }

  private func known(_ number: Int) -> String {
    Self.pem("PUBLIC", "302a300506032b6570032100" + Self.keys[number])
  }

  private func write(_ name: String, _ octets: [UInt8]) -> String {
    let path = folder + "/" + name
    _ = FileManager.default.createFile(atPath: path, contents: Data(octets))
    return path
  }

  private func trust(_ text: String) throws -> Trust { try Trust(write("trust.pem", Array(text.utf8))) }

  private let text = Array("cluster:\n  addresses: [203.0.113.1]\n".utf8)

  /// What is said when it is refused; nil where it is taken.
  private func refusal(_ path: String, _ trust: Trust?) -> String? {
    do {
      _ = try Configuration.load(path, trust)
      return nil
    } catch {
      if case .untrusted(let failure) = error { return failure.description }
      return "another: \(error)"
    }
  }

  @Test func `signatures are those of RFC 8032`() {
    let wanted = [
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ]
    #expect(Signing.signature(of: [], key: secret(0)) == Self.octets(wanted[0]))
    #expect(Signing.signature(of: [0x72], key: secret(1)) == Self.octets(wanted[1]))
    #expect(Signing.signature(of: [], key: Array(known(0).utf8)) == nil && Signing.signature(of: [], key: []) == nil)
  }

  @Test(arguments: [0, 1]) func `what one of the trusted keys has signed is taken, with whose it is`(_ signer: Int)
    throws
  {
    let trust = try trust("# ours\n" + known(0) + "\n" + known(1))
    let path = write("a.yaml", text)
    _ = write("a.yaml.sig", try #require(Signing.signature(of: text, key: secret(signer))))
    let configuration = try Configuration.load(path, trust)
    // The beginning of the key's SHA-256.
    #expect(configuration.signer == ["21fe31dfa154a261", "39f713d0a644253f"][signer])
    #expect(configuration.classify.clusterAddresses.count == 1)
    #expect(try Configuration.load(path).signer == nil)
  }

  @Test func `what is not signed, changed, or another's is refused, and not even read`() throws {
    let trust = try trust(known(0))
    let path = write("b.yaml", Array("nonsense: [".utf8))
    #expect(refusal(path, trust)?.contains("is not signed") == true)
    #expect(refusal(path, nil)?.hasPrefix("another: ") == true)
    let octets = Array("nonsense: [".utf8)
    _ = write("b.yaml.sig", try #require(Signing.signature(of: octets, key: secret(1))))
    #expect(refusal(path, trust)?.contains("by somebody else's key") == true)
    let good = try #require(Signing.signature(of: octets, key: secret(0)))
    _ = write("b.yaml.sig", Array(good.dropLast()))
    #expect(refusal(path, trust)?.contains("63 octets") == true)
    for bit in [0, 255, 511] {
      var wrong = good
      wrong[bit / 8] ^= 1 << UInt8(bit % 8)
      _ = write("b.yaml.sig", wrong)
      #expect(refusal(path, trust)?.contains("is no signature of") == true)
    }
    _ = write("b.yaml.sig", good)
    _ = write("b.yaml", Array("nonsense: ] ".utf8))
    #expect(refusal(path, trust)?.contains("was changed") == true)
    // Rightly signed, and wrong all the same.
    _ = write("b.yaml", octets)
    #expect(refusal(path, trust)?.hasPrefix("another: ") == true)
  }

  @Test func `trust in nothing is no trust`() {
    let cut = String(known(0).dropLast(40))
    let rsa = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK==\n-----END PUBLIC KEY-----\n"
    for text in ["", "nothing", cut, rsa, known(0) + rsa, String(decoding: secret(0), as: UTF8.self)] {
      #expect(throws: TrustFailure.self, "\(text)") { try trust(text) }
    }
    #expect(throws: TrustFailure.self) { try Trust(folder + "/absent.pem") }
    #expect(throws: TrustFailure.self) { try Trust.found(folder) }
  }
}
