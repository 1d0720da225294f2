@testable import Nonces
import Testing

/// The register of keys: it remembers what the state files of single keys cannot.
@Suite struct RegisterTests {
  private let file = makeKey().name + ".nonces"

  private func begin(_ folder: Folder, _ key: NonceKey = makeKey(), blocks: Int = 1) throws {
    let nonces = try NonceStateDirectory(path: folder.path).open(key, .new, ids: makeIDs())
    let lease = try nonces.lease(worker: 0)
    for _ in 0..<blocks { _ = try lease.nextBlock() }
  }

  private func reopen(
    _ folder: Folder, _ history: KeyHistory = .known(used: []), key: NonceKey = makeKey()
  ) -> NonceRefusal? {
    refusal { _ = try NonceStateDirectory(path: folder.path).open(key, history, ids: makeIDs()) }
  }

  @Test func `a key that was begun and has lost its state is refused, whatever is said of it`() throws {
    let folder = Folder()
    try begin(folder)
    folder.remove(file)
    for history in [KeyHistory.new, .known(used: [])] {
      let refused = reopen(folder, history)
      #expect(refused?.reason == .missing && refused?.names("rekey") == true)
    }
    // Its neighbour has nothing to do with that.
    #expect(reopen(folder, .new, key: makeKey(8)) == nil)
    #expect(reopen(folder, key: makeKey(8)) == nil)
  }

  @Test func `an older copy that is put back is refused, whatever is said of it`() throws {
    let folder = Folder()
    try begin(folder)
    let old = folder.read(file)
    #expect(reopen(folder) == nil)
    let latest = folder.read(file)
    folder.write(file, old)
    for history in [KeyHistory.new, .known(used: [])] {
      let refused = reopen(folder, history)
      #expect(refused?.reason == .older && refused?.names("rekey") == true)
    }
    #expect(folder.read(file) == old)
    folder.write(file, latest)
    #expect(reopen(folder) == nil)
  }

  @Test func `a directory from before the register goes on, and has one from then on`() throws {
    let folder = Folder()
    try begin(folder)
    folder.remove(KeyRegister.fileName)
    #expect(reopen(folder, .new)?.reason == .notNew)
    #expect(reopen(folder) == nil)
    folder.remove(file)
    #expect(reopen(folder, .new)?.reason == .missing)
  }

  @Test func `a damaged register is refused for every key, and never replaced`() throws {
    let folder = Folder()
    try begin(folder)
    let good = folder.read(KeyRegister.fileName)
    for damaged in [[], Array(good.dropLast()), good + [0], good.map { $0 ^ 1 }] {
      folder.write(KeyRegister.fileName, damaged)
      for (history, key) in [(KeyHistory.new, makeKey(8)), (.known(used: []), makeKey())] {
        let refused = reopen(folder, history, key: key)
        #expect(refused?.reason == .damaged && refused?.names("rekey") == true)
      }
      #expect(folder.read(KeyRegister.fileName) == damaged)
    }
  }

  @Test func `any bit of a register that is turned is noticed`() {
    var register = KeyRegister()
    for octet: UInt8 in [9, 3, 200] { _ = register.enter(makeKey(octet), incarnation: UInt64(octet) << 20) }
    let octets = register.octets
    #expect(KeyRegister(octets: octets) == register && register[makeKey(3)] == 3 << 20 && register[makeKey(4)] == nil)
    for bit in 0..<octets.count * 8 {
      var turned = octets
      turned[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(KeyRegister(octets: turned) == nil)
    }
  }

  @Test func `looking changes nothing, and needs nobody's lock`() throws {
    let folder = Folder()
    try begin(folder, blocks: 3)
    let held = try NonceStateDirectory(path: folder.path)
    let nonces = try held.open(makeKey(), .known(used: []), ids: makeIDs())
    let before = folder.names.sorted().map { folder.read($0) }
    let reading = try NonceStateDirectory(reading: folder.path)
    let found = try #require(try reading.find(makeKey(), ids: makeIDs()))
    let id = makeIDs().of(worker: 0).lowerBound
    #expect(found.incarnation == 2 && found.used == 3 * NonceBlock.counters)
    #expect(found.marks == [NonceFinding.Mark(id: id, mark: 3 * NonceBlock.counters)])
    #expect(found.left == 64 << 56 - found.used)
    #expect(try reading.find(makeKey(8), ids: makeIDs()) == nil)
    #expect(refusal { _ = try reading.find(makeKey(), ids: makeIDs(unit: 2)) }?.reason == .divided)
    #expect(refusal { _ = try reading.open(makeKey(8), .new, ids: makeIDs()) }?.reason == .disk)
    #expect(folder.names.sorted().map { folder.read($0) } == before)
    _ = consume nonces
    folder.remove(file)
    let missing = refusal { _ = try NonceStateDirectory(reading: folder.path).find(makeKey(), ids: makeIDs()) }
    #expect(missing?.reason == .missing)
    #expect(refusal { _ = try NonceStateDirectory(reading: "/nonexistent/nonces") }?.reason == .directory)
  }

  /// What a crash in the middle of an opening leaves, and what somebody then does to the state.
  @Test(arguments: [nil, 0, 100_000] as [Int?], [true, false])
  func `a state that is lost or put back after a crash before any step repeats nothing`(
    _ kept: Int?, _ namesKept: Bool
  ) throws {
    for lives in 0..<3 {
      for step in 0..<13 {
        for putsBack in [false, true] {
          let disk = MemoryDisk()
          var used = UsedBlocks()
          for life in 0..<lives { live(on: disk, life == 0 ? .new : .known(used: []), &used) }
          let old = try disk.read(file)
          // Another start, so that what was kept is older.
          if lives > 0 { live(on: disk, .known(used: []), &used) }
          disk.restart(nil)
          disk.stop = MemoryDisk.Stop(step: step)
          live(on: disk, lives == 0 ? .new : .known(used: []), &used)
          disk.restart(kept.map { MemoryDisk.Loss(kept: $0, namesKept: namesKept) })
          if putsBack, let old { disk.put(file, old) } else { disk.remove(file) }
          // Whoever claims whatever.
          live(on: disk, .new, &used)
          live(on: disk, .known(used: []), &used)
          #expect(!used.repeated, "\(lives) lives, stop before \(step), \(putsBack)")
          if lives > 0, !putsBack {
            let before = used.count
            live(on: disk, .new, &used)
            #expect(used.count == before)
          }
        }
      }
    }
  }

  private func live(on disk: MemoryDisk, _ history: KeyHistory, _ used: inout UsedBlocks) {
    guard
      let nonces = try? NonceStateDirectory(disk: disk, path: "/state").open(makeKey(), history, ids: makeIDs()),
      let block = try? nonces.lease(worker: 0).nextBlock()
    else { return }
    used.use(block)
  }
}
