import Testing

@testable import Doctor

/// One thing is changed on a machine that is good: what is said about it, and what mends it.
@Suite struct DiagnosisTests {
  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    let level: Finding.Level
    /// A part of what was seen, and of the command.
    let seen: String
    let remedy: String?
    let change: @Sendable (inout MachineFacts) -> Void

    init(
      _ name: String, _ level: Finding.Level, _ seen: String, _ remedy: String?,
      _ change: @escaping @Sendable (inout MachineFacts) -> Void
    ) {
      self.name = name
      self.level = level
      self.seen = seen
      self.remedy = remedy
      self.change = change
    }

    var testDescription: String { name }
  }

  @Test func `of a good machine there is nothing to say`() {
    let complaints = Made.complaints(Made.good)
    #expect(complaints.isEmpty, "\(complaints)")
    #expect(Diagnosis.of(Made.good).count > 12)
  }

  @Test(arguments: processors + memory + rights + kernel + crypto)
  func `one change, one finding`(_ change: Change) throws {
    let complaints = Made.complaints(Made.machine(change.change))
    let finding = try #require(complaints.first { $0.seen.contains(change.seen) }, "\(complaints)")
    #expect(complaints.count == 1, "\(complaints)")
    #expect(finding.level == change.level && !finding.why.isEmpty)
    if let remedy = change.remedy {
      #expect(finding.remedy?.contains(remedy) == true, "\(finding)")
    } else {
      #expect(finding.remedy == nil)
    }
  }

  static let processors = [
    Change("not isolated", .better, "no processor is isolated", "isolcpus=1-3 nohz_full=1-3 rcu_nocbs=1-3") {
      $0.processors.isolated = []
    },
    Change("others are isolated", .better, "no processor is isolated", "isolcpus=1-3") {
      $0.processors.isolated = [7]
    },
    Change("ticks", .better, "1-3 isolated, but 2 with a clock tick", "nohz_full=1-3") {
      $0.processors.tickless = [1, 3]
    },
    Change("governor", .better, "powersave on 0,2", "scaling_governor") {
      $0.processors.governors[0] = "powersave"
      $0.processors.governors[2] = "powersave"
    },
    Change("one processor", .better, "one processor may be used: 2", "taskset -c 0-3") {
      $0.processors.allowed = [2]
      $0.devices[0].queues?.now = 1
    },
    Change("threads of a core", .better, "4 processors share 2 cores", "taskset -c 0-1") {
      $0.processors.siblings = [0: [0, 2], 1: [1, 3], 2: [0, 2], 3: [1, 3]]
    },
  ]

  static let memory = [
    Change("no large pages", .better, "0 free of 8 reserved pages of 2 MiB, too few", "vm.nr_hugepages=72") {
      $0.memory.nodes[0].pages = 8
      $0.memory.nodes[0].freePages = 0
      $0.memory.transparent = "never"
    },
    Change("a kernel without", .better, "the kernel has none", nil) {
      $0.memory.hasHugePages = false
      $0.memory.transparent = nil
    },
    Change("pages on the other node", .better, "node 0, where a port is, has 0 free", "node0/hugepages") {
      $0.memory.nodes[0].freePages = 0
      $0.memory.nodes.append(MemoryFacts.Node(number: 1, processors: [], pages: 128, freePages: 128))
    },
    Change("swap", .better, "swapped out", "swapoff") { $0.memory.hasSwap = true },
  ]

  static let rights = [
    Change("no right to open ports", .wrong, "CAP_NET_RAW missing", "--cap-add NET_RAW") {
      $0.rights.capabilities &= ~(1 << 13)
    },
    Change("a user", .wrong, "CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF missing", "sudo") {
      $0.isRoot = false
      $0.rights.capabilities = 1 << 23
    },
    Change("no priority", .better, "CAP_SYS_NICE", "SYS_NICE") { $0.rights.capabilities &= ~(1 << 23) },
    Change("locked memory", .wrong, "at most 8192 KiB", "ulimit -l unlimited") {
      $0.rights.capabilities = 1 << 12 | 1 << 13 | 1 << 23 | 1 << 39
      $0.rights.lockedMemory = 8 << 20
    },
  ]

  static let kernel = [
    Change("no AF_XDP", .better, "ports take AF_PACKET", "linux-image") { $0.features.xdpSocket = .missing },
    Change("no BPF", .better, "ports take AF_PACKET", "linux-image") { $0.features.xdpProgram = .missing },
    Change("no port at all", .wrong, "neither AF_XDP nor AF_PACKET", "modprobe") {
      $0.features.xdpSocket = .missing
      $0.features.packetSocket = .missing
    },
    Change("may not try", .better, "cannot be tried", "sudo hauberk doctor") { $0.features.xdpProgram = .forbidden },
    Change("no TUN", .better, "the kernel does not have it", "modprobe tun") { $0.features.tun = .missing },
    Change("TUN forbidden", .better, "may not open /dev/net/tun", "sudo") { $0.features.tun = .forbidden },
    Change("interpreted", .better, "off", "bpf_jit_enable=1") { $0.features.jit = 0 },
    Change("BPF for all", .better, "without any right", "unprivileged_bpf_disabled=1") {
      $0.features.unprivilegedBPF = 0
    },
  ]

  static let crypto = [
    Change("no AES", .wrong, "lacks aes", nil) { $0.crypto.flags.remove("aes") },
    Change("an old guest", .wrong, "lacks avx2", "host-passthrough") {
      $0.crypto.flags.remove("avx2")
      $0.isVirtual = true
    },
    Change("no VAES", .better, "not vaes", nil) { $0.crypto.flags.remove("vaes") },
    Change("OpenSSL", .better, "OpenSSL 3", "libipsec-mb") {
      $0.crypto.isIPsecMB = false
      $0.crypto.engine = "OpenSSL 3.0"
    },
    Change("one copy", .better, "all workers share one: noexec", "memfd_noexec") { $0.crypto.copyRefusal = "noexec" },
    Change("a slow clock", .better, "hpet", "echo tsc") {
      $0.clock.source = "hpet"
      $0.clock.available = ["hpet", "acpi_pm", "tsc"]
    },
    Change("no quick clock", .better, "acpi_pm", "tsc=reliable") {
      $0.clock.source = "acpi_pm"
      $0.clock.available = ["acpi_pm"]
    },
  ]

  @Test func `capabilities that make up for others`() {
    #expect(Made.complaints(Made.machine { $0.rights.capabilities &= ~(1 << 39) }).isEmpty)
    #expect(Made.complaints(Made.machine { $0.rights.lockedMemory = 64 << 10 }).isEmpty)
    #expect(Made.complaints(Made.machine { $0.features.jit = nil }).isEmpty)
  }

  @Test func `another machine's ciphers are not judged by this one's flags`() {
    #expect(
      Made.complaints(
        Made.machine {
          $0.architecture = "aarch64"
          $0.crypto = CryptoFacts()
        }
      ).isEmpty)
  }
}
