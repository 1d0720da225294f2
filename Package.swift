// swift-tools-version: 6.2
import Glibc
import PackageDescription

// Hauberk, floor by floor. Arrows only go down: Management -> Dataplane, Control -> Ground.
// ARCHITECTURE.md says why each floor exists.

// The baseline instruction set of everything that is not dispatched at run time.
#if arch(x86_64)
  let machine = ["-march=x86-64-v3"]
#else
  let machine: [String] = []
#endif

let language: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
  .define("WHOLE_MODULE", .when(configuration: .release)),
  .unsafeFlags(machine.flatMap { ["-Xcc", $0] }),
]
/// Modules whose trade is raw memory: named here, and nowhere above.
let raw = language
/// Modules in which every unsafe expression has to be marked.
let strict = language + [.strictMemorySafety()]
/// Optimised for tests, too: they simulate whole clusters by the hundred.
let quick = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let c: [CSetting] = [
  .define("_GNU_SOURCE"),
  .unsafeFlags(["-Wall", "-Wextra", "-Werror"] + machine),
  .unsafeFlags(["-O3"], .when(configuration: .release)),
]

// intel-ipsec-mb where it is installed, for the processors that it is for; HAUBERK_ENGINES=openssl leaves it out.
#if arch(x86_64)
  let hasIPsecMB =
    Context.environment["HAUBERK_ENGINES"] != "openssl" && access("/usr/include/intel-ipsec-mb.h", R_OK) == 0
#else
  let hasIPsecMB = false
#endif
let ipsecMB: [CSetting] = hasIPsecMB ? [.define("HAUBERK_IPSEC_MB")] : []
let linkIPsecMB: [LinkerSetting] = hasIPsecMB ? [.linkedLibrary("IPSec_MB")] : []

func ground(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: "Sources/Ground/\(name)", swiftSettings: raw)
}

let groundFloor: [Target] = [
  ground("Wire"),
  ground("Contract", ["Wire", "Nonces"]),
  ground("Memory", ["Wire", "Contract", "CKernel", "CNuma"]),
  ground("Rings", ["CKernel"]),
  .target(name: "Nonces", dependencies: ["CKernel"], path: "Sources/Ground/Nonces", swiftSettings: strict),
  // What a process that stays owes to the system that started it.
  .target(name: "Service", dependencies: ["CKernel"], path: "Sources/Ground/Service", swiftSettings: strict),
  .target(name: "CKernel", path: "Sources/Ground/CKernel", cSettings: c),
  .target(
    name: "CCrypto", path: "Sources/Ground/CCrypto",
    cSettings: c + ipsecMB, linkerSettings: [.linkedLibrary("crypto")] + linkIPsecMB),
  .target(name: "CWorkSet", path: "Sources/Ground/CWorkSet", exclude: ["bpf"], cSettings: c),
  .target(
    name: "CXDP", dependencies: ["CWorkSet"], path: "Sources/Ground/CXDP", exclude: ["bpf"], cSettings: c),
  .target(
    name: "CPcap", dependencies: ["CKernel"], path: "Sources/Ground/CPcap", cSettings: c,
    linkerSettings: [.linkedLibrary("pcap"), .linkedLibrary("z")]),
  .target(
    name: "CYaml", path: "Sources/Ground/CYaml", cSettings: c, linkerSettings: [.linkedLibrary("yaml")]),
  .systemLibrary(name: "CNuma", path: "Sources/Ground/CNuma", providers: [.apt(["libnuma-dev"])]),
]

let dataplaneFloor: [Target] = [
  .target(
    name: "Dataplane",
    dependencies: ["Wire", "Memory", "Rings", "Contract", "CCrypto", "CKernel", "CWorkSet", "CPcap", "CXDP", "Nonces"],
    swiftSettings: raw)
]

/// Pure but for its shell: moments and what was received in, directives out.
let controlFloor: [Target] = [
  // What all of them share.
  .target(name: "ControlKit", path: "Sources/Control/ControlKit", swiftSettings: quick),
  .target(
    name: "Neighbours", dependencies: ["Contract", "ControlKit", "Wire"], path: "Sources/Control/Neighbours",
    swiftSettings: strict),
  .target(
    name: "Cluster", dependencies: ["Contract", "ControlKit", "Wire"], path: "Sources/Control/Cluster",
    swiftSettings: quick),
  // Who units are: certificates, keys, what was taken back. It reads its files by way of CCrypto.
  .target(
    name: "Identity", dependencies: ["CCrypto", "ControlKit", "Wire"], path: "Sources/Control/Identity",
    swiftSettings: strict),
  // Whole clusters from one seed; for tests, and for people who want to see one.
  .target(
    name: "ClusterSimulation", dependencies: ["Cluster", "Contract", "ControlKit", "Wire"],
    path: "Sources/Control/ClusterSimulation", swiftSettings: quick),
]

