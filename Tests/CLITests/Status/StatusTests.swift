@testable import CLI
import Foundation
import Testing
import Wire

@Suite struct StatusTests {
  /// There and back, as between the gateway and a client.
  private func sent<Value: JSONCoded>(_ value: Value) throws -> Value {
    try Value(json: JSONReader.read(Array(value.json.line.utf8)))
  }

  @Test func `whatever is sent arrives`() throws {
    let status = StatusFixture.status
    #expect(try sent(status).json.text == status.json.text)
    // Every member of every type, so none may have its first value.
    for value in [status.json, status.ports[0].json, status.workers[0].json, StatusFixture.associations[1].json] {
      guard case .object(let members) = value else {
        Issue.record("no object")
        continue
      }
      for (name, member) in members where name != "number" {
        #expect(!["null", "\"\"", "0", "[]", "{}", "0.0"].contains(member.line), "\(name)")
      }
    }
    let listing = Listing(total: 7, from: 5, rows: StatusFixture.associations)
    #expect(try sent(listing).json.text == listing.json.text)
    let routes = Listing(
      total: 2, from: 0,
      rows: [
        RouteStatus("10.0.0.0/8", via: "10.1.1.1", interface: "inside", origin: "static"),
        RouteStatus("2001:db8::/32", via: nil, interface: nil, origin: "static"),
      ])
    #expect(try sent(routes).json.text == routes.json.text)
    let trace = TraceAnswer(stories: [StatusFixture.story], left: 3, untold: 4)
    #expect(try sent(trace).json.text == trace.json.text)
    let done = Done("done", details: ["this", "that"])
    #expect(try sent(done).json.text == done.json.text)
  }

  @Test func `another version is met with patience, and nonsense by name`() throws {
    let newer = try GatewayStatus(json: JSONReader.read(Array(#"{"state":"running","colour":"red"}"#.utf8)))
    #expect(newer.state == .running && newer.ports.isEmpty)
    for (text, words) in [
      (#"{"state":"flying"}"#, "state: 'flying' is not known here"),
      (#"{"ports":[{"received":{"packets":-1}}]}"#, "ports: received: packets: no whole number"),
      (#"{"process":1.5}"#, "process: no whole number"), ("[]", "no object"),
      (#"{"associations":"2"}"#, "associations: no whole number"),
    ] {
      let json = try JSONReader.read(Array(text.utf8))
      do {
        _ = try GatewayStatus(json: json)
        Issue.record("\(text) was taken")
      } catch { #expect(error.description.hasPrefix(words), "\(error)") }
    }
  }

  @Test func `requests arrive, and what is half of one is refused`() throws {
    var requests: [Request] = [
      .status, .reload(begins: false), .reload(begins: true), .drain, .stop, .trace(packets: 5, isFresh: false),
    ]
    var wish = TraceWish()
    (wish.from, wish.to) = (IPPrefix("10.1.0.0/16"), IPPrefix("2001:db8::1"))
    (wish.spi, wish.protocolNumber) = (.max, TraceWish.arp)
    requests.append(.trace(wish, packets: 1, isFresh: true))
    requests += Shown.allCases.map { .show($0, Page(from: 3, most: 7)) }
    for request in requests {
      #expect(try Request(json: JSONReader.read(Array(request.json.line.utf8))) == request)
    }
    #expect(
      try Request(json: JSONReader.read(Array(#"{"command":"show","what":"ports"}"#.utf8))) == .show(.ports, Page()))
    for (text, words) in [
      ("1", "a request is an object"), ("{}", "a request has a"), (#"{"command":1}"#, "a request has a"),
      (#"{"command":"fly"}"#, "there is no command 'fly'"), (#"{"command":"show"}"#, "'what' is missing"),
      (#"{"command":"show","what":"cats"}"#, "what: 'cats'"),
      (#"{"command":"show","what":"ports","most":0}"#, "most: a whole number from 1 to 1000"),
      (#"{"command":"show","what":"ports","most":1001}"#, "most: a whole number from 1 to 1000"),
      (#"{"command":"show","what":"ports","from":-1}"#, "from: no whole number"),
      (#"{"command":"trace","packets":1001}"#, "packets: a whole number from 0 to 1000"),
      (#"{"command":"trace","from":"10.1.0.0/33"}"#, "from: no prefix"),
      (#"{"command":"trace","spi":4294967296}"#, "no whole number"),
      (#"{"command":"trace","protocol":257}"#, "protocol: at most 256"),
      (#"{"command":"stop","now":true}"#, "'stop' takes no 'now'"),
    ] {
      let json = try JSONReader.read(Array(text.utf8))
      do {
        _ = try Request(json: json)
        Issue.record("\(text) was taken")
      } catch { #expect(error.description.hasPrefix(words), "\(error)") }
    }
  }

  @Test func `a refusal ends in its code, and never in success`() throws {
    func code(_ text: String) throws -> (ExitCode, String)? {
      guard case .refused(let code, let sentence) = try Response(json: JSONReader.read(Array(text.utf8))) else {
        return nil
      }
      return (code, sentence)
    }
    let refusal = try #require(try code(Response.refused(.configuration, "it is wrong").json.line))
    #expect(refusal == (.configuration, "it is wrong"))
    for odd in [#","code":0"#, #","code":99"#, #","code":4294967295"#, ""] {
      #expect(try code(#"{"ok":false,"error":"no"\#(odd)}"#)?.0 == .machine)
    }
    #expect(try code(#"{"ok":true,"result":null}"#) == nil)
    for text in ["{}", "[]", #"{"ok":true}"#, #"{"ok":false}"#, #"{"ok":1,"result":1}"#] {
      #expect(throws: JSONMismatch.self) { try Response(json: JSONReader.read(Array(text.utf8))) }
    }
  }

  @Test func `pages of a list`() {
    let all = (0..<10).map { RouteStatus("\($0)", via: nil, interface: nil, origin: "") }
    func names(_ page: Page) -> [String] { Listing(all, page).rows.map(\.network) }
    #expect(names(Page(from: 0, most: 3)) == ["0", "1", "2"] && names(Page(from: 8, most: 3)) == ["8", "9"])
    #expect(names(Page(from: 10, most: 3)).isEmpty && names(Page(from: .max, most: 3)).isEmpty)
    #expect(Listing(all, Page(from: .max)).from == 10 && Listing(all, Page()).total == 10)
  }
}
