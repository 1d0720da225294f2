import Contract
import ControlKit
import Testing

@testable import Cluster

@Suite("Load by packets (C16)")
struct LoadTests {
  /// A table and the true load of every set, a round every two seconds. What moves has moved by the next round.
  private struct World {
    var assignment = Assignment(term: 1)
    var loads: [Int]
    var units: [MemberNumber]
    var now: Moment = 1000 * .second
    var moves = [Int](repeating: 0, count: 1024)

    init(_ loads: [Int], _ units: [MemberNumber]) {
      self.loads = loads
      self.units = units
      assignment.weigh([Int](repeating: 0, count: 1024), members: units.count)
      assignment.distribute(units)
    }

    /// By what members say of their loads, which need not be true.
    mutating func round(_ told: [Int]? = nil) -> Int {
      assignment.weigh(told ?? loads, members: units.count)
      let moved = assignment.level(units, most: 64, rest: 30 * .second, now: now)
      let table = assignment.publish(term: 1)
      for set in 0..<1024 where table[set].state == .pending { moves[set] += 1 }
      for unit in units { assignment.note(unit, runs: WorkSetBitmap(), by: table.version) }
      now += 2 * .second
      return moved
    }

    mutating func settle() { for _ in 0..<60 { _ = round() } }

    func rate(_ unit: MemberNumber) -> Int {
      var rate = 0
      assignment.sets(of: unit).forEach { rate += loads[$0] }
      return rate
    }
    var rates: [Int] { units.map(rate) }
    var band: Int { loads.reduce(0, +) / units.count / 16 }
  }

  private func zipf(_ seed: UInt64, total: Double = 1_000_000) -> [Int] {
    var chance = Jitter(seed: seed)
    var loads = (0..<1024).map { Int(total / 7.5 / Double($0 + 1)) }
    for place in loads.indices.reversed() { loads.swapAt(place, Int(chance.between(0, UInt64(place + 1)))) }
    return loads
  }

  @Test("Elephants are spread", arguments: [2, 3, 5, 8])
  func elephants(_ members: Int) {
    var loads = [Int](repeating: 10, count: 1024)
    // All of them on the first member.
    var world = World(loads, (0..<members).map { MemberNumber($0) })
    var herd: [Int] = []
    world.assignment.sets(of: 0).forEach { if herd.count < members { herd.append($0) } }
    for set in herd { loads[set] = 100_000 }
    world.loads = loads
    world.settle()
    #expect(world.units.allSatisfy { unit in herd.count { world.assignment.sets(of: unit).contains($0) } == 1 })
  }

  @Test("A single elephant stays where it is, and others make room for it", arguments: [2, 3, 6])
  func elephant(_ members: Int) {
    var world = World([Int](repeating: 100, count: 1024), (0..<members).map { MemberNumber($0) })
    let elephant = world.assignment.sets(of: 1).first!
    world.loads[elephant] = 60_000
    world.settle()
    #expect(world.assignment.sets(of: 1).contains(elephant) && world.moves[elephant] == 0)
    #expect(world.assignment.sets(of: 1).count < 1024 / members * 2 / 3)
    let others = world.units.filter { $0 != 1 }.map(world.rate)
    #expect(others.max()! - others.min()! <= 2 * world.band)
  }

  @Test("Skewed loads come within the heaviest set and an eighth of the mean", arguments: [1, 2, 3, 4, 5] as [UInt64])
  func skewed(_ seed: UInt64) {
    for members in [2, 3, 7, 16] {
      var world = World(zipf(seed), (0..<members).map { MemberNumber($0) })
      world.settle()
      let least = world.rates.min()!
      for unit in world.units {
        var heaviest = 0
        world.assignment.sets(of: unit).forEach { heaviest = max(heaviest, world.loads[$0]) }
        #expect(world.rate(unit) - least <= heaviest + 3 * world.band, "\(members) members: \(world.rates)")
      }
      #expect(world.round() == 0)
    }
  }

