import Contract
@testable import Dataplane
import Nonces
import PacketMaking
import Testing
import Wire

/// A live gateway whose disk is full for a while.
@Suite struct LiveNonceTests {
  private final class SmallDisk: NonceDisk {
    private let disk = MemoryDisk()
    var isFull = false
    private(set) var synced = 0

    func read(_ name: String) throws(DiskFailure) -> [UInt8]? { try disk.read(name) }
    func write(_ name: String, _ octets: [UInt8]) throws(DiskFailure) {
      if isFull { throw DiskFailure("no space left") }
      try disk.write(name, octets)
    }
    func sync() throws(DiskFailure) {
      try disk.sync()
      synced += 1
    }
    func rename(_ old: String, to new: String) throws(DiskFailure) { try disk.rename(old, to: new) }
    func syncNames() throws(DiskFailure) { try disk.syncNames() }
    func remove(_ name: String) { disk.remove(name) }
  }

  /// A worker asks once: the answer that could not be given is given when there is room, also after a reload.
  @Test(arguments: [false, true]) func `a request for nonces is not forgotten`(_ reloads: Bool) throws {
    let disk = SmallDisk()
    let pair = TunnelPair(ESPDescription(gcm), local: ["10.1.0.0/16"], remote: ["10.2.0.0/16"])
    let near = try PipedGateway(pair.near, PipedGateway.description(1, 1) { _ in }, disk: disk)
    near.know("203.0.113.2", 1)
    disk.isFull = true
    // The first packet of a block asks for the next one.
    near.feed(ipv4(.udp, from: "10.1.0.2", to: "10.2.0.2", udp()), .inside)
    var refusals = 0
    near.wait {
      do { try near.gateway.serve() } catch { refusals += 1 }
      return refusals > 0
    }
    #expect(refusals == 1)
    disk.isFull = false
    if reloads { try near.gateway.reload(near.gateway.description) }
    let before = disk.synced
    try near.wait {
      try near.gateway.serve()
      return disk.synced > before
    }
    #expect(disk.synced > before)
  }
}