let managementFloor: [Target] = [
  // The cluster's thread: between the pure unit, the wires and the workers.
  .target(
    name: "Membership",
    dependencies: ["CKernel", "Cluster", "Contract", "ControlKit", "Dataplane", "Identity", "Rings", "Wire"],
    path: "Sources/Management/Membership", swiftSettings: strict),
  .target(
    name: "Config", dependencies: ["Wire", "Contract", "CCrypto", "CYaml"], path: "Sources/Management/Config",
    swiftSettings: strict),
  .target(
    name: "CLI", dependencies: ["Cluster", "ClusterSimulation", "Config", "Contract", "ControlKit", "Wire"],
    path: "Sources/Management/CLI",
    swiftSettings: strict),
  .target(
    name: "Console", dependencies: ["CLI", "CConsole", "CKernel", "CMicroHTTPD"],
    path: "Sources/Management/Console",
    swiftSettings: strict),
  .target(name: "CConsole", path: "Sources/Management/CConsole", cSettings: c),
  .target(name: "CMachine", path: "Sources/Management/CMachine", cSettings: c),
  .target(
    name: "Doctor", dependencies: ["CLI", "CMachine"], path: "Sources/Management/Doctor", swiftSettings: strict),
  // A cluster on this machine, to be broken and watched.
  .target(
    name: "Lab", dependencies: ["CConsole", "CKernel", "CLI", "CLab", "Config", "Console", "Identity", "Wire"],
    path: "Sources/Management/Lab", swiftSettings: strict),
  .target(name: "CLab", path: "Sources/Management/CLab", cSettings: c),
  .target(
    name: "CMicroHTTPD", path: "Sources/Management/CMicroHTTPD", cSettings: c,
    linkerSettings: [.linkedLibrary("microhttpd")]),
  .target(name: "CSample", path: "Sources/Management/CSample", exclude: ["sample.pcap"], cSettings: c),
  .executableTarget(
    name: "hauberk",
    dependencies: [
      "CKernel", "CLI", "CSample", "Cluster", "ClusterSimulation", "Config", "Console", "Contract", "ControlKit",
      "Dataplane", "Doctor", "Identity", "Lab", "Membership", "Memory", "Neighbours", "Nonces", "Rings", "Service",
      "Wire",
    ],
    path: "Sources/Management/hauberk", swiftSettings: raw),
]

let benchmarks: [Target] = [
  .target(name: "CAllocationCount", path: "Benchmarks/CAllocationCount", cSettings: c),
  .target(
    name: "CBaseline", dependencies: ["CWorkSet"], path: "Benchmarks/CBaseline", cSettings: c + ipsecMB,
    linkerSettings: linkIPsecMB),
  .target(
    name: "CHashCandidates", dependencies: ["CWorkSet"], path: "Benchmarks/CHashCandidates", cSettings: c),
  .executableTarget(
    name: "hauberk-bench",
    dependencies: [
      "CAllocationCount", "CBaseline", "CHashCandidates", "CKernel", "CLI", "CPcap", "CWorkSet", "Contract",
      "Dataplane", "Memory", "Nonces", "Rings", "Wire",
    ],
    path: "Benchmarks/Runner", swiftSettings: raw),
]

