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
    withRoom({ hotRoot(&worker, $0, $1) }, around: (worker.number, worker.quiescence))
    var report = Report(
      .stopped, worker: UInt8(worker.number), value: worker.stages.counters.receivedPackets)
    _ = worker.reports.enqueue(&report, 1)
  }

  package static func run(_ worker: inout LiveWorker) {
    withRoom({ hotRunLiveWorker(&worker, $0, $1) }, around: (worker.number, worker.quiescence))
  }

  private static func withRoom(
    _ body: (UnsafeMutablePointer<PacketRef>, UnsafeMutablePointer<PacketRef>) -> Void,
    around worker: (number: Int, quiescence: Quiescence)
  ) {
    let refs = UnsafeMutableRawPointer.allocate(
      byteCount: 2 * Burst.capacity * MemoryLayout<PacketRef>.stride, alignment: 128
    ).bindMemory(to: PacketRef.self, capacity: 2 * Burst.capacity)
    defer { UnsafeMutableRawPointer(refs).deallocate() }
    worker.quiescence.enter(worker.number)
    body(refs, refs + Burst.capacity)
    worker.quiescence.leave(worker.number)
  }
}
