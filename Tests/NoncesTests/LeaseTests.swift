@testable import Nonces
import Testing

/// Leases and blocks.
@Suite struct LeaseTests {
  private func opened(_ ids: SenderIDs = makeIDs(), disk: MemoryDisk = MemoryDisk()) throws -> KeyNonces {
    try NonceStateDirectory(disk: disk, path: "/state").open(makeKey(), .new, ids: ids)
  }

  @Test func `a block is 2^20 counters of one id, in order, each once`() throws {
    let lease = try opened(makeIDs(.sixteen)).lease(worker: 1)
    var block = try lease.nextBlock()
    var iv = CounterIV(raw: 0)
    var wrong = 0
    for counter in 0..<NonceBlock.counters {
      if !block.take(&iv) || iv != CounterIV(id: lease.id, counter: counter, width: .sixteen) { wrong += 1 }
    }
    #expect(wrong == 0)
    #expect(block.left == 0 && !block.take(&iv))
    block = try lease.nextBlock()
    #expect(block.take(&iv) && iv == CounterIV(id: lease.id, counter: NonceBlock.counters, width: .sixteen))
  }

  @Test func `the mark is on the disk before the block is in anyone's hands`() throws {
    let disk = MemoryDisk()
    let nonces = try opened(disk: disk)
    let lease = try nonces.lease(worker: 0)
    for count: UInt64 in 1...3 {
      _ = try lease.nextBlock()
      disk.restart(MemoryDisk.Loss(kept: 0, namesKept: false))
      let octets = try #require(try disk.read(makeKey().name + ".nonces"))
      #expect(NonceState(octets: octets)?.mark(of: lease.id) == count * NonceBlock.counters)
    }
  }

  @Test func `a worker without a lease has nothing to encrypt with`() throws {
    var none = NonceBlock.none
    var iv = CounterIV(raw: 5)
    #expect(!none.take(&iv) && iv.value == 5)
    let lease = try opened().lease(worker: 0)
    #expect(lease.isLive)
    lease.giveBack()
    #expect(!lease.isLive)
    let refused = refusal { _ = try lease.nextBlock() }
    #expect(refused?.reason == .ended && refused?.names("lease again") == true)
  }

  @Test func `an id has one lease at a time, and the next one goes on after its mark`() throws {
    let nonces = try opened(makeIDs(units: 64, workers: 2))
    #expect(nonces.ids.perWorker == 2)
    let first = try nonces.lease(worker: 0), second = try nonces.lease(worker: 0)
    #expect(first.id != second.id)
    let refused = refusal { _ = try nonces.lease(worker: 0) }
    #expect(refused?.reason == .leased && refused?.names("give one back") == true)
    var used = UsedBlocks()
    used.use(try first.nextBlock())
    first.giveBack()
    let third = try nonces.lease(worker: 0)
    #expect(third.id == first.id)
    used.use(try third.nextBlock())
    #expect(!used.repeated && used.count == 2)
    #expect(refusal { _ = try nonces.lease(worker: 2) }?.reason == .division)
  }

  @Test func `a key is opened once, and again when its nonces are gone`() throws {
    let directory = NonceStateDirectory(disk: MemoryDisk(), path: "/state")
    var nonces: KeyNonces? = try directory.open(makeKey(), .new, ids: makeIDs())
    #expect(nonces?.incarnation == 1)
    #expect(refusal { _ = try directory.open(makeKey(), .known(used: []), ids: makeIDs()) }?.reason == .inUse)
    nonces = nil
    nonces = try directory.open(makeKey(), .known(used: []), ids: makeIDs())
    #expect(nonces?.incarnation == 2)
  }

  @Test func `an id's last block is given out, and then the worker's next id, and then nothing`() throws {
    let ids = makeIDs(.sixteen, units: 1 << 14, unit: (1 << 14) - 1, workers: 2)
    #expect(ids.perWorker == 2 && ids.of(worker: 1) == 65_534..<65_536)
    let disk = MemoryDisk()
    var state = NonceState(key: makeKey(), ids: ids)
    for id: UInt32 in [65_534, 65_535] {
      state.records[id] = NonceState.Record(
        id: id, worker: 1, incarnation: 0, mark: ids.width.counters - NonceBlock.counters)
    }
    try disk.write(makeKey().name + ".nonces", state.octets)
    let nonces = try NonceStateDirectory(disk: disk, path: "/state").open(makeKey(), .known(used: []), ids: ids)
    for id: UInt32 in [65_534, 65_535] {
      let lease = try nonces.lease(worker: 1)
      #expect(lease.id == id)
      var block = try lease.nextBlock()
      var iv = CounterIV(raw: 0)
      var count = 0
      while block.take(&iv) { count += 1 }
      #expect(count == Int(NonceBlock.counters))
      #expect(iv == CounterIV(id: id, counter: ids.width.counters - 1, width: .sixteen))
      #expect(refusal { _ = try lease.nextBlock() }?.reason == .exhausted)
    }
    let refused = refusal { _ = try nonces.lease(worker: 1) }
    #expect(refused?.reason == .exhausted && refused?.names("rekey") == true)
  }
}
