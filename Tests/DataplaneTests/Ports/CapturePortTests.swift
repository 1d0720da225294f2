@testable import Dataplane
import Memory
import PacketMaking
import Testing
import Wire

/// Captures in, captures out: every packet, every byte, every time stamp.
@Suite struct CapturePortTests {
  struct Packet: Equatable {
    var octets: [UInt8]
    var seconds: Int64
    var nanoseconds: UInt32
    var wireLength: UInt32
  }

  /// Reads a file through the port; writes it through the output too if asked.
  static func read(_ path: String, writing out: String? = nil) throws -> (packets: [Packet], input: CaptureInput) {
    let input = try CaptureInput(.path(path))
    let memory = try PortMemory()
    var port = CapturePort(input, frames: memory.frames)
    let output = try out.map {
      try CaptureOutput(
        .path($0), linkNumber: input.linkNumber, snapshotLength: input.snapshotLength,
        hasNanoseconds: input.hasNanoseconds, memory: memory.memory)
    }
    var packets: [Packet] = []
    memory.drain(&port) { ref in
      let header = memory.header(ref)
      packets.append(
        Packet(
          octets: memory.octets(ref), seconds: header.seconds, nanoseconds: header.nanoseconds,
          wireLength: header.wireLength))
      output?.write(ref)
    }
    output?.check()
    output?.close()
    #expect(output?.fault == nil)
    #expect(memory.freeFrames == 1024)
    return (packets, input)
  }

  static func records(_ link: LinkType, fractions: UInt32) -> [Record] {
    var random = Seeded(seed: UInt64(fractions) + UInt64(link.rawValue))
    return (0..<150).map { number in
      let frame = linkFrame(link, isIPv6: random.chance(of: 2), &random)
      return Record(
        1_700_000_000 + UInt32(number), UInt32(random.below(Int(fractions))), frame,
        wireLength: number % 9 == 0 ? UInt32(frame.count + 100) : nil)
    }
  }

  static func packets(_ records: [Record], nanoseconds: Bool) -> [Packet] {
    records.map {
      Packet(
        octets: $0.octets, seconds: Int64($0.seconds), nanoseconds: nanoseconds ? $0.fraction : $0.fraction * 1000,
        wireLength: $0.wireLength)
    }
  }

  @Test(arguments: LinkType.allCases, [false, true])
  func `a capture of every link type comes through unchanged`(_ link: LinkType, _ nanoseconds: Bool) throws {
    let folder = TemporaryFolder()
    let records = Self.records(link, fractions: nanoseconds ? 1_000_000_000 : 1_000_000)
    for order in FileOrder.both {
      let file = pcapFile(link: fileNumber(link), order: order, nanoseconds: nanoseconds, snapshotLength: 9999, records)
      let path = folder.file("in.pcap", file)
      let first = try Self.read(path, writing: folder.path + "/out.pcap")
      expectSame(first.packets, Self.packets(records, nanoseconds: nanoseconds))
      #expect(first.input.link == link)
      #expect(first.input.hasNanoseconds == nanoseconds)
      #expect(first.input.fault == nil)
      // What is written is a file of this machine's order, and otherwise the same octets.
      let own = pcapFile(
        link: fileNumber(link), nanoseconds: nanoseconds, snapshotLength: 9999, records)
      expectSame(folder.read("out.pcap"), own)
    }
  }

  @Test(arguments: [false, true], [false, true])
  func `pcapng comes through as pcap in nanoseconds`(_ isBig: Bool, _ nanoseconds: Bool) throws {
    let folder = TemporaryFolder()
    let records = Self.records(.ethernet, fractions: nanoseconds ? 1_000_000_000 : 1_000_000)
    let path = folder.file("in.pcapng", pcapngFile(order: FileOrder(isBig: isBig), nanoseconds: nanoseconds, records))
    let first = try Self.read(path, writing: folder.path + "/out.pcap")
    expectSame(first.packets, Self.packets(records, nanoseconds: nanoseconds))
    #expect(first.input.hasNanoseconds)
    let again = try Self.read(folder.path + "/out.pcap")
    expectSame(again.packets, first.packets)
    #expect(again.input.link == .ethernet)
  }

  @Test(arguments: [70_000, 150_000, 262_144])
  func `packets beyond 64 KiB come through`(_ length: Int) throws {
    let folder = TemporaryFolder()
    var random = Seeded(seed: UInt64(length))
    let large = ethernet(.ipv4, ipv4(.udp, totalLength: 0, udp())) + random.octets(length - 42)
    let small = ethernet(.ipv4, ipv4(.udp, udp()))
    let records = [Record(1, 1, small), Record(1, 2, large), Record(1, 3, small), Record(1, 4, large)]
    for file in [pcapFile(records), pcapngFile(records)] {
      let path = folder.file("large.pcap", file)
      let first = try Self.read(path, writing: folder.path + "/out.pcap")
      expectSame(first.packets, Self.packets(records, nanoseconds: false))
      try expectSame(Self.read(folder.path + "/out.pcap").packets, first.packets)
    }
  }

  @Test func `more large packets than large frames wait for their turn`() throws {
    let folder = TemporaryFolder()
    let large = Record(1, 1, [UInt8](repeating: 7, count: 3000))
    let path = folder.file("many.pcap", pcapFile([Record](repeating: large, count: 300)))
    #expect(try Self.read(path).packets.count == 300)
  }

