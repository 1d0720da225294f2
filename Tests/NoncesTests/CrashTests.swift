import Glibc
import Nonces
import Testing

/// Whatever ends a process, at whatever step: no IV is used twice, and the next start succeeds.
@Suite struct CrashTests {
  private static let losses: [MemoryDisk.Loss?] =
    [nil]
    + [0, 31, 70, 100_000].flatMap { kept in
      [true, false].map { MemoryDisk.Loss(kept: kept, namesKept: $0) }
    }

  /// One life of a process, to its end: opens, leases for two workers, uses blocks in turn.
  private func live(
    on disk: MemoryDisk, _ history: KeyHistory, blocks: Int, _ used: inout UsedBlocks
  ) -> NonceRefusal? {
    do {
      let nonces = try NonceStateDirectory(disk: disk, path: "/state").open(makeKey(), history, ids: makeIDs())
      let leases = [try nonces.lease(worker: 0), try nonces.lease(worker: 1)]
      for index in 0..<blocks { used.use(try leases[index % 2].nextBlock()) }
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: Array(losses.indices))
  func `a kill or a power cut before any step, twice, repeats nothing`(_ loss: Int) {
    for first in 0..<21 {
      for second in 0..<21 {
        let disk = MemoryDisk()
        var used = UsedBlocks()
        var created = false
        for stop in [first, second] {
          disk.stop = MemoryDisk.Stop(step: stop)
          let refused = live(on: disk, created ? .known(used: []) : .new, blocks: 3, &used)
          // Four steps of opening for the state, four for the register, four for each block: the last is never reached.
          #expect((refused == nil) == (stop == 20), "stop before \(first), then before \(second)")
          created = created || used.count > 0
          disk.restart(Self.losses[loss])
          // Marks may be there before anyone used them: only then is the new key no longer new.
          if !created, live(on: disk, .new, blocks: 0, &used)?.reason == .notNew { created = true }
          disk.restart(nil)
        }
        let before = used.count
        let refused = live(on: disk, created ? .known(used: []) : .new, blocks: 4, &used)
        #expect(refused == nil, "stop before \(first), then before \(second)")
        #expect(used.count == before + 4)
        #expect(!used.repeated, "stop before \(first), then before \(second)")
      }
    }
  }

  @Test(arguments: 8..<20)
  func `a step that fails hands nothing out, and repeats nothing afterwards`(_ step: Int) throws {
    let disk = MemoryDisk()
    disk.stop = MemoryDisk.Stop(step: step, survives: true)
    var used = UsedBlocks()
    let directory = NonceStateDirectory(disk: disk, path: "/state")
    let nonces = try directory.open(makeKey(), .new, ids: makeIDs())
    let leases = [try nonces.lease(worker: 0), try nonces.lease(worker: 1)]
    var refusals: [NonceRefusal] = []
    for index in 0..<6 {
      do {
        used.use(try leases[index % 2].nextBlock())
      } catch {
        refusals.append(error)
      }
    }
    #expect(!used.repeated)
    if step % 4 == 0 {
      // The disk was full: once there is room it goes on.
      #expect(refusals.count == 1 && refusals[0].reason == .disk && used.count == 5)
      #expect(refusals.allSatisfy { $0.names("make room") && $0.names("No space left") })
    } else {
      // Nobody knows what a disk holds whose sync failed: this process gives out nothing more.
      #expect(refusals.count == 6 - used.count && used.count == step / 4 - 2)
      #expect(refusals.allSatisfy { $0.reason == .uncertain && $0.names("start again") })
    }
    disk.restart(nil)
    #expect(live(on: disk, .known(used: []), blocks: 4, &used) == nil)
    #expect(!used.repeated)
  }

  @Test func `a disk that takes nothing refuses at the start`() {
    let disk = MemoryDisk()
    disk.stop = MemoryDisk.Stop(step: 0, survives: true)
    var used = UsedBlocks()
    #expect(live(on: disk, .new, blocks: 1, &used)?.reason == .disk)
    #expect(used.count == 0)
  }

  @Test func `300 restarts after kills at random moments never repeat an IV`() throws {
    let folder = Folder()
    _ = try NonceStateDirectory(path: folder.path).open(makeKey(9), .new, ids: makeIDs())
    var random = SystemRandomNumberGenerator()
    var used = UsedBlocks()
    var highest: [Substring: UInt64] = [:]
    var wentBack = 0, silent = 0
    for restart in 0..<300 {
      let victim = Victim(folder.path, octet: 9)
      // A third is killed while it starts, a third early, a third after some blocks.
      if restart % 3 != 0, !victim.hasSpoken(octets: restart % 3 == 1 ? 1 : 100) { silent += 1 }
      usleep(UInt32.random(in: 0..<3000, using: &random))
      victim.kill()
      for line in victim.lines {
        let words = line.split(separator: " ")
        guard words.count == 3, let first = UInt64(words[1]) else { continue }
        used.use(first)
        if first <= highest[words[0]] ?? 0 { wentBack += 1 }
        highest[words[0]] = first
      }
      let complaint = victim.complaint
      #expect(complaint.isEmpty, "restart \(restart)")
    }
    #expect(!used.repeated && wentBack == 0 && silent == 0)
    #expect(highest.count == 2)
    // Enough work was done for the claim to mean something.
    #expect(used.count > 200)
  }
}
