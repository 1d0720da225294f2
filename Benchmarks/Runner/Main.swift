import CAllocationCount
import CLI
import Dataplane
import Glibc

/// `hauberk-bench`: each part of the pipeline beside its ceiling, in one run.
@main
struct Main {
  private static let options: [Option] = [
    Option("--rounds", "N", "interleaved pairs of each comparison (default 9)"),
    Option("--only", "TEXT", "only those whose name contains TEXT, such as foreign or ring"),
    Option("--json", "FILE", "write all figures as JSON"),
    Option("--svg", "FILE", "write a picture"),
    Option("--esp", nil, "sealing and opening beside C on intel-ipsec-mb, as a table of its own"),
    Option("--scaling", nil, "what a second worker adds when packets are sealed"),
    Option("--lookups", nil, "finding an SA and a policy among 1 to 100 000"),
    Option("--ports", nil, "AF_XDP beside AF_PACKET, as root"),
    Option("--routes", nil, "finding a route among 1 to 1 000 000"),
    Option("--tunnels", nil, "what 10 000 tunnels cost a gateway: start, reload, memory; as root"),
    Option("--list", nil, "name the comparisons"),
    Option("--repeat", "N", "run our side of the chosen ones N times, and nothing else: for instruction counts"),
    Option("--allocations", nil, "fail if our side of a hot path allocates once it is warm"),
  ]

  static func main() {
    do {
      if ParsedArguments.askForHelp(CommandLine.arguments) {
        for option in options { print(Format.left("  \(option.name) \(option.placeholder ?? "")", 18), option.help) }
        exit(0)
      }
      let parsed = try ParsedArguments(Array(CommandLine.arguments.dropFirst()), options)
      exit(try run(parsed))
    } catch {
      Console.note("hauberk-bench: \(error)")
      exit(2)
    }
  }

  private static func run(_ parsed: ParsedArguments) throws -> Int32 {
    let wanted = parsed.value("--only") ?? ""
    let rounds = try parsed.integer("--rounds", in: 1...1001) ?? 9
    if parsed.has("--esp") { return try measureESP(rounds: parsed.integer("--rounds", in: 1...1001) ?? 41, wanted) }
    if parsed.has("--scaling") { return try measureScaling(rounds: rounds, wanted) }
    if parsed.has("--lookups") { return try measureLookUps(rounds: rounds) }
    if parsed.has("--ports") { return try measurePorts(rounds: rounds) }
    if parsed.has("--routes") { return try measureRoutes(rounds: rounds) }
    if parsed.has("--tunnels") { return try measureTunnels(rounds: rounds) }
    let comparisons = try comparisons(wanted)
    defer { removeCaptures() }
    if parsed.has("--list") {
      for comparison in comparisons { try Console.output("\(comparison.name), beside \(comparison.otherName)\n") }
      return 0
    }
    if let times = try parsed.integer("--repeat", in: 0...1000) { return try repeatOurs(comparisons, times) }
    if parsed.has("--allocations") { return try allocations(comparisons.filter(\.isHot)) }
    var measurements: [Measurement] = []
    for comparison in comparisons {
      Console.note("\(comparison.name), beside \(comparison.otherName) ...")
      measurements.append(Measurement(comparison, rounds: rounds))
    }
    let report = BenchmarkReport(measurements: measurements)
    try Console.output(report.table)
    if let file = parsed.value("--json") { try write(report.json.text + "\n", to: file) }
    if let file = parsed.value("--svg") { try write(report.svg, to: file) }
    return report.allClaimsHold ? 0 : 1
  }

  private static func repeatOurs(_ comparisons: [Comparison], _ times: Int) throws -> Int32 {
    for comparison in comparisons {
      for _ in 0..<times { sink &+= comparison.ours.run() }
      try Console.output("\(comparison.ours.units) \(comparison.name)\n")
    }
    return 0
  }

  private static func allocations(_ comparisons: [Comparison]) throws -> Int32 {
    var failed = false
    for comparison in comparisons {
      sink &+= comparison.ours.run()
      let before = hauberk_allocations()
      sink &+= comparison.ours.run()
      let made = hauberk_allocations() - before
      failed = failed || made > 0
      try Console.output("\(made) allocations in \(comparison.ours.units) units: \(comparison.name)\n")
    }
    // A whole worker is made anew each time: what it allocates must not depend on how many packets it sees.
    let few = allocations(by: generatedReplay(packets: 100_000))
    let many = allocations(by: generatedReplay(packets: 300_000))
    failed = failed || many != few
    try Console.output("\(few) and \(many) allocations in 100000 and 300000 units: generator, worker, null port\n")
    return failed ? 1 : 0
  }

  private static func allocations(by comparison: Comparison) -> UInt64 {
    sink &+= comparison.ours.run()
    let before = hauberk_allocations()
    sink &+= comparison.ours.run()
    return hauberk_allocations() - before
  }

  /// Those whose name contains `wanted`. What a comparison needs is made only for those that are chosen.
  private static func comparisons(_ wanted: String) throws -> [Comparison] {
    let makers: [(name: String, make: () throws -> [Comparison])] = [
      ("ring, one core", { [ringOnOneCore(burst: 32, iterations: 100_000)] }),
      ("ring, two cores", { ringAcrossCores(burst: 32, elements: 4_000_000).map { [$0] } ?? [] }),
      ("pool", { [try pool(burst: 32, iterations: 100_000)] }),
      ("parse to the five fields", { [parse(try Traffic(count: 1024, flows: 1024), passes: 1000)] }),
      ("foreign packet", { [foreignPath(try Traffic(count: 1024, flows: 1024), passes: 1000)] }),
      ("generator, worker", { [generatedReplay(packets: 1_000_000)] }),
      ("file to file, 1 worker", { [try fileToFile(packets: 300_000, workers: 1)] }),
      ("file to file, 2 workers", { [try fileToFile(packets: 300_000, workers: 2)] }),
      ("seal, and make anew, 64 bytes", { try sealedAndMadeAnew().map { [$0] } ?? [] }),
      ("open, and make anew, 64 bytes", { try openedAndMadeAnew().map { [$0] } ?? [] }),
      ("hash of two words", { hashes(iterations: 500) }),
    ]
    return try makers.filter { wanted.isEmpty || $0.name.contains(wanted) }.flatMap { try $0.make() }
  }

  private static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else {
      throw CommandFailure(.output, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    fputs(text, file)
    guard fclose(file) == 0 else { throw CommandFailure(.output, "cannot write \(path)") }
  }
}
