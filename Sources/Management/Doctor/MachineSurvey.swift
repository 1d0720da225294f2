internal import CMachine
internal import Glibc

/// Looks at this machine. It changes nothing: what it opens to see whether it could, it closes.
package enum MachineSurvey {
  /// `devices`: the ports; without any, each device that is up. Of `crypto` only the processor's part is looked at here.
  package static func facts(devices: [String], engine: CryptoFacts) -> MachineFacts {
    var facts = MachineFacts()
    let processor = SystemFiles.text("/proc/cpuinfo") ?? ""
    facts.kernel =
      SystemFiles.line("/proc/sys/kernel/osrelease").flatMap { KernelVersion($0) } ?? KernelVersion(major: 0, minor: 0)
    facts.architecture = machine
    facts.isRoot = geteuid() == 0
    facts.crypto = engine
    facts.crypto.flags = Set((SystemFiles.field("flags", of: processor) ?? "").split(separator: " ").map(String.init))
    facts.isVirtual = facts.crypto.flags.contains("hypervisor")
    facts.processors = processors()
    facts.memory = memory(facts.processors.online)
    facts.rights = rights()
    facts.clock = clock()
    facts.features = features()
    facts.devices = DeviceSurvey.devices(chosen: devices)
    return facts
  }

  private static var machine: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "aarch64"
    #else
      ""
    #endif
  }

  private static let processorFolder = "/sys/devices/system/cpu"

  private static func processors() -> ProcessorFacts {
    var facts = ProcessorFacts()
    facts.online = SystemFiles.list(processorFolder + "/online")
    let own = SystemFiles.text("/proc/self/status") ?? ""
    facts.allowed = SystemFiles.field("Cpus_allowed_list", of: own).map(SystemFiles.numbers) ?? facts.online
    facts.isolated = SystemFiles.list(processorFolder + "/isolated")
    facts.tickless = SystemFiles.list(processorFolder + "/nohz_full")
    for number in facts.online {
      let folder = "\(processorFolder)/cpu\(number)"
      facts.governors[number] = SystemFiles.line(folder + "/cpufreq/scaling_governor")
      let siblings = SystemFiles.list(folder + "/topology/thread_siblings_list")
      if !siblings.isEmpty { facts.siblings[number] = siblings }
    }
    return facts
  }

  private static func memory(_ online: [Int]) -> MemoryFacts {
    var facts = MemoryFacts()
    let pages = "hugepages/hugepages-2048kB"
    facts.hasHugePages = SystemFiles.line("/sys/kernel/mm/\(pages)/nr_hugepages") != nil
    facts.transparent = SystemFiles.choice("/sys/kernel/mm/transparent_hugepage/enabled")
    facts.hasSwap = (SystemFiles.text("/proc/swaps") ?? "").split(separator: "\n").count > 1
    let folder = "/sys/devices/system/node"
    for number in SystemFiles.list(folder + "/online") {
      let node = "\(folder)/node\(number)"
      facts.nodes.append(
        MemoryFacts.Node(
          number: number, processors: SystemFiles.list(node + "/cpulist"),
          pages: SystemFiles.number("\(node)/\(pages)/nr_hugepages") ?? 0,
          freePages: SystemFiles.number("\(node)/\(pages)/free_hugepages") ?? 0))
    }
    // A kernel without NUMA counts all of them in one place.
    if facts.nodes.isEmpty {
      facts.nodes = [
        MemoryFacts.Node(
          number: 0, processors: online, pages: SystemFiles.number("/sys/kernel/mm/\(pages)/nr_hugepages") ?? 0,
          freePages: SystemFiles.number("/sys/kernel/mm/\(pages)/free_hugepages") ?? 0)
      ]
    }
    return facts
  }

  private static func rights() -> RightsFacts {
    var facts = RightsFacts()
    let own = SystemFiles.text("/proc/self/status") ?? ""
    facts.capabilities = SystemFiles.field("CapEff", of: own).flatMap { UInt64($0, radix: 16) } ?? 0
    let limit = hauberk_most_locked_memory()
    facts.lockedMemory = limit == .max ? nil : limit
    return facts
  }

  private static func clock() -> ClockFacts {
    var facts = ClockFacts()
    let folder = "/sys/devices/system/clocksource/clocksource0"
    facts.source = SystemFiles.line(folder + "/current_clocksource") ?? ""
    facts.available = (SystemFiles.line(folder + "/available_clocksource") ?? "").split(separator: " ").map(String.init)
    return facts
  }

  private static func features() -> KernelFeatureFacts {
    var facts = KernelFeatureFacts()
    facts.xdpSocket = Availability(errno: hauberk_try_xdp_socket(), forbidden: [EPERM, EACCES])
    facts.packetSocket = Availability(errno: hauberk_try_packet_socket(), forbidden: [EPERM, EACCES])
    facts.xdpProgram = Availability(errno: hauberk_try_xdp_program(), forbidden: [EPERM, EACCES])
    facts.tun = Availability(errno: hauberk_try_tun(), forbidden: [EPERM, EACCES])
    facts.jit = SystemFiles.number("/proc/sys/net/core/bpf_jit_enable")
    facts.unprivilegedBPF = SystemFiles.number("/proc/sys/kernel/unprivileged_bpf_disabled")
    return facts
  }
}
