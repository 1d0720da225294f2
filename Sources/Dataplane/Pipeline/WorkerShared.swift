package import Memory
package import Rings

/// What all workers of a process have in common. Trivial handles; the owner frees what is behind them.
package struct WorkerShared: @unchecked Sendable {
  package let memory: PacketMemory
  package let cell: SnapshotCell<ClassifySnapshot>
  package let quiescence: Quiescence
  package let crossing: Crossing

  package init(
    memory: PacketMemory, first: UnsafePointer<ClassifySnapshot>, workers: Int, crossingCapacity: Int
  ) {
    self.memory = memory
    quiescence = Quiescence(workers: workers)
    cell = SnapshotCell(first, quiescence: quiescence)
    crossing = Crossing(workers: workers, capacity: crossingCapacity)
  }

  package func deallocate() {
    cell.deallocate()
    quiescence.deallocate()
    crossing.deallocate()
  }
}
