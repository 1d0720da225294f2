import CKernel
import CLI
import Dataplane
import Glibc
import Wire

/// How long it takes to find a route among 1 to 1 000 000 of them, and what they take in memory and time to build.
///
/// "same 64": a few destinations in turn, warm. "any": an address in any of the routes, by chance. "burst": 64 at a time,
/// as a worker asks; "alone": each look-up waits for the one before. Beside it an array with a place for every /24, 64 MB:
/// what one read costs that misses, and so the least that any table of that size could take.
func measureRoutes(rounds: Int) throws -> Int32 {
  try Console.output(
    line("", ["same 64,", "same 64,", "any,", "any,", "", "built"])
      + line("", ["burst", "alone", "burst", "alone", "KB", "in ms"]))
  for isIPv6 in [false, true] {
    for count in [1, 1000, 100_000, 1_000_000] {
      let bench = RouteBench(routes: count, isIPv6: isIPv6)
      let times = try medians(rounds) { try bench.run($0) }
      let name = "\(isIPv6 ? "IPv6" : "IPv4"), \(count) \(count == 1 ? "route" : "routes")"
      try Console.output(line(name, times + ["\((bench.bytes + 1023) / 1024)", Format.fixed(bench.milliseconds, 1)]))
      bench.deallocate()
    }
  }
  guard let array = ArrayBench() else { throw CommandFailure(.output, "no memory") }
  try Console.output(line("an array", medians(rounds) { array.run($0) } + ["\(64 << 10)", ""]))
  try Console.output("nanoseconds for each, as medians of \(rounds) rounds\n")
  return 0
}

private func line(_ first: String, _ cells: [String]) -> String {
  Format.left(first, 22) + cells.map { Format.right($0, 10) }.joined() + "\n"
}

private func medians(_ rounds: Int, _ run: (Int) throws -> Double) rethrows -> [String] {
  var times = [[Double]](repeating: [], count: 4)
  for round in -1..<rounds {
    for way in 0..<4 {
      let nanoseconds = try run(way)
      if round >= 0 { times[way].append(nanoseconds) }
    }
  }
  return times.map { Format.fixed(median($0), 1) }
}

/// This thread's time on a processor: nobody else's is counted where the machine has other work.
private func processorNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Many more than a processor remembers the turns of.
private let draws = 1 << 20

/// Ways 0 and 1 are for the few, 2 and 3 for any; the odd ones are alone.
private final class RouteBench {
  let milliseconds: Double
  private let table: RouteTable
  private let route: RouteRun
  private var four: [[UInt32]] = []
  private var six: [[IPv6Address]] = []

  init(routes count: Int, isIPv6: Bool) {
    var making = RouteMaking(seed: UInt64(count))
    var routes: [(IPPrefix, UInt32)] = []
    if isIPv6 {
      let list = making.routesSix(count)
      routes = list.enumerated().compactMap { number, route in
        IPPrefix(.v6(route.address), length: route.length).map { ($0, UInt32(number)) }
      }
      let any = making.destinations(draws, in: list)
      six = [any.indices.map { any[$0 & 63] }, any]
    } else {
      let list = making.routesFour(count)
      routes = list.enumerated().compactMap { number, route in
        IPPrefix(.v4(IPv4Address(route.address)), length: route.length).map { ($0, UInt32(number)) }
      }
      let any = making.destinations(draws, in: list)
      four = [any.indices.map { any[$0 & 63] }, any]
    }
    let start = processorNanoseconds()
    table = RouteTable(routes)
    milliseconds = Double(processorNanoseconds() - start) / 1e6
    route = RouteRun(table)
  }

  /// Of this family's part.
  var bytes: Int { four.isEmpty ? table.bytes.v6 : table.bytes.v4 }

  func deallocate() {
    route.deallocate()
    table.deallocate()
  }

  /// Nanoseconds for one look-up.
  func run(_ way: Int) throws -> Double {
    let start = processorNanoseconds()
    var found = 0
    if four.isEmpty {
      six[way / 2].withUnsafeBufferPointer { list in
        guard let list = list.baseAddress else { return }
        for first in stride(from: 0, to: draws, by: 64) {
          found &+=
            way & 1 == 0 ? route.hotFind6(list + first, burst: 64) : route.hotFind6Alone(list + first, burst: 64)
        }
      }
    } else {
      four[way / 2].withUnsafeBufferPointer { list in
        guard let list = list.baseAddress else { return }
        for first in stride(from: 0, to: draws, by: 64) {
          found &+=
            way & 1 == 0 ? route.hotFind4(list + first, burst: 64) : route.hotFind4Alone(list + first, burst: 64)
        }
      }
    }
    let nanoseconds = Double(processorNanoseconds() - start) / Double(draws)
    guard found == draws else { throw CommandFailure(.output, "\(found) of \(draws) were found") }
    return nanoseconds
  }
}

/// One read for each address, and no more.
private final class ArrayBench {
  private static let bytes = 64 << 20

  private let array: UnsafeMutablePointer<UInt32>
  private let lists: [[UInt32]]

  init?() {
    guard let mapped = hauberk_map_aligned(Self.bytes) else { return nil }
    _ = hauberk_advise_huge(mapped, Self.bytes)
    array = mapped.bindMemory(to: UInt32.self, capacity: Self.bytes / 4)
    array.initialize(repeating: 0, count: Self.bytes / 4)
    var random = SeededRandom(seed: 1)
    let any = (0..<draws).map { _ in UInt32(truncatingIfNeeded: random.next() >> 40) }
    lists = [any.indices.map { any[$0 & 63] }, any]
  }

  deinit { munmap(array, Self.bytes) }

  func run(_ way: Int) -> Double {
    let start = processorNanoseconds()
    var sum: UInt32 = 0
    lists[way / 2].withUnsafeBufferPointer { list in
      guard let list = list.baseAddress else { return }
      for first in stride(from: 0, to: draws, by: 64) {
        if way & 1 == 0 {
          for index in first..<first + 64 { hauberk_prefetch(array + Int(list[index])) }
          for index in first..<first + 64 { sum &+= array[Int(list[index])] }
        } else {
          // All are 0, which nobody knows before they are read.
          for index in first..<first + 64 { sum &+= array[Int(list[index] &+ sum)] }
        }
      }
    }
    sink &+= UInt64(sum)
    return Double(processorNanoseconds() - start) / Double(draws)
  }
}
