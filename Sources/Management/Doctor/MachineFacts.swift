/// What is so on a machine, as far as a gateway's speed and safety depend on it. Values only: who judges them asks nobody,
/// and tests make them up.
package struct MachineFacts: Sendable {
  package var architecture = ""
  package var kernel = KernelVersion(major: 0, minor: 0)
  package var isRoot = false
  /// A hypervisor is underneath.
  package var isVirtual = false

  package var processors = ProcessorFacts()
  package var memory = MemoryFacts()
  package var rights = RightsFacts()
  package var crypto = CryptoFacts()
  package var clock = ClockFacts()
  package var features = KernelFeatureFacts()
  package var devices: [DeviceFacts] = []
  /// Of a configuration; empty without one.
  package var links: [LinkFacts] = []
  /// The most that one of its tunnels puts around a packet.
  package var outerOctets = 0

  package init() {}
}

package struct KernelVersion: Comparable, CustomStringConvertible, Sendable {
  package var major: Int
  package var minor: Int

  package init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// `6.1.0-25-amd64`
  init?(_ release: String) {
    let words = release.split(separator: ".")
    guard words.count >= 2, let major = Int(words[0]), let minor = Int(words[1].prefix { $0.isNumber }) else {
      return nil
    }
    self.init(major: major, minor: minor)
  }

  package static func < (one: KernelVersion, other: KernelVersion) -> Bool {
    (one.major, one.minor) < (other.major, other.minor)
  }

  package var description: String { "\(major).\(minor)" }
}

package struct ProcessorFacts: Sendable {
  package var online: [Int] = []
  /// Those that this process may use.
  package var allowed: [Int] = []
  /// Those that the scheduler leaves alone.
  package var isolated: [Int] = []
  /// Those whose clock tick stops while one thread runs.
  package var tickless: [Int] = []
  /// By processor; empty where the machine does not say.
  package var governors: [Int: String] = [:]
  /// What each shares a core with, itself among them.
  package var siblings: [Int: [Int]] = [:]

  package init() {}
}

package struct MemoryFacts: Sendable {
  package struct Node: Sendable {
    package var number: Int
    package var processors: [Int]
    /// Of 2 MiB.
    package var pages: Int
    package var freePages: Int

    package init(number: Int, processors: [Int], pages: Int, freePages: Int) {
      self.number = number
      self.processors = processors
      self.pages = pages
      self.freePages = freePages
    }
  }

  /// At least one, where the kernel knows of any.
  package var nodes: [Node] = []
  /// Whether the kernel has explicit pages of 2 MiB at all.
  package var hasHugePages = false
  /// always, madvise, never; nil where the kernel has none.
  package var transparent: String?
  /// Whether memory is swapped out anywhere.
  package var hasSwap = false

  package init() {}
}

package struct RightsFacts: Sendable {
  package var capabilities: UInt64 = 0
  /// Octets; nil: no limit.
  package var lockedMemory: UInt64?

  package func has(_ capability: Capability) -> Bool { capabilities >> UInt64(capability.rawValue) & 1 == 1 }

  package init() {}
}

/// By its number in the kernel.
package enum Capability: Int, CaseIterable, Sendable {
  case netAdmin = 12
  case netRaw = 13
  case ipcLock = 14
  case sysAdmin = 21
  case sysNice = 23
  case sysResource = 24
  case bpf = 39

  var name: String {
    switch self {
    case .netAdmin: "CAP_NET_ADMIN"
    case .netRaw: "CAP_NET_RAW"
    case .ipcLock: "CAP_IPC_LOCK"
    case .sysAdmin: "CAP_SYS_ADMIN"
    case .sysNice: "CAP_SYS_NICE"
    case .sysResource: "CAP_SYS_RESOURCE"
    case .bpf: "CAP_BPF"
    }
  }
}

package struct CryptoFacts: Sendable {
  /// As /proc/cpuinfo names them.
  package var flags: Set<String> = []
  /// Who computes, in its own words.
  package var engine = ""
  package var isIPsecMB = false
  /// Why workers have to share one copy of the library's; nil: they need not.
  package var copyRefusal: String?

  package init() {}
}

package struct ClockFacts: Sendable {
  package var source = ""
  package var available: [String] = []

  package init() {}
}

/// Whether the kernel would do it for this process.
package enum Availability: Sendable {
  case here
  /// It may be: this process may not ask.
  case forbidden
  case missing

  init(errno code: Int32, forbidden: [Int32]) {
    self = code == 0 ? .here : forbidden.contains(code) ? .forbidden : .missing
  }
}

package struct KernelFeatureFacts: Sendable {
  package var xdpSocket = Availability.missing
  package var xdpProgram = Availability.missing
  package var packetSocket = Availability.missing
  package var tun = Availability.missing
  /// 0, 1, 2 as sysctl says; nil where it does not.
  package var jit: Int?
  package var unprivilegedBPF: Int?

  package init() {}
}
