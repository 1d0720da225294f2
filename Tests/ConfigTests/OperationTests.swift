import Config
import Testing

@Suite struct OperationTests {
  private func metrics(_ address: String) -> String? {
    let text = "operation: {metrics: '\(address)'}\n"
    return (try? Configuration(YAMLDocument(text, file: "f")))?.operation.metrics
  }

  @Test func `metrics have a numeric address and a port, IPv6 in brackets`() {
    for address in ["127.0.0.1:9471", "0.0.0.0:1", "[::1]:65535", "[2001:db8::1]:9471"] {
      #expect(metrics(address) == address)
    }
    for address in [
      "", "9471", ":9471", "::1:9471", "[127.0.0.1]:9471", "[::1]", "127.0.0.1:0", "127.0.0.1:09471", "127.0.0.1:+1",
      "127.0.0.1:65536", "localhost:9471", "[[::1]]:1", "127.0.0.1",
    ] { #expect(metrics(address) == nil, "\(address)") }
  }
}
