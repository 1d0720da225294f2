@testable import CLI
@testable import Console
import Foundation
import Glibc
import Testing

@Suite struct ControlServerTests {
  private let folder = Folder()
  private var path: String { folder.path("control.sock") }

  private func server(_ limits: ControlLimits = ControlLimits()) throws -> ControlServer {
    try ControlServer(path: path, limits: limits) { request in
      switch request {
      case .status: Response(GatewayStatus())
      case .show(_, let page): Response(Done(String(repeating: "x", count: page.most * 1000)))
      case .stop: .refused(.configuration, "no")
      default: Response(Done("\(request)"))
      }
    }
  }

  @Test func `only the owner may open the socket, even where others might`() throws {
    let before = umask(0)
    var server: ControlServer? = try server()
    umask(before)
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode == S_IFSOCK | 0o600)
    #expect(server != nil)
    server = nil
    #expect(access(path, F_OK) != 0, "the file is gone with the server")
  }

  @Test func `a request a line, an answer a line, in order`() throws {
    let server = try server(), client = RawClient(path)
    client.send("{\"command\":\"reload\"}\n{\"command\":\"stop\"}\n{\"comm")
    let lines = client.answer(server).text.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first == #"{"ok":true,"result":{"sentence":"reload(begins: false)","details":[]}}"#)
    #expect(lines.last == #"{"ok":false,"error":"no","code":6}"#)
    client.send("and\":\"drain\"}\n")
    #expect(client.answer(server).text.contains("drain"))
    client.finish()
    #expect(client.answer(server).isOver && server.clientCount == 0)
  }

  @Test func `who asks and leaves at once was heard`() throws {
    let server = try server()
    do {
      let client = RawClient(path)
      client.send("{\"command\":\"status\"}\n")
    }
    for _ in 0..<5 { server.turn() }
    let other = RawClient(path)
    other.send("{\"command\":\"status\"}\n")
    other.finish()
    let answer = other.answer(server)
    #expect(answer.text.hasPrefix(#"{"ok":true,"result":{"state":"starting""#) && answer.isOver)
    #expect(server.clientCount == 0)
  }

  @Test func `nonsense is answered with a sentence, and the next line is heard`() throws {
    let server = try server(), client = RawClient(path)
    for (line, words) in [
      ("", "the request is no JSON"), ("hello", "the request is no JSON"),
      ("{\"command\":\"fly\"}", "there is no command"),
      ("[[[[[[1]]]]]]", "more than 4 levels"), ("{\"command\":\"status\"} x", "something behind"),
      (String(repeating: "x", count: 4096), "the request is no JSON"),
      (String(repeating: "x", count: 4097), "at most 4096 octets"),
    ] {
      client.send(line + "\n")
      let text = client.answer(server).text
      #expect(text.hasPrefix("{\"ok\":false") && text.contains(words) && text.contains("\"code\":2"), "\(text)")
    }
    client.send("{\"command\":\"status\"}\n")
    #expect(client.answer(server).text.hasPrefix("{\"ok\":true"))
    // A line without an end is the end.
    client.send(String(repeating: "x", count: 10_000))
    let last = client.answer(server)
    #expect(last.text.contains("at most 4096 octets") && last.isOver && server.clientCount == 0)
  }

  @Test func `one client too many is told so, and the others are served`() throws {
    var limits = ControlLimits()
    limits.clients = 3
    let server = try server(limits)
    let clients = (0..<3).map { _ in RawClient(path) }
    server.turn()
    let fourth = RawClient(path)
    let refusal = fourth.answer(server)
    #expect(refusal.text.contains("too many clients: 3") && refusal.isOver)
    for client in clients {
      client.send("{\"command\":\"status\"}\n")
      #expect(client.answer(server).text.hasPrefix("{\"ok\":true"))
    }
    #expect(server.clientCount == 3)
  }

  @Test func `who does not take his answer is dropped, and nobody waits for him`() throws {
    var limits = ControlLimits()
    limits.slowMilliseconds = 150
    let server = try server(limits), slow = RawClient(path), quick = RawClient(path)
    // More than any buffer of the kernel's.
    slow.send("{\"command\":\"show\",\"what\":\"ports\",\"most\":400}\n")
    for _ in 0..<5 { server.turn() }
    #expect(server.clientCount == 2)
    quick.send("{\"command\":\"status\"}\n")
    #expect(quick.answer(server).text.hasPrefix("{\"ok\":true"))
    #expect(server.clientCount == 2)
    usleep(200_000)
    server.turn()
    #expect(server.clientCount == 1)
    // Who reads slowly, but reads, gets all.
    let patient = RawClient(path)
    patient.send("{\"command\":\"show\",\"what\":\"ports\",\"most\":400}\n")
    var octets = 0
    let start = Date()
    while octets < 400_000, Date().timeIntervalSince(start) < 20 {
      server.turn()
      usleep(20_000)
      octets += UnixSocket.receive(patient.descriptor, atMost: 65_536)?.count ?? 0
    }
    #expect(octets >= 400_000)
  }

  @Test func `who asks for nothing is dropped in the end`() throws {
    var limits = ControlLimits()
    limits.idleMilliseconds = 100
    let server = try server(limits), idle = RawClient(path)
    server.turn()
    #expect(server.clientCount == 1)
    // Octets that make no line are no request.
    for _ in 0..<4 {
      idle.send("x")
      usleep(40_000)
      server.turn()
    }
    #expect(server.clientCount == 0)
  }

  @Test func `an answer that is too long is refused, not sent`() throws {
    var limits = ControlLimits()
    limits.answerBytes = 10_000
    let server = try server(limits), client = RawClient(path)
    client.send("{\"command\":\"show\",\"what\":\"ports\",\"most\":10}\n")
    let text = client.answer(server).text
    #expect(text.contains("ask for fewer rows") && text.count < 200)
  }

  @Test func `hostile octets, cut anywhere, end in sentences`() throws {
    let server = try server()
    var random = SystemRandomNumberGenerator()
    let seed = Array(
      "{\"command\":\"show\",\"what\":\"ports\",\"most\":1}\n{\"command\":\"trace\",\"packets\":3}\n".utf8)
    var answered = 0
    for round in 0..<300 {
      let client = RawClient(path)
      var octets = seed + seed + seed
      for _ in 0..<Int.random(in: 0..<20, using: &random) {
        octets[Int.random(in: 0..<octets.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if round % 10 == 0 { octets = (0..<9000).map { _ in UInt8.random(in: 0...255, using: &random) } }
      while !octets.isEmpty {
        let piece = Array(octets.prefix(Int.random(in: 1...100, using: &random)))
        octets.removeFirst(piece.count)
        client.send(piece)
        server.turn()
      }
      if round % 3 == 0 { client.finish() }
      for line in client.answer(server, turns: 8).text.split(separator: "\n") {
        answered += 1
        if (try? Response(json: JSONReader.read(Array(line.utf8)))) == nil { Issue.record("\(line)") }
      }
    }
    for _ in 0..<5 { server.turn() }
    #expect(answered > 300 && server.clientCount == 0)
  }
}
