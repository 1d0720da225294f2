extension Diagnosis {
  static func crypto(_ facts: MachineFacts) -> [Finding] {
    guard facts.architecture == "x86_64" else {
      return [Finding(.good, .crypto, "engine", facts.crypto.engine)]
    }
    return [instructions(facts), engine(facts.crypto)] + copies(facts.crypto)
  }

  /// x86-64-v3, for which this program is compiled.
  private static let baseline = ["avx2", "bmi1", "bmi2", "fma", "f16c", "movbe", "abm"]

  private static func instructions(_ facts: MachineFacts) -> Finding {
    let flags = facts.crypto.flags
    let host =
      facts.isVirtual
      ? "give the virtual machine its host's processor: -cpu host (QEMU), host-passthrough (libvirt)" : nil
    let missing = (baseline + ["aes", "pclmulqdq"]).filter { !flags.contains($0) }
    guard missing.isEmpty else {
      return Finding(
        .wrong, .crypto, "processor", "lacks " + missing.joined(separator: ", "),
        why: "this program is built for x86-64-v3 with AES: it may stop, or cipher at a tenth of the speed",
        remedy: host)
    }
    let wide = ["vaes", "vpclmulqdq", "avx512f"].filter { !flags.contains($0) }
    guard wide.isEmpty else {
      return Finding(
        .better, .crypto, "processor", "has AES, but not " + wide.joined(separator: ", "),
        why: "with them ciphers are two to four times as fast", remedy: host)
    }
    return Finding(.good, .crypto, "processor", "has AES, VAES and AVX-512")
  }

  private static func engine(_ facts: CryptoFacts) -> Finding {
    guard !facts.isIPsecMB else { return Finding(.good, .crypto, "engine", facts.engine) }
    return Finding(
      .better, .crypto, "engine", facts.engine,
      why: "intel-ipsec-mb takes a packet in one call, where OpenSSL takes several: half the time for short packets",
      remedy: "sudo apt install libipsec-mb1   # and a hauberk that is built with it")
  }

  private static func copies(_ facts: CryptoFacts) -> [Finding] {
    guard facts.isIPsecMB, let refusal = facts.copyRefusal else { return [] }
    return [
      Finding(
        .better, .crypto, "engine's copies", "all workers share one: \(refusal)",
        why: "the library writes to one variable at every call, which two workers then take from each other: "
          + "each loses a third of its speed for short packets",
        remedy: "sudo sysctl -w vm.memfd_noexec=0   # it is loaded from memory, which something forbids")
    ]
  }

  static func clock(_ facts: MachineFacts) -> [Finding] {
    // Those that are read without a call into the kernel.
    let quick = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"]
    guard !facts.clock.source.isEmpty else { return [] }
    if quick.contains(facts.clock.source) {
      return [Finding(.good, .clock, "source", facts.clock.source)]
    }
    let file = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    let best = quick.first(where: facts.clock.available.contains)
    return [
      Finding(
        .better, .clock, "source", facts.clock.source,
        why: "every look at the clock is a call into the kernel, and a slow one",
        remedy: best.map { "echo \($0) | sudo tee \(file)" } ?? bootRemedy("tsc=reliable"))
    ]
  }
}
