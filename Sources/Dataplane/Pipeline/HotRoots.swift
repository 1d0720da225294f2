package import Contract
package import Memory
import Rings
package import Wire

// The hot roots: one concrete function for every pairing of ports. The compiler proves that none of them allocates,
// counts references or locks; the gate proves it again on the machine code (tools/hotgate). The compiler needs the whole
// module in sight for it, which only a release build has.

package typealias ReplayWorker = Worker<DealtPort, CompletionPort, TickClock>
package typealias GeneratorWorker = Worker<GeneratorPort, NullPort, NoClock>

#if WHOLE_MODULE
  @_noLocks
#endif
@inline(never)
package func hotRunReplayWorker(
  _ worker: inout ReplayWorker, _ refs: UnsafeMutablePointer<PacketRef>,
  _ crossed: UnsafeMutablePointer<PacketRef>
) {
  worker.run(refs, crossed)
}

#if WHOLE_MODULE
  @_noLocks
#endif
@inline(never)
package func hotRunGeneratorWorker(
  _ worker: inout GeneratorWorker, _ refs: UnsafeMutablePointer<PacketRef>,
  _ crossed: UnsafeMutablePointer<PacketRef>
) {
  worker.run(refs, crossed)
}

/// From one device to another, and nothing in between. Returns how many packets.
#if WHOLE_MODULE
  @_noLocks
#endif
@inline(never)
package func hotForwardXDP(_ from: XDPQueue, _ to: XDPQueue, _ refs: UnsafeMutablePointer<PacketRef>) -> Int {
  var burst = Burst(refs)
  from.receive(into: &burst)
  to.send(burst.refs, burst.count)
  to.flush()
  from.flush()
  return burst.count
}

/// The path of a burst through one worker, without ports: what the benchmark of a foreign packet runs.
package struct BurstPath {
  let stages: Stages
  let cell: SnapshotCell<ClassifySnapshot>
  let link: LinkType
  /// Where the bursts come from.
  package var side = Side.inside

  package init(_ shared: WorkerShared, _ counters: WorkerCounters, worker: UInt8, link: LinkType, esp: ESPWorker? = nil)
  {
    stages = Stages(
      memory: shared.memory.addresses, counters: counters, crossing: shared.crossing, scratch: BurstScratch(),
      worker: worker, esp: esp)
    cell = shared.cell
    self.link = link
  }
}

#if WHOLE_MODULE
  @_noLocks
#endif
@inline(never)
package func hotRunBurstPath(_ path: BurstPath, _ burst: inout Burst) {
  var clock = NoClock()
  path.stages.judge(&burst, Classifier(path.cell.load(), link: path.link, from: path.side), &clock)
}

#if WHOLE_MODULE
  @_noLocks
#endif
@inline(never)
package func hotRunLiveWorker(
  _ worker: inout LiveWorker, _ refs: UnsafeMutablePointer<PacketRef>, _ crossed: UnsafeMutablePointer<PacketRef>
) {
  worker.run(refs, crossed)
}
