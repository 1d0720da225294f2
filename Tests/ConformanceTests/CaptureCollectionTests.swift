import Foundation
import PacketMaking
import Testing

/// Every capture of the collection replays, or is refused with a sentence. Where there is no collection, nothing is.
@Suite struct CaptureCollectionTests {
  static let folder = URL(fileURLWithPath: Program.root + "/../shared/captures").standardizedFileURL.path

  static let captures: [String] = {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let endings = [".pcap", ".pcapng", ".cap", ".gz", ".ntar"]
    return names.filter { name in endings.contains { name.hasSuffix($0) } }.sorted()
  }()

  /// All of them with what users have; where the program beside the tests is another, with a sanitizer in it, with that
  /// a part.
  static let runs =
    Program.shipped == Program.path
    ? [(Program.path, Effort.step(9))] : [(Program.shipped, 1), (Program.path, 9)]

  /// What is wrong with the replay of one capture; nil when nothing is.
  static func complaint(_ name: String, _ program: String, _ scratch: Folder) -> String? {
    let path = folder + "/" + name
    let out = scratch.path(name.replacing("/", with: "_") + ".out")
    defer { try? FileManager.default.removeItem(atPath: out) }
    var outputs: [[UInt8]] = []
    for workers in ["1", "2"] {
      let words = ["replay", path, "--json", "--workers", workers, "--deal", "turn", "--out", out]
      let run = Program.run(words, of: program, limit: 30)
      if run.timedOut { return "takes too long" }
      switch run.code {
      case 0, 5:
        guard let packetsIn = run.count("packets", "in"), let packetsOut = run.count("packets", "out"),
          let drops = run.drops
        else { return "no JSON" }
        if packetsIn != packetsOut + drops.values.reduce(0, +) { return "\(packetsIn) in, \(packetsOut) out, \(drops)" }
        // Sealed and opened again: everything else has a reason.
        guard let trip = run.json?["roundTrip"] as? [String: Any], let compared = trip["compared"] as? Int,
          let skipped = trip["skipped"] as? [String: Int]
        else { return "no round trip" }
        if trip["mismatched"] as? Int != 0 { return "came back changed: \(trip)" }
        if compared + skipped.values.reduce(0, +) != packetsIn { return "\(packetsIn) in, but \(trip)" }
        if run.code == 5 ? !run.isOneSentence : !run.error.isEmpty { return "says: \(run.error)" }
        outputs.append((try? Data(contentsOf: URL(fileURLWithPath: out))).map(Array.init) ?? [])
      case 3:
        if !run.isOneSentence || !run.output.isEmpty { return "refused with: \(run.error)" }
        outputs.append([])
      default: return "ends with \(run.code): \(run.error)"
      }
    }
    return outputs[0] == outputs[1] ? nil : "one worker and two differ"
  }

  @Test(.enabled(if: !captures.isEmpty, "there is no ../shared/captures"), arguments: runs)
  func `every capture replays or is refused, the same with one worker and with two`(
    _ program: String, _ step: Int
  ) async {
    let scratch = Folder()
    let complaints = await withTaskGroup(of: [String].self) { group in
      for half in 0..<2 {
        group.addTask {
          // A few show what is wrong; all of them might each take as long as they may.
          Array(
            stride(from: half * step, to: Self.captures.count, by: 2 * step).lazy.compactMap { index in
              Self.complaint(Self.captures[index], program, scratch).map { "\(Self.captures[index]): \($0)" }
            }.prefix(2))
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(complaints.sorted() == [])
  }
}
