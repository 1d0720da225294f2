import Contract
@testable import Dataplane
import Memory
import Testing

/// What a worker keeps in mind of its lease and of its table, receive by receive.
@Suite struct WatchTests {
  /// Bursts that a watch takes for what may have come before, however full they are.
  private let most = 128

  // In objects, which expectations may change.
  private final class Tables {
    var watch: TableWatch
    init(_ watch: TableWatch) { self.watch = watch }

    func look() { watch.look() }
    func table(_ side: Side, _ received: Int) -> UnsafePointer<Disposition> { watch.table(side, received) }
    var settled: UnsafeRawPointer? { watch.settled.map(UnsafeRawPointer.init) }
  }

  private final class Lease {
    var watch: LeaseWatch
    init(_ watch: LeaseWatch) { self.watch = watch }

    func prepare() { watch.prepare() }
    func look() -> Bool { watch.look() }
    func refuses(_ side: Side, _ received: Int) -> Bool { watch.refuses(side, received) }
    func refusesCrossed(_ count: Int) -> Bool { watch.refusesCrossed(count) }
    var isAside: Bool { watch.isAside }
  }

  private func withTables(_ body: (OwnershipCell, Tables) -> Void) {
    let cell = OwnershipCell(PipedMember.all(of: 0))
    body(cell, Tables(TableWatch(cell)))
    cell.deallocate()
  }

  /// One receive of so many, by which table it is judged.
  private func table(_ watch: Tables, _ side: Side, _ received: Int) -> UnsafeRawPointer {
    watch.look()
    return UnsafeRawPointer(watch.table(side, received))
  }

  @Test(arguments: [0, 1, 63])
  func `a table counts from the burst behind one that was not full, on each side by itself`(_ count: Int) {
    withTables { cell, watch in
      let first = UnsafeRawPointer(cell.load())
      #expect(table(watch, .inside, 5) == first && watch.settled == first)
      let old = cell.replace(by: PipedMember.all(of: 1))
      let next = UnsafeRawPointer(cell.load())
      #expect(old == first && next != first)
      for _ in 0..<3 { #expect(table(watch, .inside, 64) == first) }
      #expect(table(watch, .inside, count) == first && watch.settled == nil)
      #expect(table(watch, .inside, 64) == next && watch.settled == nil)
      #expect(table(watch, .outside, 64) == first && watch.settled == nil)
      #expect(table(watch, .outside, count) == first)
      #expect(watch.settled == next && table(watch, .outside, 1) == next)
      old.deallocate()
    }
  }

  @Test func `what came to one member alone goes by a new table at once, however full its ring is`() {
    withTables { cell, watch in
      var forwarding = PipedMember.all(of: 1)
      forwarding.foreign = .forwarded
      let old = cell.replace(by: forwarding)
      let next = UnsafeRawPointer(cell.load())
      #expect(table(watch, .inside, 64) == next && watch.settled == nil)
      #expect(table(watch, .outside, 64) == next && watch.settled == next)
      old.deallocate()
    }
  }

  @Test func `a ring that is never empty holds a table back for as much as it can hold`() {
    withTables { cell, watch in
      let old = cell.replace(by: PipedMember.all(of: 1))
      let next = UnsafeRawPointer(cell.load())
      for _ in 0..<most { #expect(table(watch, .inside, 64) == old) }
      #expect(table(watch, .inside, 64) == next && table(watch, .outside, 64) == old)
      old.deallocate()
    }
  }

  @Test func `a receive that found nothing before the table was published says nothing of what came until then`() {
    withTables { cell, watch in
      watch.look()
      let old = cell.replace(by: PipedMember.all(of: 1))
      let next = UnsafeRawPointer(cell.load())
      #expect(UnsafeRawPointer(watch.table(.inside, 0)) == old && watch.settled == old)
      #expect(table(watch, .inside, 10) == old && table(watch, .inside, 1) == next)
      old.deallocate()
    }
  }

  @Test func `another table before the last one counted begins it again, and the one between never counts`() {
    withTables { cell, watch in
      let first = cell.replace(by: PipedMember.all(of: 1))
      #expect(table(watch, .inside, 64) == first)
      let second = cell.replace(by: PipedMember.all(of: 0))
      let third = UnsafeRawPointer(cell.load())
      #expect(table(watch, .inside, 64) == first && table(watch, .inside, 0) == first)
      #expect(table(watch, .inside, 1) == third && table(watch, .outside, 0) == first)
      #expect(watch.settled == third)
      first.deallocate()
      second.deallocate()
    }
  }

  private func withLease(_ body: (ClusterDesk, Lease) -> Void) {
    let desk = ClusterDesk(units: [], own: 0, macs: PipedGateway.macs)
    body(desk, Lease(LeaseWatch(desk)))
    desk.deallocate()
  }

  private func refuses(_ watch: Lease, _ side: Side, _ received: Int) -> Bool {
    watch.prepare()
    _ = watch.look()
    return watch.refuses(side, received)
  }

  @Test func `what came before a lease began is thrown away on each side, until a burst is not full`() {
    withLease { desk, watch in
      #expect(refuses(watch, .inside, 64) && refuses(watch, .outside, 1))
      desk.lease(until: .max)
      #expect(refuses(watch, .inside, 64) && watch.isAside)
      #expect(refuses(watch, .inside, 63) && !refuses(watch, .inside, 64))
      #expect(!refuses(watch, .outside, 0) && !refuses(watch, .outside, 1) && !watch.isAside)
      // Prolonged: nothing has come between.
      desk.lease(until: .max - 1)
      #expect(!refuses(watch, .inside, 1))
      desk.beginAnew()
      for _ in 0..<most { #expect(refuses(watch, .inside, 64)) }
      #expect(!refuses(watch, .inside, 64) && watch.isAside && refuses(watch, .outside, 1))
      desk.lease(until: 1)
      #expect(refuses(watch, .inside, 1) && watch.isAside)
    }
  }

  @Test func `a receive that found nothing before the beginning says nothing of what came until then`() {
    withLease { desk, watch in
      watch.prepare()
      desk.beginAnew()
      desk.lease(until: .max)
      #expect(watch.look() && !watch.refuses(.inside, 0))
      #expect(refuses(watch, .inside, 10) && !refuses(watch, .inside, 10))
    }
  }

  @Test func `what others sent over before the beginning is thrown away, once`() {
    withLease { desk, watch in
      #expect(!watch.refusesCrossed(10))
      desk.lease(until: .max)
      #expect(watch.look() && !watch.look())
      #expect(watch.refusesCrossed(64) && watch.refusesCrossed(10) && !watch.refusesCrossed(10))
      desk.beginAnew()
      #expect(watch.look() && !watch.refusesCrossed(0) && !watch.refusesCrossed(64))
    }
  }
}
