@testable import Nonces
import Testing

/// Keys that are opened together and have one file: nothing comes twice, whatever becomes of that file or their own.
@Suite struct NonceBatchTests {
  private func directory(_ disk: MemoryDisk) -> NonceStateDirectory {
    NonceStateDirectory(disk: disk, path: "/state", mostApart: 0)
  }

  private func open(
    _ directory: NonceStateDirectory, _ keys: [UInt8], _ history: KeyHistory
  ) -> [Result<KeyNonces, NonceRefusal>] {
    directory.open(keys.map { KeyOpening(makeKey($0), history, ids: makeIDs(), workers: [0]) })
  }

  private func reasons(_ results: [Result<KeyNonces, NonceRefusal>]) -> [NonceRefusal.Reason?] {
    results.map { if case .failure(let refusal) = $0 { refusal.reason } else { nil } }
  }

  @Test func `a key that has left the batch is missed when its own file is gone, and the others are not`() throws {
    let disk = MemoryDisk()
    var used = UsedBlocks()
    var opened = open(directory(disk), [1, 2], .new)
    let lease = try opened[0].get().lease(worker: 0)
    used.use(try lease.nextBlock())
    used.use(try lease.nextBlock())
    used.use(try lease.nextBlock())
    opened = []
    lease.giveBack()
    let again = open(directory(disk), [1, 2], .known(used: []))
    #expect(reasons(again) == [nil, nil])
    used.use(try again[0].get().lease(worker: 0).nextBlock())
    #expect(!used.repeated && used.count == 4)
    // Of the incarnation that is in the batch again, so that nothing depends on the file.
    disk.remove(makeKey(1).name + ".nonces")
    var third = open(directory(disk), [1, 2], .known(used: []))
    #expect(reasons(third) == [nil, nil])
    let next = try third[0].get().lease(worker: 0)
    used.use(try next.nextBlock())
    used.use(try next.nextBlock())
    third = []
    next.giveBack()
    disk.remove(makeKey(1).name + ".nonces")
    #expect(reasons(open(directory(disk), [1, 2], .known(used: []))) == [.older, nil])
    #expect(!used.repeated && used.count == 6)
  }

  @Test func `an older batch, a damaged one and none are refused`() throws {
    let disk = MemoryDisk()
    _ = open(directory(disk), [1, 2], .new)
    let first = try #require(try disk.read(NonceBatch.fileName))
    _ = open(directory(disk), [1, 2], .known(used: []))
    try disk.write(NonceBatch.fileName, first)
    #expect(reasons(open(directory(disk), [1, 2, 3], .newUnlessRecorded)) == [.older, .older, nil])
    try disk.write(NonceBatch.fileName, Array(first.dropLast()))
    #expect(reasons(open(directory(disk), [1, 3], .newUnlessRecorded)) == [.damaged, .damaged])
    disk.remove(NonceBatch.fileName)
    #expect(reasons(open(directory(disk), [1, 2, 4], .newUnlessRecorded)) == [.missing, .missing, nil])
  }

  @Test func `whoever was opened together before stays in the batch when others are`() throws {
    let disk = MemoryDisk()
    _ = open(directory(disk), [1, 2], .new)
    _ = open(directory(disk), [3], .new)
    let opened = try open(directory(disk), [1, 2, 3], .known(used: [])).map { try $0.get() }
    #expect(opened.map(\.incarnation) == [2, 2, 2])
    #expect(try directory(disk).find(makeKey(2), ids: makeIDs())?.incarnation == 2)
  }

  @Test func `no bit of a batch can be another`() throws {
    let disk = MemoryDisk()
    _ = open(directory(disk), [1, 2], .new)
    let octets = try #require(try disk.read(NonceBatch.fileName))
    #expect(NonceBatch(octets: octets)?.states.count == 2)
    for place in octets.indices {
      var changed = octets
      changed[place] ^= 1 << UInt8(place & 7)
      #expect(NonceBatch(octets: changed) == nil, "octet \(place)")
      #expect(NonceBatch(octets: Array(octets[..<place])) == nil, "\(place) octets")
    }
  }
}
