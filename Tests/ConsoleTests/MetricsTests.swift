@testable import CLI
@testable import Console
import Foundation
import Glibc
import Synchronization
import Testing

@Suite struct MetricsTests {
  private static var status: GatewayStatus {
    var status = GatewayStatus()
    status.state = .running
    status.uptimeSeconds = 12.5
    for (side, device) in [("inside", "eth1"), ("outside", "odd\\\"\n")] {
      var port = PortStatus()
      port.side = side
      port.device = device
      port.link = side == "inside" ? .up : .absent
      port.mtu = 1500
      port.received = TrafficStatus(packets: 10, bytes: 640, drops: [("ringFull", 3), ("tooLong", 0)])
      port.sent = TrafficStatus(packets: .max, bytes: 1)
      status.ports.append(port)
    }
    var worker = WorkerStatus()
    worker.packets = 20
    worker.idleShare = 0.75
    status.workers = [worker]
    status.drops = [DropStatus(reason: "replayed", meaning: "", packets: 7)]
    status.counters = [CounterStatus(name: "echoAnswered", meaning: "", value: 4)]
    return status
  }

  private static func association(_ spi: UInt32) -> AssociationStatus {
    var sa = AssociationStatus()
    sa.name = "berlin"
    sa.spi = spi
    sa.direction = "out"
    sa.peer = "203.0.113.2"
    sa.packets = 5
    sa.drops = NamedCounts([("sequenceExhausted", 1)])
    sa.left = LifetimeLeft(seconds: 60)
    return sa
  }

  @Test func `an SA whose numbers went with another member is to be seen`() {
    let labels = #"{name="berlin",spi="0x00001001",direction="out",peer="203.0.113.2"}"#
    func lost(_ change: (inout AssociationStatus) -> Void) -> String? {
      var sa = Self.association(0x1001)
      change(&sa)
      let lines = Metrics(Self.status, [sa]).text.split(separator: "\n")
      return lines.first { $0.hasPrefix("hauberk_association_lost_sets\(labels)") }.map { String($0.suffix(1)) }
    }
    #expect(lost { _ in } == "0" && lost { $0.state = .stateLost } == "1" && lost { $0.lostSets = 3 } == "3")
  }

  @Test func `values stand under their names, with labels`() {
    let lines = Metrics(Self.status, [Self.association(0x1001)]).text.split(separator: "\n")
    let sa = #"name="berlin",spi="0x00001001",direction="out",peer="203.0.113.2""#
    for line in [
      #"hauberk_port_received_packets_total{side="inside",device="eth1"} 10"#,
      #"hauberk_port_received_packets_total{side="outside",device="odd\\\"\n"} 10"#,
      #"hauberk_port_sent_packets_total{side="inside",device="eth1"} 18446744073709551615"#,
      #"hauberk_port_received_drops_total{side="inside",device="eth1",cause="ringFull"} 3"#,
      #"hauberk_port_up{side="inside",device="eth1"} 1"#, #"hauberk_port_up{side="outside",device="odd\\\"\n"} 0"#,
      #"hauberk_worker_idle_ratio{worker="0"} 0.75"#, #"hauberk_drops_total{reason="replayed"} 7"#,
      #"hauberk_state{state="running"} 1"#, #"hauberk_state{state="draining"} 0"#, "hauberk_uptime_seconds 12.5",
      "hauberk_association_packets_total{\(sa)} 5", "hauberk_association_lifetime_left_seconds{\(sa)} 60",
      "hauberk_association_drops_total{\(sa),reason=\"sequenceExhausted\"} 1",
      #"hauberk_events_total{event="echoAnswered"} 4"#,
    ] { #expect(lines.contains(Substring(line)), "\(line)") }
  }

  /// What is wrong with a text, by the rules of the format and of names.
  static func faults(_ text: String) -> [String] {
    var faults: [String] = []
    var family: String?
    var kind = ""
    var families: Set<String> = []
    var series: Set<Substring> = []
    if !text.hasSuffix("\n") { faults.append("no end") }
    let sample = #/^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,(?=[a-z]))?)+\})? ([0-9.e+-]+|NaN)$/#
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("# HELP ") {
        let words = line.split(separator: " ", maxSplits: 3)
        family = words.count == 4 ? String(words[2]) : nil
        if family.map({ families.insert($0).inserted }) != true { faults.append("twice, or without help: \(line)") }
      } else if line.hasPrefix("# TYPE ") {
        kind = String(line.split(separator: " ").last ?? "")
        if line != "# TYPE \(family ?? "") \(kind)" || !["counter", "gauge"].contains(kind) {
          faults.append("\(line)")
        }
        if (kind == "counter") != (family?.hasSuffix("_total") == true) { faults.append("_total: \(line)") }
        if family?.hasPrefix("hauberk_") != true { faults.append("prefix: \(line)") }
      } else if let match = line.wholeMatch(of: sample) {
        if String(match.1) != family { faults.append("not of this family: \(line)") }
        if !series.insert(line[..<line.lastIndex(of: " ")!]).inserted { faults.append("twice: \(line)") }
      } else {
        faults.append("no sample: \(line)")
      }
    }
    return faults
  }

  @Test func `the text is what Prometheus reads`() {
    let all = (1...3).map { Self.association($0) }
    #expect(Self.faults(Metrics(Self.status, all).text) == [])
    #expect(Self.faults(Metrics(GatewayStatus()).text) == [])
    // The rules notice what is wrong.
    #expect(Self.faults(Metrics(Self.status, [all[0], all[0]]).text).contains { $0.hasPrefix("twice") })
    for text in ["a 1", "# HELP hauberk_a x\n# TYPE hauberk_a counter\nhauberk_a 1\n", "# HELP a\n", "a{b=\"\"\"} 1\n"]
    {
      #expect(!Self.faults(text).isEmpty, "\(text)")
    }
  }

