extension Diagnosis {
  /// What packets, tables and keys of a gateway with the default pool take, in pages of 2 MiB.
  package static let wantedPages = 64

  static func memory(_ facts: MachineFacts) -> [Finding] {
    var findings = [hugePages(facts.memory)]
    findings += lonelyNodes(facts)
    if facts.memory.hasSwap {
      findings.append(
        Finding(
          .better, .memory, "swap", "memory may be swapped out",
          why: "keys are locked and stay, tables are not: a look-up that waits for a disk is a queue that overflows",
          remedy: "sudo swapoff -a"))
    }
    return findings
  }

  private static func hugePages(_ facts: MemoryFacts) -> Finding {
    let free = facts.nodes.reduce(0) { $0 + $1.freePages }, reserved = facts.nodes.reduce(0) { $0 + $1.pages }
    let count = "\(free) free of \(reserved) reserved pages of 2 MiB"
    let why = "with pages of 4 KiB a packet costs several look-ups of addresses, with large ones hardly any"
    let remedy = "sudo sysctl -w vm.nr_hugepages=\(reserved - free + wantedPages)"
    if facts.hasHugePages, free >= wantedPages { return Finding(.good, .memory, "huge pages", count) }
    switch facts.transparent {
    case "always", "madvise":
      return Finding(
        .good, .memory, "huge pages", "\(count); transparent ones where asked for (\(facts.transparent ?? ""))")
    case .some(let word):
      return Finding(
        .better, .memory, "huge pages", "\(count), too few, and transparent ones \(word)", why: why,
        remedy: facts.hasHugePages
          ? remedy : "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled")
    case nil:
      return Finding(
        .better, .memory, "huge pages", facts.hasHugePages ? count : "the kernel has none", why: why,
        remedy: facts.hasHugePages ? remedy : nil)
    }
  }

  /// Pages may all lie where no port is.
  private static func lonelyNodes(_ facts: MachineFacts) -> [Finding] {
    let nodes = facts.memory.nodes
    guard nodes.count > 1, nodes.contains(where: { $0.freePages > 0 }) else { return [] }
    let used = Set(facts.devices.filter(\.isChosen).compactMap(\.node))
    return nodes.filter { used.contains($0.number) && $0.freePages < wantedPages }.map { node in
      let file = "/sys/devices/system/node/node\(node.number)/hugepages/hugepages-2048kB/nr_hugepages"
      return Finding(
        .better, .memory, "huge pages", "node \(node.number), where a port is, has \(node.freePages) free",
        why: "packets then lie in the other socket's memory, and every one of them crosses over",
        remedy: "echo \(node.pages - node.freePages + wantedPages) | sudo tee \(file)")
    }
  }
}