  @Test func `a packet that finds no frame waits, and none is lost`() throws {
    let folder = TemporaryFolder()
    let records = (0..<400).map { Record(UInt32($0), 0, ethernet(.ipv4, ipv4(.udp, udp(big(UInt32($0)))))) }
    let memory = try PortMemory(frames: 128)
    var port = CapturePort(try CaptureInput(.path(folder.file("in.pcap", pcapFile(records)))), frames: memory.frames)
    let refs = UnsafeMutablePointer<PacketRef>.allocate(capacity: Burst.capacity)
    defer { refs.deallocate() }
    var held: [PacketRef] = []
    var seen: [[UInt8]] = []
    var isOpen = true, dryTurns = 0
    while isOpen {
      var burst = Burst(refs)
      isOpen = port.receive(into: &burst)
      held += (0..<burst.count).map { refs[$0] }
      if burst.count == 0, isOpen {
        dryTurns += 1
        seen += held.map { memory.octets($0) }
        for ref in held { memory.frames.give(ref) }
        held = []
      }
    }
    seen += held.map { memory.octets($0) }
    for ref in held { memory.frames.give(ref) }
    #expect(dryTurns >= 3)
    expectSame(seen, records.map(\.octets))
  }

  @Test func `gzip is read like the file inside`() throws {
    let folder = TemporaryFolder()
    let records = Self.records(.ethernet, fractions: 1_000_000)
    for plain in [pcapFile(records), pcapngFile(records)] {
      let path = folder.file("in.gz", gzipFile(plain))
      try expectSame(Self.read(path).packets, Self.packets(records, nanoseconds: false))
    }
  }

  @Test func `a compressed file that is cut or damaged gives what is whole, and says so`() throws {
    let folder = TemporaryFolder()
    let records = Self.records(.ethernet, fractions: 1_000_000)
    let whole = gzipFile(pcapFile(records))
    let cut = try Self.read(folder.file("cut.gz", Array(whole.dropLast(4000))))
    #expect(cut.packets.count > 0 && cut.packets.count < 150)
    #expect(cut.input.fault?.kind == .damaged)
    let noEnd = try Self.read(folder.file("end.gz", Array(whole.dropLast(8))))
    #expect(noEnd.packets.count == 150)
    #expect(noEnd.input.fault?.kind == .damaged)
    var flipped = whole
    flipped[whole.count - 8] ^= 1  // the checksum
    let path = folder.file("sum.gz", flipped)
    // zlib may give nothing of the last piece it read, so a small file may be refused whole. Silence is wrong.
    do {
      #expect(try Self.read(path).input.fault?.kind == .damaged)
    } catch let error as CaptureError {
      #expect(error.kind == .unreadable && error.description.contains("incorrect data check"))
    }
  }

  @Test func `a capture that ends inside a packet gives those before, and says so`() throws {
    let folder = TemporaryFolder()
    let records = Self.records(.ethernet, fractions: 1_000_000)
    let file = pcapFile(records)
    let last = records.last!.octets.count
    for lost in [1, last, last + 1, last + 15] {
      let cut = try Self.read(folder.file("cut.pcap", Array(file.dropLast(lost))))
      expectSame(cut.packets, Self.packets(records.dropLast(), nanoseconds: false))
      #expect(cut.input.fault?.kind == .damaged)
      #expect(cut.input.fault?.description.contains("ends early") == true)
    }
    let exact = try Self.read(folder.file("exact.pcap", Array(file.dropLast(last + 16))))
    #expect(exact.packets.count == 149 && exact.input.fault == nil)
  }

  @Test func `what is no capture is refused in a sentence that names it`() throws {
    let folder = TemporaryFolder()
    func refusal(_ source: CaptureInput.Source, _ filter: String? = nil) -> CaptureError? {
      do throws(CaptureError) {
        _ = try CaptureInput(source, filter: filter)
        return nil
      } catch {
        return error
      }
    }
    let radio = refusal(.path(folder.file("radio", pcapFile(link: 127, []))))
    #expect(radio?.kind == .unreadable && radio?.description.contains("IEEE802_11_RADIO") == true)
    #expect(refusal(.path(folder.file("odd", pcapFile(link: 60_000, []))))?.kind == .unreadable)
    #expect(refusal(.path(folder.file("empty", [])))?.description.contains("it is empty") == true)
    #expect(refusal(.path(folder.file("text", text("hello, is this a capture?"))))?.kind == .unreadable)
    #expect(refusal(.path(folder.path))?.description.contains("it is a folder") == true)
    #expect(refusal(.path(folder.path + "/none"))?.description.contains("No such file") == true)
    #expect(refusal(.path(folder.file("good", pcapFile([]))), "udp and and")?.kind == .filter)
    #expect(refusal(.path(folder.path + "/good"), "udp") == nil)
  }

  @Test func `a filter lets through what it matches`() throws {
    let folder = TemporaryFolder()
    let frames = (0..<100).map { ethernet(.ipv4, $0 % 4 == 0 ? ipv4(.tcp, tcp()) : ipv4(.udp, udp())) }
    let path = folder.file("in.pcap", pcapFile(frames.map { Record(0, 0, $0) }))
    let input = try CaptureInput(.path(path), filter: "tcp")
    var count = 0
    while input.nextFrame() != nil { count += 1 }
    #expect(count == 25)
  }

  @Test func `an output that cannot be written says so`() throws {
    let memory = try PortMemory()
    func output(_ path: String) throws -> CaptureOutput {
      try CaptureOutput(
        .path(path), linkNumber: 1, snapshotLength: 65535, hasNanoseconds: true, memory: memory.memory)
    }
    #expect(throws: CaptureError.self) { try output("/nowhere/out.pcap") }
    #expect(throws: CaptureError.self) { try output("/tmp") }
    let full = try output("/dev/full")
    full.close()
    #expect(full.fault?.kind == .unwritable)
  }
}
