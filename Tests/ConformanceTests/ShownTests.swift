import Foundation
import PacketMaking
import Testing

/// What the operator is shown is what has happened (rows 17 and 49).
@Suite struct ShownTests {
  private static let keys = ["000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f"]

  /// Two tunnels, told apart by what is behind the far end.
  private static func gateway(
    _ folder: Folder, _ name: String, number: Int, isNear: Bool, windows: [Int]
  ) -> String {
    let state = folder.path("state-\(name)")
    try! FileManager.default.createDirectory(
      atPath: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let ends = isNear ? ["203.0.113.1", "203.0.113.2"] : ["203.0.113.2", "203.0.113.1"]
    let networks = isNear ? ["10.1.0.0/16", "10.2"] : ["10.2", "10.1.0.0/16"]
    func tunnel(_ index: Int) -> String {
      let near = 0x1001 + index, far = 0x2001 + index
      // Key and salt; another of each for the second.
      let salts = isNear ? ["cafebab\(index)", "cafebab\(index + 4)"] : ["cafebab\(index + 4)", "cafebab\(index)"]
      let remote = isNear ? "10.\(2 + index).0.0/16" : networks[1]
      let local = isNear ? networks[0] : "10.\(2 + index).0.0/16"
      return """
          - name: \(index == 0 ? "first" : "second")
            address: \(ends[0])
            peer: \(ends[1])
            inboundSPI: \(isNear ? near : far)
            outboundSPI: \(isNear ? far : near)
            cipher: aes-128-gcm
            window: \(windows[index])
            inboundKey: \(keys[isNear ? 0 : 1])\(salts[0])
            outboundKey: \(keys[isNear ? 1 : 0])\(salts[1])
            keysBorn: 2026-11-21
            local: [\(local)]
            remote: [\(remote)]

        """
    }
    let text = """
      unit: {number: \(number), stateDirectory: \(state)}
      cluster: {addresses: [\(ends[0])]}
      tunnels:

      """ + tunnel(0) + tunnel(1)
    return folder.write("\(name).yaml", Array(text.utf8))
  }

  private func ends(_ folder: Folder, windows: [Int]) -> (near: String, far: String) {
    let near = Self.gateway(folder, "near", number: 0, isNear: true, windows: windows)
    let far = Self.gateway(folder, "far", number: 1, isNear: false, windows: windows)
    for path in [near, far] { #expect(Program.run("keys", path, "--begin").code == 0) }
    return (near, far)
  }

  private func associations(_ run: Run) throws -> [String: [String: Any]] {
    let list = try #require(run.json?["securityAssociations"] as? [[String: Any]])
    return Dictionary(uniqueKeysWithValues: list.map { ("\($0["name"]!) \($0["direction"]!)", $0) })
  }

  /// In is out, drops and what was used up, less what was made.
  private func balances(_ run: Run) -> Bool {
    guard let packets = run.json?["packets"] as? [String: Int], let drops = run.drops else { return false }
    return packets["in"]! + packets["made"]! == packets["out"]! + packets["consumed"]! + drops.values.reduce(0, +)
  }

  @Test func `row 17: window, sequence and drops of each SA are shown`() throws {
    let folder = Folder()
    let (near, far) = ends(folder, windows: [256, 2048])
    let frames = (0..<300).map { number in
      Record(
        1_700_000_000, UInt32(number),
        ethernet(.ipv4, ipv4(.udp, from: "10.1.0.7", to: "10.\(number % 3 == 0 ? 3 : 2).0.9", udp(big(UInt32(number)))))
      )
    }
    let sealed = Program.run(
      "replay", folder.write("in.pcap", pcapFile(frames)), "--config", near, "--json", "--out", folder.path("esp.pcap"))
    #expect(sealed.code == 0 && balances(sealed))
    let out = try associations(sealed)
    for (name, count, spi) in [("first out", 200, 0x2001), ("second out", 100, 0x2002)] {
      let shown = try #require(out[name])
      #expect(shown["packets"] as? Int == count && shown["sequence"] as? Int == count && shown["spi"] as? Int == spi)
      #expect(shown["bytes"] as? Int == count * 32 && shown["suite"] as? String == "AES-GCM-16-128")
    }
    // One lost, one twice, one broken, and one that comes when all others have been.
    var records = try #require(pcapRecords(folder.read("esp.pcap")))
    func places(_ spi: UInt8) -> [Int] { records.indices.filter { records[$0].octets[37] == spi } }
    let first = places(1)
    records[first[50]].octets[60] ^= 1
    let late = records[first[0]], again = records[first[120]], lost = first[10]
    records.append(late)
    records.append(again)
    for index in [lost, first[0]].sorted(by: >) { records.remove(at: index) }
    let opened = Program.run(
      "replay", folder.write("worse.pcap", pcapFile(records)), "--config", far, "--json", "--out",
      folder.path("clear.pcap"))
    #expect(opened.code == 0 && balances(opened))
    let into = try associations(opened)
    let one = try #require(into["first in"]), other = try #require(into["second in"])
    #expect(one["window"] as? Int == 256 && other["window"] as? Int == 2048)
    #expect(one["sequence"] as? Int == 200 && other["sequence"] as? Int == 100)
    #expect(one["packets"] as? Int == 198 && other["packets"] as? Int == 100)
    #expect(one["drops"] as? [String: Int] == ["integrity": 1, "replayed": 1])
    #expect(other["drops"] as? [String: Int] == [:])
    // Nothing has left a window of 256 by number 200.
    #expect(one["lost"] as? Int == 0 && one["spi"] as? Int == 0x2001)
    #expect(opened.drops == ["integrity": 1, "replayed": 1])
    // And in words.
    let text = Program.run("replay", folder.path("worse.pcap"), "--config", far, "--out", folder.path("o")).text
    for words in ["first", "second", "AES-GCM-16-128"] { #expect(text.contains(words), "\(words)") }
  }

  @Test func `row 49: dealt in turn, everything crosses to the worker of its tunnel`() throws {
    let folder = Folder()
    // What waits in rings is overtaken by all that does not: the windows are wider than what may be under way.
    let (near, far) = ends(folder, windows: [4096, 4096])
    // Clear fragments, whose own work sets are all over, and whole packets, in bursts that mix both tunnels.
    let frames = (0..<900).map { number in
      let isFragment = number % 3 != 0
      let packet = ipv4(
        .udp, from: "10.1.0.\(number % 250 + 1)", to: "10.\(2 + number / 2 % 2).0.9", identification: UInt16(number),
        moreFragments: isFragment && number % 3 == 1, fragmentOffset: isFragment && number % 3 == 2 ? 60 : 0,
        udp(big(UInt64(number)) + [UInt8](repeating: 3, count: 72)))
      return Record(1_700_000_000, UInt32(number), ethernet(.ipv4, packet))
    }
    let input = folder.write("in.pcap", pcapFile(frames))
    let sealed = Program.run(
      "replay", input, "--config", near, "--workers", "2", "--deal", "turn", "--json", "--out", folder.path("esp.pcap"))
    #expect(sealed.code == 0 && sealed.drops == [:] && balances(sealed) && sealed.count("packets", "out") == 900)
    func crossed(_ run: Run) -> Int {
      (run.json?["worker"] as? [[String: Any]])?.reduce(0) { $0 + ($1["crossedIn"] as? Int ?? 0) } ?? 0
    }
    #expect(crossed(sealed) > 300)
    let out = try associations(sealed)
    #expect(["first out", "second out"].map { out[$0]?["packets"] as? Int } == [450, 450])
    // No number and no nonce twice, and none left out.
    let audit = Program.run("audit", folder.path("esp.pcap"), "--config", near, "--json")
    #expect(audit.code == 0)
    let records = try #require(pcapRecords(folder.read("esp.pcap")))
    for spi in [UInt8(1), 2] {
      let numbers = records.filter { $0.octets[37] == spi }.map { $0.octets[38..<42].reduce(0) { $0 << 8 | Int($1) } }
      #expect(numbers.sorted() == Array(1...450))
    }
    let opened = Program.run(
      "replay", folder.path("esp.pcap"), "--config", far, "--workers", "2", "--deal", "turn", "--json", "--out",
      folder.path("clear.pcap"))
    #expect(opened.code == 0 && opened.drops == [:] && balances(opened) && crossed(opened) > 300)
    let isSame = try #require(pcapRecords(folder.read("clear.pcap"))) == frames
    #expect(isSame)
    let into = try associations(opened)
    #expect(["first in", "second in"].map { into[$0]?["packets"] as? Int } == [450, 450])
    #expect(["first in", "second in"].map { into[$0]?["lost"] as? Int } == [0, 0])
  }
}
