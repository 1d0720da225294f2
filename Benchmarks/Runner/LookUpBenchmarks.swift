import CKernel
import CLI
import Contract
import Dataplane
import Wire

/// How long it takes to find an SA by SPI, and a policy by addresses, among 1 to 100 000 of them.
///
/// "same 64": a few SAs in turn, whose lines stay in the nearest cache; what is left is the search itself. "any": all of
/// them by chance, asked for a burst ahead as a worker does it; with many SAs their lines are further away. "any, alone":
/// the same, but each look-up waits for the one before, as if there were no burst: the whole way to memory.
func measureLookUps(rounds: Int) throws -> Int32 {
  let ways = ["same 64", "any", "any, alone"]
  func line(_ first: String, _ cells: [String]) -> String {
    Format.left(first, 12) + cells.map { Format.right($0, 12) }.joined() + "\n"
  }
  try Console.output(
    Format.left("", 12) + Format.right("SPI to SA", 36) + Format.right("addresses to policy", 36) + "\n"
      + line("SAs", ways + ways))
  for count in [1, 1000, 10_000, 100_000] {
    let bench = LookUpBench(sas: count)
    var times = [[Double]](repeating: [], count: 6)
    for round in -1..<rounds {
      for way in 0..<6 {
        let nanoseconds = try bench.run(way)
        if round >= 0 { times[way].append(nanoseconds) }
      }
    }
    try Console.output(line("\(count)", times.map { Format.fixed(median($0), 1) }))
  }
  try Console.output("nanoseconds for each, as medians of \(rounds) rounds\n")
  return 0
}

private final class LookUpBench {
  /// Many more than a processor remembers the turns of.
  private static let draws = 1 << 17

  private let snapshot: UnsafePointer<ClassifySnapshot>
  private let run: LookUpRun
  /// The few, then any.
  private var spis: [[UInt32]] = []
  private var addresses: [[UInt64]] = []
  private let scratch = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)

  init(sas: Int) {
    var description = ClassifyDescription()
    description.clusterAddresses = [.v4(IPv4Address(0xc000_0201))]
    description.tunnels = (0..<sas).compactMap { number in
      let pair = Self.networks(number)
      guard let local = IPPrefix(.v4(pair.local), length: 24), let remote = IPPrefix(.v4(pair.remote), length: 28)
      else { return nil }
      return TunnelDescription(
        inboundSPI: Self.spi(number), outboundSPI: 0x1000, peer: .v4(IPv4Address(0xc633_0000 + UInt32(number))),
        local: [local], remote: [remote])
    }
    snapshot = ClassifySnapshotBuilder.build(
      description, OwnershipDescription(members: 1, playing: [0], workers: 1))
    run = LookUpRun(snapshot)
    var random = SeededRandom(seed: UInt64(sas))
    let any = (0..<Self.draws).map { _ in Int(random.next() >> 8) % sas }
    let few = (0..<Self.draws).map { any[$0 & 63] }
    for list in [few, any] {
      spis.append(list.map { Self.spi($0) })
      addresses.append(
        list.map { number in
          let pair = Self.networks(number)
          return UInt64(pair.local.value + 9) << 32 | UInt64(pair.remote.value + 5)
        })
    }
  }

  deinit {
    scratch.deallocate()
    ClassifySnapshotBuilder.destroy(snapshot)
  }

  /// As if by chance, each once.
  private static func spi(_ number: Int) -> UInt32 {
    var spi = UInt32(number + 1) &* 0x85eb_ca6b
    spi = (spi ^ spi >> 13) &* 0xc2b2_ae35
    return spi ^ spi >> 16
  }

  private static func networks(_ number: Int) -> (local: IPv4Address, remote: IPv4Address) {
    (
      IPv4Address(0x0a00_0000 + UInt32(number & 255) << 16), IPv4Address(0xac10_0000 + UInt32(number >> 8) << 4)
    )
  }

  /// Nanoseconds for one look-up.
  func run(_ way: Int) throws -> Double {
    let start = hauberk_nanoseconds()
    var found: UInt64 = 0
    spis[way % 3 == 0 ? 0 : 1].withUnsafeBufferPointer { spis in
      addresses[way % 3 == 0 ? 0 : 1].withUnsafeBufferPointer { addresses in
        guard let spis = spis.baseAddress, let addresses = addresses.baseAddress else { return }
        for first in stride(from: 0, to: Self.draws, by: 64) {
          switch way {
          case 0, 1: found &+= run.findSPIs(spis + first, burst: 64)
          case 2: found &+= run.findSPIsAlone(spis + first, burst: 64)
          case 3, 4: found &+= run.findPolicies(addresses + first, scratch, burst: 64)
          default: found &+= run.findPoliciesAlone(addresses + first, burst: 64)
          }
        }
      }
    }
    let nanoseconds = Double(hauberk_nanoseconds() - start) / Double(Self.draws)
    guard found == Self.draws else { throw CommandFailure(.output, "\(found) of \(Self.draws) were found") }
    return nanoseconds
  }
}
