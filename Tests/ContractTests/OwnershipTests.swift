import Contract
import Testing

@Suite("Ownership deals the work sets evenly")
struct OwnershipTests {
  private func description(_ members: Int, _ workers: Int) -> OwnershipDescription {
    OwnershipDescription(members: members, playing: [0], workers: workers)
  }

  @Test(
    "Every work set has a member, and no member has more than one set more than another", arguments: 1...64)
  func members(_ members: Int) {
    let ownership = description(members, 1)
    #expect(ownership.entries.count == 1024)
    #expect(ownership.workers.count == 1024)
    #expect(ownership.entries.allSatisfy { $0.state == .assigned && Int($0.member) < members })
    let shares = counts(ownership.entries.map { Int($0.member) }, members)
    #expect(spread(shares) <= 1)
    #expect((shares.min() ?? 0) >= 16)
  }

  /// So no worker of a member is idle, unless the member has fewer sets than workers.
  @Test("Within a member, no worker has more than one set more than another", arguments: 1...64)
  func workers(_ members: Int) {
    for workers in 1...64 {
      let ownership = description(members, workers)
      // One place for every worker of every member.
      var shares = [Int](repeating: 0, count: members * workers)
      for (entry, worker) in zip(ownership.entries, ownership.workers) {
        shares[Int(entry.member) * workers + Int(worker)] += 1
      }
      for member in 0..<members where spread(shares[member * workers..<(member + 1) * workers]) > 1 {
        Issue.record("\(members) members, \(workers) workers, member \(member): \(shares)")
        return
      }
    }
  }

  @Test("Over all members together, the workers of a replay that plays them all are even too")
  func playingAll() {
    for members in 1...64 {
      for workers in 1...64 {
        let ownership = description(members, workers)
        #expect(
          spread(counts(ownership.workers.map(Int.init), workers)) <= 1,
          "\(members) members, \(workers) workers")
      }
    }
  }

  @Test("One set can be taken from its member, and the others stay")
  func change() {
    var ownership = description(2, 2)
    let before = ownership.entries
    ownership[5] = OwnershipEntry(state: .pending, member: 1)
    #expect(ownership[5] == OwnershipEntry(state: .pending, member: 1))
    #expect((0..<1024).allSatisfy { $0 == 5 || ownership[$0] == before[$0] })
    #expect(ownership.played == [0])
  }

  private func counts(_ values: [Int], _ bins: Int) -> [Int] {
    values.reduce(into: [Int](repeating: 0, count: bins)) { $0[$1] += 1 }
  }

  private func spread(_ shares: some Collection<Int>) -> Int { (shares.max() ?? 0) - (shares.min() ?? 0) }
}
