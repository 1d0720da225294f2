internal import CLI

extension Diagnosis {
  /// The rings of AF_XDP and the packets that the kernel and a gateway share, for some ports.
  package static let wantedLocked: UInt64 = 256 << 20

  static func rights(_ facts: MachineFacts) -> [Finding] { capabilities(facts) + lockedMemory(facts.rights) }

  private static func capabilities(_ facts: MachineFacts) -> [Finding] {
    let wanted: [(Capability, String)] = [
      (.netAdmin, "set up devices"), (.netRaw, "open ports"), (.bpf, "load the program that redirects packets"),
    ]
    // Before CAP_BPF there was one for everything.
    let missing = wanted.filter { one in
      !facts.rights.has(one.0) && !(one.0 == .bpf && facts.rights.has(.sysAdmin))
    }
    var findings: [Finding] = []
    if missing.isEmpty {
      findings.append(
        Finding(.good, .rights, "capabilities", wanted.map(\.0.name).joined(separator: ", ") + " are here"))
    } else {
      findings.append(
        Finding(
          .wrong, .rights, "capabilities", missing.map(\.0.name).joined(separator: ", ") + " missing",
          why: "`hauberk run` could not " + missing.map(\.1).joined(separator: ", nor "),
          remedy: facts.isRoot ? containerRemedy : "sudo hauberk doctor   # and run it as root, or by its systemd unit")
      )
    }
    if !facts.rights.has(.sysNice) {
      findings.append(
        Finding(
          .better, .rights, "priority", "CAP_SYS_NICE missing", why: "workers cannot go before other programs",
          remedy: facts.isRoot ? containerRemedy : "sudo hauberk doctor"))
    }
    return findings
  }

  private static let containerRemedy =
    "start the container with --cap-add NET_ADMIN --cap-add NET_RAW --cap-add BPF --cap-add IPC_LOCK --cap-add SYS_NICE"

  private static func lockedMemory(_ facts: RightsFacts) -> [Finding] {
    guard let limit = facts.lockedMemory else {
      return [Finding(.good, .rights, "locked memory", "without limit")]
    }
    if facts.has(.ipcLock) || facts.has(.sysResource) || limit >= wantedLocked {
      let words = "\(limit >> 10) KiB" + (limit >= wantedLocked ? "" : ", which a capability lifts")
      return [Finding(.good, .rights, "locked memory", words)]
    }
    return [
      Finding(
        .wrong, .rights, "locked memory", "at most \(limit >> 10) KiB",
        why: "AF_XDP shares its packets with the kernel in locked memory, and keys may not be swapped out",
        remedy: "ulimit -l unlimited   # or LimitMEMLOCK=infinity in the unit")
    ]
  }
}
