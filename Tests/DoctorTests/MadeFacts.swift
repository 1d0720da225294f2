@testable import Doctor

/// Machines that are made up.
enum Made {
  /// One on which there is nothing to say.
  static var good: MachineFacts {
    var facts = MachineFacts()
    facts.architecture = "x86_64"
    facts.kernel = KernelVersion(major: 6, minor: 6)
    facts.isRoot = true
    facts.processors.online = [0, 1, 2, 3]
    facts.processors.allowed = [0, 1, 2, 3]
    facts.processors.isolated = [1, 2, 3]
    facts.processors.tickless = [1, 2, 3]
    facts.processors.governors = [0: "performance", 1: "performance", 2: "performance", 3: "performance"]
    facts.processors.siblings = [0: [0], 1: [1], 2: [2], 3: [3]]
    facts.memory.hasHugePages = true
    facts.memory.transparent = "madvise"
    facts.memory.nodes = [MemoryFacts.Node(number: 0, processors: [0, 1, 2, 3], pages: 128, freePages: 100)]
    facts.rights.capabilities = .max
    facts.crypto.flags = [
      "avx2", "bmi1", "bmi2", "fma", "f16c", "movbe", "abm", "aes", "pclmulqdq", "vaes", "vpclmulqdq", "avx512f",
    ]
    facts.crypto.engine = "intel-ipsec-mb 1.3.0 (AVX-512, VAES)"
    facts.crypto.isIPsecMB = true
    facts.clock.source = "tsc"
    facts.features.xdpSocket = .here
    facts.features.xdpProgram = .here
    facts.features.packetSocket = .here
    facts.features.tun = .here
    facts.features.jit = 1
    facts.features.unprivilegedBPF = 2
    facts.devices = [device]
    return facts
  }

  static var device: DeviceFacts {
    var facts = DeviceFacts("eth1")
    facts.isChosen = true
    facts.isThere = true
    facts.isUp = true
    facts.hasCarrier = true
    facts.driver = "ice"
    facts.node = 0
    facts.rings = DeviceFacts.Sizes(now: 2048, most: 8160)
    facts.queues = DeviceFacts.Sizes(now: 3, most: 64)
    facts.features = ["rx-gro": .init(isOn: true), "tx-checksum-ip-generic": .init(isOn: true)]
    facts.xdp = DeviceFacts.XDPFeatures(isNative: true, hasZeroCopy: true, takesLong: true)
    facts.reversePathFilter = 2
    return facts
  }

  /// The good machine with one thing changed.
  static func machine(_ change: (inout MachineFacts) -> Void) -> MachineFacts {
    var facts = good
    change(&facts)
    return facts
  }

  static func port(_ change: (inout DeviceFacts) -> Void) -> MachineFacts {
    machine { change(&$0.devices[0]) }
  }

  /// What is not good about it.
  static func complaints(_ facts: MachineFacts) -> [Finding] { Diagnosis.of(facts).filter { $0.level != .good } }
}
