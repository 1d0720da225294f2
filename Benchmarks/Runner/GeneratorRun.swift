import Contract
import Dataplane
import Memory
import Rings
import Wire

/// A worker between a generator and a null port, run on the calling thread until the generator ends.
struct GeneratorRun {
  let memory: PacketMemory
  let generator: GeneratorPort
  let null: NullPort

  func run() -> UInt64 {
    let snapshot = ClassifySnapshotBuilder.build(
      ClassifyDescription(), OwnershipDescription(members: 1, playing: [0], workers: 1))
    let shared = WorkerShared(memory: memory, first: snapshot, workers: 1, crossingCapacity: 64)
    let counters = WorkerCounters()
    let orders = SPSCRing<Order>(capacity: 16), reports = SPSCRing<Report>(capacity: 16)
    defer {
      orders.deallocate()
      reports.deallocate()
      counters.deallocate()
      shared.deallocate()
      ClassifySnapshotBuilder.destroy(snapshot)
    }
    var worker = GeneratorWorker(
      number: 0, link: .ethernet, shared: shared, counters: counters, orders: orders, reports: reports,
      receive: generator, transmit: null)
    WorkerLife.run(&worker) { hotRunGeneratorWorker(&$0, $1, $2) }
    return counters.keptPackets
  }
}