  @Test func `very many SAs do not make very many series`() {
    let text = Metrics(Self.status, (1...2000).map { Self.association($0) }).text
    #expect(text.components(separatedBy: "hauberk_association_packets_total{").count == 1001)
  }

  @Test func `numbers are written as Prometheus knows them`() {
    #expect(
      Exposition.number(.nan) == "NaN" && Exposition.number(.infinity) == "+Inf" && Exposition.number(0.5) == "0.5")
    #expect(Exposition.number(-.infinity) == "-Inf")
  }
}

@Suite struct MetricsServerTests {
  /// Sends octets to a port of loopback, and gives back all that comes until the end.
  private func ask(_ port: UInt16, _ request: String, waits: Bool = true) -> String {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { return "" }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    _ = UnixSocket.send(descriptor, Array(request.utf8)[...])
    var octets: [UInt8] = []
    while waits, let more = UnixSocket.receive(descriptor, atMost: 65_536), !more.isEmpty { octets += more }
    return String(decoding: octets, as: UTF8.self)
  }

  private func get(_ server: MetricsServer, _ line: String, _ body: String = "") -> (head: String, body: String) {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    let text = ask(server.port, "\(line) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(length)\r\n\(body)")
    let parts = text.components(separatedBy: "\r\n\r\n")
    return (parts[0], parts.dropFirst().joined(separator: "\r\n\r\n"))
  }

  @Test func `metrics come over HTTP, made anew each time`() throws {
    let count = Mutex<UInt64>(0)
    let server = try MetricsServer(.anyPort) {
      var status = GatewayStatus()
      status.reloads = count.withLock { count in
        count += 1
        return count
      }
      return Metrics(status).text
    }
    for round in 1...3 {
      let (head, body) = get(server, "GET /metrics")
      #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
      #expect(MetricsTests.faults(body) == [] && body.contains("\nhauberk_reloads_total \(round)\n"))
    }
    let head = get(server, "HEAD /metrics")
    #expect(head.head.hasPrefix("HTTP/1.1 200") && head.body.isEmpty)
  }

  @Test func `nothing else is there, and nothing can be sent`() throws {
    let count = Mutex<Int>(0)
    let server = try MetricsServer(.anyPort) {
      count.withLock { $0 += 1 }
      return "x 1\n"
    }
    #expect(get(server, "GET /").body.contains("/metrics"))
    for (line, code) in [("GET /metrics/..", 404), ("GET /etc/passwd", 404), ("POST /metrics", 405), ("PUT /x", 405)] {
      #expect(get(server, line, line.hasPrefix("GET") ? "" : "a body").head.hasPrefix("HTTP/1.1 \(code) "), "\(line)")
    }
    #expect(count.withLock { $0 } == 0)
    for nonsense in ["\r\n\r\n", "GET\r\n\r\n", String(repeating: "x", count: 100_000), "\u{0}\u{1}\u{2}\r\n\r\n"] {
      _ = ask(server.port, nonsense, waits: false)
    }
    #expect(get(server, "GET /metrics").body == "x 1\n")
  }

  /// The capabilities of this process's threads of that name.
  private func rights(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap { task in
      guard let status = try? String(contentsOfFile: "/proc/self/task/\(task)/status", encoding: .utf8),
        status.hasPrefix("Name:\t\(name)")
      else { return nil }
      return status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }.map { String($0.dropFirst(8)) }
    }
  }

  @Test func `threads beside the gateway's own have no rights`() throws {
    let server = try MetricsServer(.anyPort) { "" }
    let log = try #require(Log(format: .text, least: .error))
    let serving = try rights("metrics") + rights("MHD-")
    #expect(!serving.isEmpty && serving.allSatisfy { $0 == "0000000000000000" })
    for _ in 0..<500 {
      let writing = try rights("log")
      if !writing.isEmpty, writing.allSatisfy({ $0 == "0000000000000000" }) { break }
      usleep(10_000)
    }
    let writing = try rights("log")
    #expect(!writing.isEmpty && writing.allSatisfy { $0 == "0000000000000000" })
    #expect(log.finish())
    withExtendedLifetime(server) {}
  }

  @Test func `two cannot have one port, and one who goes gives it back`() throws {
    var first: MetricsServer? = try MetricsServer(.anyPort) { "" }
    let address = try #require(MetricsAddress("\(first!.port)"))
    let refusal = failure { () throws(CommandFailure) in _ = try MetricsServer(address) { "" } }
    #expect(refusal?.description.contains("cannot serve metrics at \(address): Address already in use") == true)
    first = nil
    _ = try MetricsServer(address) { "" }
  }

  @Test func `an address is numeric, and loopback unless said otherwise`() {
    for (text, shown) in [
      ("80", "127.0.0.1:80"), ("192.0.2.1:9471", "192.0.2.1:9471"), ("[2001:db8::1]:1", "[2001:db8::1]:1"),
      ("0.0.0.0:1", "0.0.0.0:1"),
    ] { #expect(MetricsAddress(text)?.description == shown) }
    for text in [
      "", "0", "65536", "x", ":1", "1.2.3:1", "::1:80", "[::1]", "[]:1", "host:80", "1.2.3.4:+1", "1.2.3.4:01",
    ] {
      #expect(MetricsAddress(text) == nil, "\(text)")
    }
    #expect(MetricsAddress("[::1]:1")?.isLoopback == true && MetricsAddress("192.0.2.1:1")?.isLoopback == false)
    #expect(MetricsAddress.standard.isLoopback)
  }
}
