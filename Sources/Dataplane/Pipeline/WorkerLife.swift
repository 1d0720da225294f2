import Rings
import Contract
package import Memory

/// What surrounds a worker's loop: the room for its bursts, its place among the readers of snapshots, its last word.
package enum WorkerLife {
  package static func run<Receive: ReceivePort, Transmit: TransmitPort, Clock: StageClock>(
    _ worker: inout Worker<Receive, Transmit, Clock>,
    _ hotRoot: (
      inout Worker<Receive, Transmit, Clock>, UnsafeMutablePointer<PacketRef>,
      UnsafeMutablePointer<PacketRef>
    ) -> Void
  ) {
    let refs = UnsafeMutableRawPointer.allocate(
      byteCount: 2 * Burst.capacity * MemoryLayout<PacketRef>.stride, alignment: 128
    ).bindMemory(to: PacketRef.self, capacity: 2 * Burst.capacity)
    defer { UnsafeMutableRawPointer(refs).deallocate() }
    worker.quiescence.enter(worker.number)
    hotRoot(&worker, refs, refs + Burst.capacity)
    worker.quiescence.leave(worker.number)
    var report = Report(
      .stopped, worker: UInt8(worker.number), value: worker.stages.counters.receivedPackets)
    _ = worker.reports.enqueue(&report, 1)
  }
}
