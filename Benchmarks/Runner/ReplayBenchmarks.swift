import CPcap
import Contract
import Dataplane
import Glibc
import Memory
import Wire

/// Traffic made, judged and forgotten on one worker, beside the making alone: what the worker adds.
func generatedReplay(packets: Int) -> Comparison {
  Comparison(
    name: "generator, worker, null port", unit: "packet",
    ours: Runner(units: packets) { withoutFiles(packets, throughWorker: true) },
    other: Runner(units: packets) { withoutFiles(packets, throughWorker: false) },
    otherName: "generator and null port alone")
}

private func withoutFiles(_ packets: Int, throughWorker: Bool) -> UInt64 {
  guard let memory = try? PacketMemory(PacketMemorySizes(), near: nil) else { return 0 }
  let frames = FrameSource(memory)
  var description = GeneratorDescription()
  description.packets = packets
  description.size = .fixed(64)
  var generator = GeneratorPort(description, frames: frames)
  var null = NullPort(frames)
  defer {
    frames.deallocate()
    memory.deallocate()
  }
  if throughWorker {
    let worker = GeneratorRun(memory: memory, generator: generator, null: null)
    return worker.run()
  }
  let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
  defer { refs.deallocate() }
  var sum: UInt64 = 0
  while true {
    var burst = Burst(refs)
    let isOpen = generator.receive(into: &burst)
    sum &+= UInt64(burst.count)
    null.transmit(burst)
    if !isOpen { return sum }
  }
}

/// From file to file through the pipeline, beside libpcap reading and writing the same file by itself.
func fileToFile(packets: Int, workers: Int) throws -> Comparison {
  let folder = String(cString: getenv("TMPDIR") ?? strdup("/tmp"))
  let source = "\(folder)/hauberk-bench-\(getpid()).pcap"
  let target = "\(folder)/hauberk-bench-\(getpid())-out.pcap"
  try makeCapture(source, packets: packets)
  return Comparison(
    name: "file to file, \(workers) worker\(workers == 1 ? "" : "s")", unit: "packet",
    ours: Runner(units: packets) { (try? copyThroughPipeline(source, target, workers: workers)) ?? 0 },
    other: Runner(units: packets) { copyThroughLibpcap(source, target) },
    otherName: "libpcap alone, one thread")
}

func removeCaptures() {
  let folder = String(cString: getenv("TMPDIR") ?? strdup("/tmp"))
  unlink("\(folder)/hauberk-bench-\(getpid()).pcap")
  unlink("\(folder)/hauberk-bench-\(getpid())-out.pcap")
}

private func makeCapture(_ path: String, packets: Int) throws {
  let memory = try PacketMemory(PacketMemorySizes(), near: nil)
  let frames = FrameSource(memory)
  let output = try CaptureOutput(
    .path(path), linkNumber: 1, snapshotLength: 65535, hasNanoseconds: true, memory: memory)
  var description = GeneratorDescription()
  description.packets = packets
  var port = GeneratorPort(description, frames: frames)
  let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
  var isOpen = true
  while isOpen {
    var burst = Burst(refs)
    isOpen = port.receive(into: &burst)
    for index in 0..<burst.count {
      output.write(refs[index])
      frames.give(refs[index])
    }
  }
  output.close()
  refs.deallocate()
  frames.deallocate()
  memory.deallocate()
}

private func copyThroughPipeline(_ source: String, _ target: String, workers: Int) throws -> UInt64 {
  let input = try CaptureInput(.path(source))
  var description = ReplayDescription(
    ownership: OwnershipDescription(members: 1, playing: [0], workers: workers))
  description.workers = workers
  let replay = try Replay(description, link: input.link)
  let output = try CaptureOutput(
    .path(target), linkNumber: input.linkNumber, snapshotLength: input.snapshotLength,
    hasNanoseconds: input.hasNanoseconds, memory: replay.memory)
  var dealer = replay.dealer(CapturePort(input, frames: replay.frames))
  try replay.start()
  var kept: UInt64 = 0
  while dealer.turn(
    stop: false,
    deliver: { ref in
      if ref.verdict == 0 {
        output.write(ref)
        kept &+= 1
      }
    })
  {}
  replay.stop()
  output.close()
  dealer.deallocate()
  replay.deallocate()
  return kept
}

private func copyThroughLibpcap(_ source: String, _ target: String) -> UInt64 {
  var error = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
  guard let pcap = pcap_open_offline_with_tstamp_precision(source, UInt32(PCAP_TSTAMP_PRECISION_NANO), &error),
    let dumper = pcap_dump_open(pcap, target)
  else { return 0 }
  var header: UnsafeMutablePointer<pcap_pkthdr>?
  var bytes: UnsafePointer<UInt8>?
  var copied: UInt64 = 0
  while pcap_next_ex(pcap, &header, &bytes) == 1 {
    pcap_dump(UnsafeMutableRawPointer(dumper).assumingMemoryBound(to: UInt8.self), header, bytes)
    copied &+= 1
  }
  pcap_dump_close(dumper)
  pcap_close(pcap)
  return copied
}
