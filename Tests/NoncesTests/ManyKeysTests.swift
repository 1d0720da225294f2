@testable import Nonces
import Testing

/// Many keys that are opened at once: each as if it were alone, and the register written once.
@Suite struct ManyKeysTests {
  private func openings(_ count: UInt8, _ history: KeyHistory, workers: [Int] = [0, 1]) -> [KeyOpening] {
    (0..<count).map { KeyOpening(makeKey($0), history, ids: makeIDs(), workers: workers) }
  }

  private func refusals(_ results: [Result<KeyNonces, NonceRefusal>]) -> [NonceRefusal.Reason?] {
    results.map { if case .failure(let refusal) = $0 { refusal.reason } else { nil } }
  }

  @Test func `the steps and octets on the disk grow with the keys, and no faster`() throws {
    func cost(_ count: Int) -> (steps: Int, register: Int) {
      let disk = MemoryDisk()
      let keys = (0..<count).map { number in
        NonceKey(
          fingerprint: (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 & 3))) }, born: 1000)!
      }
      let results = NonceStateDirectory(disk: disk, path: "/state").open(
        keys.map { KeyOpening($0, .new, ids: makeIDs(), workers: [0, 1]) })
      let opened = results.compactMap { try? $0.get() }
      #expect(opened.count == count)
      return (disk.steps, disk.written[KeyRegister.nextName] ?? 0)
    }
    // For each a write and a rename, and two syncs; for the register all four; for the states of very many as well.
    #expect(cost(1) == (8, 24 + 24))
    #expect(cost(64) == (2 * 64 + 2 + 4, 24 + 64 * 24))
    #expect(cost(65) == (4 + 4, 24 + 65 * 24))
    #expect(cost(5000) == (4 + 4, 24 + 5000 * 24))
  }

  @Test func `what is refused of one says nothing of the others`() throws {
    let disk = MemoryDisk()
    let directory = NonceStateDirectory(disk: disk, path: "/state")
    var held = directory.open(openings(3, .new))
    #expect(refusals(held) == [nil, nil, nil])
    // Open already, twice in one call, never begun, of another division.
    let more = [
      KeyOpening(makeKey(0), .known(used: []), ids: makeIDs()), KeyOpening(makeKey(7), .new, ids: makeIDs()),
      KeyOpening(makeKey(7), .new, ids: makeIDs()), KeyOpening(makeKey(8), .known(used: []), ids: makeIDs()),
    ]
    #expect(refusals(directory.open(more)) == [.inUse, nil, .inUse, .missing])
    held = []
    let again = directory.open(
      openings(2, .known(used: [])) + [KeyOpening(makeKey(2), .known(used: []), ids: makeIDs(unit: 2))])
    #expect(refusals(again) == [nil, nil, .divided])
    #expect(again.compactMap { try? $0.get().incarnation } == [2, 2])
    // None of them is open for having been refused.
    #expect(refusals(directory.open(openings(3, .known(used: [])))) == [.inUse, .inUse, nil])
    #expect(directory.open([]).isEmpty)
  }

  @Test func `who begins what has no record goes on with what has one, and with nothing that was lost`() throws {
    let disk = MemoryDisk()
    var held = NonceStateDirectory(disk: disk, path: "/state").open(openings(1, .new, workers: [0]))
    #expect(refusals(held) == [nil])
    held = NonceStateDirectory(disk: disk, path: "/state").open(openings(3, .newUnlessRecorded, workers: [0]))
    #expect(held.compactMap { try? $0.get().incarnation } == [2, 1, 1])
    #expect(held.compactMap { try? $0.get().finding.used } == [2, 1, 1].map { $0 * NonceBlock.counters })
    disk.remove(makeKey(1).name + ".nonces")
    held = NonceStateDirectory(disk: disk, path: "/state").open(openings(3, .newUnlessRecorded, workers: [0]))
    #expect(refusals(held) == [nil, .missing, nil])
  }

  @Test func `a block that comes with the opening is the worker's first, and is on the disk`() throws {
    let disk = MemoryDisk()
    let nonces = try NonceStateDirectory(disk: disk, path: "/state").open(
      [KeyOpening(makeKey(), .new, ids: makeIDs(), workers: [0, 1, 0])])[0].get()
    #expect(nonces.finding.used == 3 * NonceBlock.counters)
    let steps = disk.steps
    var used = UsedBlocks()
    let leases = [try nonces.lease(worker: 0), try nonces.lease(worker: 0), try nonces.lease(worker: 1)]
    for lease in leases { used.use(try lease.nextBlock()) }
    #expect(disk.steps == steps && Set(leases.map(\.id)).count == 3)
    for lease in leases { used.use(try lease.nextBlock()) }
    #expect(disk.steps == steps + 12)
    // Whoever leases next goes on behind them.
    leases[0].giveBack()
    used.use(try nonces.lease(worker: 0).nextBlock())
    #expect(!used.repeated && used.count == 7)
  }

  private static let count: UInt8 = 3
  /// Of an opening and four blocks, of two keys: with files of their own, or in a batch that both of them leave.
  private static func steps(_ mostApart: Int) -> Int {
    mostApart > 0 ? 2 * Int(count) + 2 + 4 + 4 * 4 : 4 + 4 + 4 * 4 + 2 * 4
  }

  /// One life of a process that uses all keys in turn; why it ended.
  private func live(
    on disk: MemoryDisk, _ history: KeyHistory, _ used: inout [UsedBlocks], mostApart: Int = 64
  ) -> NonceRefusal? {
    do {
      let all = NonceStateDirectory(disk: disk, path: "/state", mostApart: mostApart)
        .open(openings(Self.count, history))
      var leases: [(key: Int, lease: NonceLease)] = []
      for (key, nonces) in all.enumerated() {
        for worker in 0..<2 { leases.append((key, try nonces.get().lease(worker: worker))) }
      }
      for one in leases + leases.prefix(4) { used[one.key].use(try one.lease.nextBlock()) }
      return nil
    } catch {
      return error
    }
  }

  private static let losses: [MemoryDisk.Loss?] =
    [nil]
    + [0, 31, 70, 100_000].flatMap { kept in
      [true, false].map { MemoryDisk.Loss(kept: kept, namesKept: $0) }
    }

  @Test(arguments: Array(losses.indices), [0, 64])
  func `a kill or a power cut before any step of many, twice, repeats nothing`(_ loss: Int, _ mostApart: Int) {
    let steps = Self.steps(mostApart)
    for first in 0...steps {
      for second in stride(from: first % 3, through: steps, by: 3) {
        let disk = MemoryDisk()
        var used = [UsedBlocks](repeating: UsedBlocks(), count: Int(Self.count))
        // A life before, so that the keys are known whatever comes.
        #expect(live(on: disk, .new, &used, mostApart: mostApart) == nil && disk.steps == steps)
        for stop in [first, second] {
          disk.restart(nil)
          disk.stop = MemoryDisk.Stop(step: stop)
          let refused = live(on: disk, .known(used: []), &used, mostApart: mostApart)
          #expect((refused == nil) == (stop == steps), "stop before \(first), then before \(second)")
          disk.restart(Self.losses[loss])
        }
        let before = used.map(\.count)
        // The next life may open them in the other way.
        #expect(
          live(on: disk, .known(used: []), &used, mostApart: 64 - mostApart) == nil,
          "stop before \(first), then before \(second)")
        #expect(zip(used, before).allSatisfy { $0.count > $1 && !$0.repeated }, "stop before \(first), \(second)")
      }
    }
  }

  /// The first start of all: nothing is known yet, and the state of one key may be lost.
  @Test(arguments: Array(losses.indices))
  func `keys whose beginning was cut short begin again, or are refused, and repeat nothing`(_ loss: Int) {
    for step in 0..<2 * Int(Self.count) + 6 {
      for lost in [nil, 0, 2] as [UInt8?] {
        let disk = MemoryDisk()
        var used = [UsedBlocks](repeating: UsedBlocks(), count: Int(Self.count))
        disk.stop = MemoryDisk.Stop(step: step)
        #expect(live(on: disk, .new, &used) != nil && used.allSatisfy { $0.count == 0 })
        disk.restart(Self.losses[loss])
        if let lost { disk.remove(makeKey(lost).name + ".nonces") }
        for history in [KeyHistory.new, .known(used: [])] {
          _ = live(on: disk, history, &used)
          disk.restart(nil)
        }
        #expect(used.allSatisfy { !$0.repeated }, "stop before \(step)")
      }
    }
  }

  @Test func `a step that fails opens none, and all can be opened when it works again`() {
    for step in 0..<2 * Int(Self.count) + 6 {
      let disk = MemoryDisk()
      let directory = NonceStateDirectory(disk: disk, path: "/state")
      disk.stop = MemoryDisk.Stop(step: step, survives: true)
      let refused = refusals(directory.open(openings(Self.count, .new, workers: [])))
      let isFull = step < Int(Self.count) || step == 2 * Int(Self.count) + 2
      #expect(refused == Array(repeating: isFull ? .disk : .uncertain, count: Int(Self.count)), "step \(step)")
      // A full disk has room again; what is uncertain stays so until the next start.
      let again = refusals(directory.open(openings(Self.count, .new, workers: [])))
      #expect(again == Array(repeating: isFull ? nil : .uncertain, count: Int(Self.count)), "step \(step)")
      disk.restart(MemoryDisk.Loss(kept: 0, namesKept: false))
      let next = NonceStateDirectory(disk: disk, path: "/state").open(openings(Self.count, .new, workers: []))
      #expect(refusals(next) == [nil, nil, nil], "step \(step)")
    }
  }

  @Test func `many files on a real disk are there after one sync of all`() throws {
    let folder = Folder()
    let keys = (0..<20).map { number in
      NonceKey(fingerprint: (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 & 1))) }, born: 1000)!
    }
    for incarnation in 1...2 as ClosedRange<UInt64> {
      let history = incarnation == 1 ? KeyHistory.new : .known(used: [])
      let opened = try NonceStateDirectory(path: folder.path).open(
        keys.map { KeyOpening($0, history, ids: makeIDs(), workers: [1]) }
      ).map { try $0.get() }
      #expect(opened.allSatisfy { $0.incarnation == incarnation })
    }
    #expect(folder.names.count == 22 && folder.names.allSatisfy { !$0.hasSuffix(".next") })
    let reading = try NonceStateDirectory(reading: folder.path)
    for key in keys { #expect(try reading.find(key, ids: makeIDs())?.used == 2 * NonceBlock.counters) }
  }
}