  @Test("Means that waver by a fifth move nothing any more, once loads are even", arguments: [1, 2, 3] as [UInt64])
  func noise(_ seed: UInt64) {
    var chance = Jitter(seed: seed)
    var world = World(zipf(seed), [0, 1, 2])
    var meter = LoadMeter(over: 10 * .second)
    var counters = [UInt64](repeating: 0, count: 1024)
    var moved: [Int] = []
    for _ in 0..<300 {
      var report = LoadReport()
      for _ in 0..<2 {
        for set in 0..<1024 { counters[set] += UInt64(world.loads[set]) * chance.between(800, 1201) / 1000 }
        report = meter.measure(counters, running: .all, after: .second)
      }
      moved.append(world.round((0..<1024).map { report[$0] ?? 0 }))
    }
    #expect(moved.prefix(50).reduce(0, +) > 0)
    #expect(moved.suffix(200).reduce(0, +) == 0, "\(moved)")
  }

  @Test("Whatever loads do, no set moves oftener than its rest lets it, and that doubles")
  func bounces() {
    var chance = Jitter(seed: 7)
    var world = World(zipf(1), [0, 1, 2])
    var moved = 0
    // Ten minutes in which nothing that is said of a load holds for two seconds.
    for _ in 0..<300 {
      moved += world.round((0..<1024).map { _ in Int(chance.between(0, 30) * chance.between(0, 30)) })
    }
    #expect(moved > 1000)
    // After 0, 30, 90, 210 and 450 s.
    #expect(world.moves.max()! <= 5)
  }

  @Test("Nothing moves where there is next to nothing to do")
  func idle() {
    var world = World([Int](repeating: 0, count: 1024), [0, 1, 2])
    var sets: [Int] = []
    world.assignment.sets(of: 0).forEach { sets.append($0) }
    for set in sets.prefix(50) { world.loads[set] = 5 }
    #expect(world.round() == 0)
    for set in sets.prefix(50) { world.loads[set] = 50 }
    #expect(world.round() > 0)
  }

  @Test("Sets without packets are even by number: a new member has as many as the others", arguments: [1, 2, 40])
  func light(_ members: Int) {
    var world = World([Int](repeating: 0, count: 1024), (0..<members).map { MemberNumber($0) })
    world.units.append(63)
    world.settle()
    let counts = world.units.map { world.assignment.load[Int($0)] }
    #expect(counts.max()! - counts.min()! <= 1)
  }

  @Test("A dead member's sets go to the others by what they weigh, the heaviest first (C17, X11)")
  func dead() {
    var world = World(zipf(3), [0, 1, 2, 3])
    world.settle()
    world.units = [0, 1, 2]
    world.assignment.remove(3, world.units)
    world.assignment.distribute(world.units)
    #expect(world.rates.max()! - world.rates.min()! <= 3 * world.band, "\(world.rates)")
    #expect(world.rates.reduce(0, +) == world.loads.reduce(0, +))
  }

  @Test("What a member carries is what its sets weigh, whatever comes and goes", arguments: [1, 2, 3] as [UInt64])
  func model(_ seed: UInt64) {
    var chance = Jitter(seed: seed)
    var world = World(zipf(seed), [0])
    for _ in 0..<200 {
      let unit = MemberNumber(chance.between(0, 8))
      if !world.units.contains(unit) {
        world.units.append(unit)
        world.assignment.admit(unit)
      } else if world.units.count > 1, chance.happens(300_000) {
        world.units.removeAll { $0 == unit }
        world.assignment.remove(unit, world.units)
      } else if world.units.count > 1, chance.happens(300_000) {
        world.assignment.drain(unit, world.units.filter { $0 != unit }, most: 1024)
      }
      world.assignment.distribute(world.units)
      _ = world.round()
      for unit in 0..<64 as Range<MemberNumber> {
        var rate = 0
        for set in 0..<1024 where world.assignment.table[set].member == unit {
          rate += world.assignment.table[set].state == .unassigned ? 0 : world.loads[set]
        }
        #expect(world.assignment.weights?.rate[Int(unit)] == rate)
      }
    }
  }
}

@Suite("What a member's work costs, in a message")
struct LoadReportTests {
  @Test("An octet holds any rate to within four hundredths; nothing said is not nothing")
  func octets() {
    var report = LoadReport()
    #expect(report[5] == nil)
    report[5] = 0
    #expect(report[5] == 0)
    var rate = 1
    while rate < 40_000_000 {
      report[7] = rate
      #expect(abs(report[7]! - rate) * 100 <= 4 * rate + 100, "\(rate) became \(report[7]!)")
      rate += max(1, rate / 37)
    }
    report[7] = .max
    #expect(report[7]! > 40_000_000)
  }

