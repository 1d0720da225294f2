import Foundation
import Glibc
import PacketMaking
import Testing

/// An interrupt ends a replay early, and in good order.
@Suite struct SignalTests {
  @Test(arguments: [SIGINT, SIGTERM])
  func `a paced replay delivers what was processed`(_ signal: Int32) throws {
    let folder = Folder()
    let input = folder.write("in.pcap", pcapFile(Samples.flows(2000)))
    // A minute's worth of packets, which nobody waits for.
    let process = Program.start(
      ["replay", input, "--rate", "50", "--json", "--out", folder.path("out.pcap")], input: "/dev/null",
      output: folder.path("stdout"), error: folder.path("stderr"))
    // The output's beginning is not flushed while it runs: from its opening on, time is all there is to go by.
    let deadline = Date().addingTimeInterval(30)
    while access(folder.path("out.pcap"), F_OK) != 0, Date() < deadline { usleep(10_000) }
    usleep(1_000_000)
    #expect(kill(process, signal) == 0)
    let (code, timedOut) = Program.wait(for: process, limit: 20)
    let run = Run(
      code: code, output: folder.read("stdout"), error: String(decoding: folder.read("stderr"), as: UTF8.self),
      timedOut: timedOut)
    #expect(code == 8 && !timedOut)
    let packetsIn = try #require(run.count("packets", "in"))
    #expect(packetsIn > 0 && packetsIn < 2000)
    #expect(packetsIn == run.count("packets", "out")! + run.drops!.values.reduce(0, +))
    let records = try #require(pcapRecords(folder.read("out.pcap")))
    #expect(records == Array(Samples.flows(2000).prefix(packetsIn)))
  }
}