let tests: [Target] = [
  // Packets by the layer, hostile frames, threads and networks, for all tests; no test itself.
  .target(name: "CNamespace", path: "Tests/CNamespace", cSettings: c),
  .target(name: "PacketMaking", dependencies: ["CNamespace"], path: "Tests/PacketMaking", swiftSettings: raw),
  .testTarget(name: "WireTests", dependencies: ["Wire", "PacketMaking"], swiftSettings: language),
  .testTarget(name: "MemoryTests", dependencies: ["Memory", "Contract", "PacketMaking"], swiftSettings: language),
  .testTarget(name: "RingsTests", dependencies: ["Rings", "PacketMaking"], swiftSettings: language),
  .testTarget(name: "ContractTests", dependencies: ["Contract"], swiftSettings: language),
  .testTarget(name: "ConfigTests", dependencies: ["Config", "Contract", "Wire"], swiftSettings: strict),
  // Another process that is there to be killed.
  .executableTarget(
    name: "XDPVictim", dependencies: ["Dataplane", "Memory"], path: "Tests/XDPVictim", swiftSettings: raw),
  .testTarget(
    name: "DataplaneTests",
    dependencies: [
      "CKernel", "CWorkSet", "CXDP", "Contract", "Dataplane", "Memory", "PacketMaking", "Rings", "Wire", "XDPVictim",
    ],
    swiftSettings: language),
  .testTarget(
    name: "CipherTests", dependencies: ["CBaseline", "CCrypto", "Contract", "Dataplane", "PacketMaking"],
    swiftSettings: language),
  .testTarget(
    name: "ESPTests",
    dependencies: [
      "CCrypto", "CKernel", "Contract", "Dataplane", "Memory", "Nonces", "PacketMaking", "Rings", "Wire",
    ],
    swiftSettings: language),
  // A process that is there to be killed.
  .executableTarget(name: "NonceVictim", dependencies: ["Nonces"], path: "Tests/NonceVictim", swiftSettings: strict),
  .testTarget(name: "NoncesTests", dependencies: ["Nonces", "NonceVictim"], swiftSettings: language),
  // A process that gives up its rights and tries what it has none for.
  .executableTarget(
    name: "ConfinedProcess", dependencies: ["Service"], path: "Tests/ConfinedProcess", swiftSettings: raw),
  .testTarget(name: "ServiceTests", dependencies: ["Service", "ConfinedProcess"], swiftSettings: language),
  .testTarget(
    name: "ControlKitTests", dependencies: ["CCrypto", "ControlKit"], swiftSettings: language),
  .testTarget(
    name: "IdentityTests", dependencies: ["CCrypto", "Cluster", "ControlKit", "Identity", "Wire"],
    swiftSettings: language),
  .testTarget(
    name: "SimulationTests", dependencies: ["Cluster", "ClusterSimulation", "ControlKit"], swiftSettings: language),
  .testTarget(
    name: "ClusterTests", dependencies: ["Cluster", "Contract", "ControlKit", "Wire"], swiftSettings: language),
  .testTarget(
    name: "NeighboursTests", dependencies: ["Contract", "ControlKit", "Neighbours", "PacketMaking", "Wire"],
    swiftSettings: language),
  .testTarget(
    name: "MembershipTests",
    dependencies: ["Cluster", "Contract", "ControlKit", "Dataplane", "Identity", "Membership", "PacketMaking", "Wire"],
    swiftSettings: language),
  .testTarget(name: "DoctorTests", dependencies: ["CLI", "CMachine", "Doctor"], swiftSettings: language),
  .testTarget(
    name: "CLITests",
    dependencies: ["CLI", "Cluster", "ClusterSimulation", "Config", "Contract", "ControlKit", "Wire"],
    swiftSettings: language),
  .testTarget(name: "ConsoleTests", dependencies: ["CLI", "Console"], swiftSettings: language),
  .testTarget(name: "LabTests", dependencies: ["CLI", "CLab", "Lab"], swiftSettings: language),
  // The program itself is under test: a dependency, so that it is built first.
  .testTarget(
    name: "ConformanceTests", dependencies: ["CLI", "Console", "PacketMaking", "hauberk"], swiftSettings: language),
]

let package = Package(
  name: "hauberk",
  products: [.executable(name: "hauberk", targets: ["hauberk"])],
  targets: groundFloor + dataplaneFloor + controlFloor + managementFloor + benchmarks + tests,
  swiftLanguageModes: [.v6]
)

// For the thread sanitizer, those of what uses threads: the rest would be built and never run.
if Context.environment["HAUBERK_THREAD_TESTS"] != nil {
  let kept: Set = [
    "CBaseline", "CNamespace", "PacketMaking", "XDPVictim", "CipherTests", "DataplaneTests", "ESPTests", "MemoryTests",
    "RingsTests",
  ]
  package.products = []
  package.targets = groundFloor + dataplaneFloor + (benchmarks + tests).filter { kept.contains($0.name) }
}

// The fuzz drivers and what they reach, which tools/fuzz alone builds: libFuzzer belongs into nothing else.
if Context.environment["HAUBERK_FUZZ"] != nil {
  func driver(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
      name: "Fuzz\(name)", dependencies: dependencies + ["FuzzKit"], path: "Fuzz/\(name)", swiftSettings: raw,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])])
  }
  let kept: Set = [
    "CNamespace", "CYaml", "Cluster", "Config", "ControlKit", "Identity", "Neighbours", "PacketMaking",
  ]
  package.products = []
  package.targets = groundFloor + dataplaneFloor
  package.targets += (controlFloor + managementFloor + tests).filter { kept.contains($0.name) }
  package.targets += [
    .target(name: "FuzzKit", path: "Fuzz/Kit", swiftSettings: raw),
    // Two gateways that can be set back to their beginnings.
    .target(
      name: "FuzzGateway",
      dependencies: ["CCrypto", "Contract", "Dataplane", "Memory", "Nonces", "PacketMaking", "Rings", "Wire"],
      path: "Fuzz/Gateway", swiftSettings: raw),
    driver("Packet", ["Contract", "Dataplane", "Wire"]),
    driver("Capture", ["Dataplane"]),
    driver("YAML", ["Config"]),
    driver("Open", ["Contract", "Dataplane", "FuzzGateway", "Wire"]),
    driver("Seal", ["Contract", "Dataplane", "FuzzGateway", "PacketMaking", "Wire"]),
    driver("Neighbours", ["Contract", "Neighbours", "Wire"]),
    driver("Segments", ["Dataplane", "PacketMaking", "Wire"]),
    driver("Control", ["Cluster", "Contract", "ControlKit", "Wire"]),
    driver("Identity", ["CCrypto", "Identity", "Wire"]),
    driver("States", ["Contract", "Dataplane", "Wire"]),
    driver("Fragments", ["Contract", "Dataplane", "FuzzGateway", "PacketMaking", "Wire"]),
  ]
}
