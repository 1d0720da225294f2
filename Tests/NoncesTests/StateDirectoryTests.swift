import Glibc
@testable import Nonces
import Testing

/// The state directory as it lies on a real file system: who may have it, and what it refuses.
@Suite struct StateDirectoryTests {
  private let file = makeKey().name + ".nonces"

  /// A folder whose key has used some blocks of its first worker.
  private func usedFolder(blocks: Int = 2) throws -> Folder {
    let folder = Folder()
    let nonces = try NonceStateDirectory(path: folder.path).open(makeKey(), .new, ids: makeIDs())
    let lease = try nonces.lease(worker: 0)
    for _ in 0..<blocks { _ = try lease.nextBlock() }
    return folder
  }

  private func reopen(
    _ folder: Folder, _ history: KeyHistory = .known(used: []), key: NonceKey = makeKey(), ids: SenderIDs = makeIDs()
  ) -> NonceRefusal? {
    refusal { _ = try NonceStateDirectory(path: folder.path).open(key, history, ids: ids) }
  }

  @Test func `state of a known key that is missing is refused, and rekeying is named`() throws {
    let folder = try usedFolder()
    unlink(folder.path + "/" + file)
    let refused = reopen(folder)
    #expect(refused?.reason == .missing && refused?.names("rekey") == true)
    #expect(Set(folder.names) == ["keys", "lock"])
  }

  /// Nothing is written then, and that nothing could be synced is no failure of the disk.
  @Test func `a directory goes on after it has refused everything that was asked for`() throws {
    let folder = Folder()
    let directory = try NonceStateDirectory(path: folder.path)
    let nonces = try directory.open(makeKey(), .new, ids: makeIDs())
    let refused = directory.open([KeyOpening(makeKey(8), .known(used: []), ids: makeIDs(), workers: [0])])
    #expect(refusal { _ = try refused[0].get() }?.reason == .missing)
    _ = try nonces.lease(worker: 0).nextBlock()
    let begun = directory.open([KeyOpening(makeKey(8), .newUnlessRecorded, ids: makeIDs(), workers: [0])])
    _ = try begun[0].get().lease(worker: 0).nextBlock()
  }

  @Test func `state that is older than what a peer saw is refused`() throws {
    let folder = try usedFolder()
    let id = makeIDs().of(worker: 0).lowerBound
    let seen = UsedCounter(id: id, counter: 2 * NonceBlock.counters)
    let refused = reopen(folder, .known(used: [seen]))
    #expect(refused?.reason == .older && refused?.names("rekey") == true)
    #expect(reopen(folder, .known(used: [UsedCounter(id: id, counter: 2 * NonceBlock.counters - 1)])) == nil)
    // Another unit's counters say nothing of ours.
    #expect(reopen(folder, .known(used: [UsedCounter(id: 0, counter: 1 << 40)])) == nil)
  }

  @Test(arguments: [999, 1001] as [UInt64])
  func `state of a key with another birth is refused`(_ born: UInt64) throws {
    let folder = try usedFolder()
    let refused = reopen(folder, key: makeKey(born: born))
    #expect(refused?.reason == .older && refused?.names("rekey") == true)
  }

  @Test func `damaged state is refused, and never replaced`() throws {
    let folder = try usedFolder()
    let good = folder.read(file)
    for damaged in [[], Array(good.dropLast()), good + [0], Array(good.reversed()), good.map { $0 ^ 1 }] {
      folder.write(file, damaged)
      for history in [KeyHistory.new, .known(used: [])] {
        let refused = reopen(folder, history)
        #expect(refused?.reason == .damaged && refused?.names("rekey") == true)
      }
      #expect(folder.read(file) == damaged)
    }
    // Another key's file under this key's name.
    _ = try NonceStateDirectory(path: folder.path).open(makeKey(8), .new, ids: makeIDs())
    folder.write(file, folder.read(makeKey(8).name + ".nonces"))
    #expect(reopen(folder)?.reason == .damaged)
  }

  @Test func `a key that is said to be new but was used is refused`() throws {
    let folder = try usedFolder(blocks: 1)
    let refused = reopen(folder, .new)
    #expect(refused?.reason == .notNew && refused?.names("rekey") == true)
    // Made but never used, as after an end just after the start: still new.
    #expect(reopen(try usedFolder(blocks: 0), .new) == nil)
  }

  @Test func `a key keeps its division of the sender ids`() throws {
    let folder = try usedFolder()
    for ids in [makeIDs(units: 8), makeIDs(unit: 2), makeIDs(.sixteen)] {
      let refused = reopen(folder, ids: ids)
      #expect(refused?.reason == .divided && refused?.names("or rekey") == true)
    }
    // The number of workers is the unit's own affair: marks belong to ids.
    #expect(reopen(folder, ids: makeIDs(workers: 7)) == nil)
  }

  @Test func `a second process is refused in a sentence, and let in after the first has ended`() throws {
    let folder = Folder()
    _ = try NonceStateDirectory(path: folder.path).open(makeKey(5), .new, ids: makeIDs())
    let first = Victim(folder.path, octet: 5)
    #expect(first.hasSpoken())
    let second = Victim(folder.path, octet: 5)
    #expect(second.wait() == 1)
    #expect(second.complaint.contains("another process uses the nonce state directory \(folder.path): stop it"))
    #expect(second.lines.isEmpty)
    #expect(refusal { _ = try NonceStateDirectory(path: folder.path) }?.reason == .inUse)
    first.kill()
    #expect(refusal { _ = try NonceStateDirectory(path: folder.path) } == nil)
  }

  @Test func `a directory that is not there is not made`() {
    let refused = refusal { _ = try NonceStateDirectory(path: "/nonexistent/nonces") }
    #expect(refused?.reason == .directory && refused?.names("mkdir") == true)
  }

  @Test func `a full disk refuses rather than goes on`() throws {
    let folder = try usedFolder()
    let before = folder.read(file)
    let next = folder.path + "/" + makeKey().name + ".next"
    #expect(symlink("/dev/full", next) == 0)
    let refused = reopen(folder)
    #expect(refused?.reason == .disk && refused?.names("No space left") == true)
    #expect(folder.read(file) == before)
    // The left-over is gone with the refusal, and there is room again.
    #expect(reopen(folder) == nil)
  }
}
