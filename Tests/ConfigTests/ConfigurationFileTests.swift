import Config
import Contract
import Glibc
import Testing

@Suite("A configuration from a file")
struct ConfigurationFileTests {
  /// A file with these octets, which is gone when the body returns.
  private func withFile<Result>(_ octets: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    var name = Array("/tmp/hauberk-config-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&name)
    try #require(descriptor >= 0)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unsafe unlink(path) }
    let written = unsafe octets.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    try #require(written == octets.count)
    return try body(path)
  }

  private func hash(_ path: String) throws -> HashKind { try Configuration.load(path).classify.hash }

  private func failure(_ path: String) -> String? {
    do {
      _ = try Configuration.load(path)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("What the file says is what is used")
  func load() throws {
    try withFile(Array("cluster: {hash: compat}\n".utf8)) { path in
      let found = try hash(path)
      #expect(found == .compat)
    }
  }

  @Test("A file of more than one buffer is read to its end")
  func long() throws {
    let remarks = [UInt8](repeating: UInt8(ascii: "#"), count: 200_000)
    try withFile(remarks + Array("\ncluster: {hash: compat}\n".utf8)) { path in
      let found = try hash(path)
      #expect(found == .compat)
    }
  }

  @Test("An empty file is a configuration")
  func empty() throws {
    try withFile([]) { path in #expect(failure(path) == nil) }
  }

  @Test("An error names the file, the line and the column")
  func wrong() throws {
    try withFile(Array("cluster:\n  hash: fast\n".utf8)) { path in
      #expect(failure(path) == "\(path):2:9: cluster.hash: found 'fast', expected keyed or compat")
    }
  }

  @Test("A file that cannot be read is an error with a reason")
  func unreadable() {
    #expect(
      failure("/nowhere/hauberk.yaml")
        == "cannot read the configuration /nowhere/hauberk.yaml: No such file or directory")
    #expect(failure("/tmp") == "cannot read the configuration /tmp: Is a directory")
  }

  @Test("A file that never ends is refused at the limit")
  func endless() {
    let limit = YAMLLimits.maximumBytes
    #expect(failure("/dev/zero")?.hasSuffix("expected at most \(limit)") == true)
  }
}