  @Test("A mean is there within seconds, and follows a change in ten")
  func mean() {
    var meter = LoadMeter(over: 10 * .second)
    var counters = [UInt64](repeating: 1_000_000, count: 1024)
    let running = WorkSetBitmap([3])
    #expect(meter.measure(counters, running: running, after: 0)[3] == nil)
    func second(_ packets: UInt64) -> LoadReport {
      counters[3] += packets
      counters[4] += packets
      return meter.measure(counters, running: running, after: .second)
    }
    #expect(second(1000)[3] == nil && second(1000)[3] == nil)
    let first = second(1000)
    #expect(first[3].map { abs($0 - 1000) < 40 } == true && first[4] == nil && first.packetsPerSecond == 1000)
    var report = first
    for _ in 0..<10 { report = second(3000) }
    #expect(report[3].map { (2000...2800).contains($0) } == true)
    for _ in 0..<60 { report = second(0) }
    #expect(report[3].map { $0 < 12 } == true)
    // Another member's since then: what it had before is not what it has when it comes back.
    _ = meter.measure(counters, running: WorkSetBitmap(), after: .second)
    _ = (second(500), second(500))
    #expect(second(500)[3].map { abs($0 - 500) < 20 } == true)
  }
}

@Suite("Members tell each other what their work costs, and the master deals by it")
struct LoadSharingTests {
  private func report(_ loads: [Int: Int]) -> LoadReport {
    var report = LoadReport()
    for set in 0..<1024 { report[set] = loads[set] ?? 0 }
    report.packetsPerSecond = UInt32(loads.values.reduce(0, +))
    return report
  }

  @Test("A member's word goes to all, and is shown beside its sets; after five seconds it is none")
  func told() {
    var bench = Bench.client()
    let directives = bench.unit.receive(.measured(report([1: 700])), now: bench.now)
    #expect(directives.messages() == [.load(report([1: 700]))])
    #expect(bench.unit.snapshot(now: bench.now).packetsPerSecond == [Bench.own: 700])
    // Its master's as well.
    _ = bench.receive(.load(report([2: 40])), from: 1, term: bench.unit.term)
    #expect(bench.unit.snapshot(now: bench.now).packetsPerSecond == [Bench.own: 700, 1: 40])
    var master = Bench.master()
    _ = master.admit(3)
    _ = master.receive(.load(report([1: 700])), from: 3, term: master.unit.term)
    #expect(master.unit.snapshot(now: master.now).packetsPerSecond[3] == 700)
    _ = master.receive(.load(report([1: 900])), from: 3, term: master.unit.term + 256)
    #expect(master.unit.snapshot(now: master.now).packetsPerSecond[3] == 700)
    for _ in 0..<260 {
      _ = master.pass(20 * .millisecond)
      _ = master.keepalive(from: 3)
    }
    #expect(master.unit.snapshot(now: master.now).packetsPerSecond[3] == nil)
  }

  @Test("Outside nobody is told")
  func outside() {
    var bench = Bench()
    #expect(bench.unit.receive(.measured(report([:])), now: bench.now).messages().isEmpty)
  }

  @Test("By packets, an elephant's member has fewer sets; by sets it has as many", arguments: [true, false])
  func dealt(_ isByPackets: Bool) {
    var bench = Bench.master(balance: isByPackets ? .packets : .sets)
    _ = bench.admit(3)
    var loads = [Int: Int]()
    for set in 0..<1024 { loads[set] = 100 }
    loads[0] = 60_000
    for _ in 0..<1500 {
      _ = bench.pass(20 * .millisecond)
      _ = bench.keepalive(from: 3, running: bench.table.sets(of: 3))
      bench.workersStop()
      guard bench.now / (20 * .millisecond) % 50 == 0 else { continue }
      _ = bench.unit.receive(.measured(report(loads)), now: bench.now)
      _ = bench.receive(.load(report(loads)), from: 3, term: bench.unit.term)
    }
    let elephants = bench.table[0].member
    let count = bench.table.sets(of: elephants).count
    #expect(isByPackets ? (150...260).contains(count) : count == 512)
  }

  @Test("Nobody's set moves by packets before everybody who has work has said what it costs")
  func unsaid() {
    var bench = Bench.master(balance: .packets)
    _ = bench.admit(3)
    for _ in 0..<300 {
      _ = bench.pass(20 * .millisecond)
      _ = bench.keepalive(from: 3, running: bench.table.sets(of: 3))
      bench.workersStop()
    }
    #expect(bench.table.sets(of: 3).isEmpty)
  }
}
