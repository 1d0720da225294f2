internal import CLI

extension Diagnosis {
  static func processors(_ facts: MachineFacts) -> [Finding] {
    allowed(facts.processors) + isolation(facts.processors) + governor(facts.processors) + siblings(facts.processors)
  }

  private static func allowed(_ facts: ProcessorFacts) -> [Finding] {
    let list = numbers(facts.allowed)
    guard facts.allowed.count > 1 else {
      return [
        Finding(
          .better, .processors, "allowed", "one processor may be used: \(list)",
          why: "a worker and the control thread take turns on it, and packets wait meanwhile",
          remedy: facts.online.count > 1 ? "taskset -c \(numbers(facts.online)) hauberk run CONFIG" : nil)
      ]
    }
    let rest = facts.online.count - facts.allowed.count
    return [
      Finding(
        .good, .processors, "allowed",
        "\(facts.allowed.count) processors may be used: \(list)" + (rest > 0 ? "; \(rest) more may not" : ""))
    ]
  }

  private static func isolation(_ facts: ProcessorFacts) -> [Finding] {
    // The first is left to the kernel and the control thread.
    let workers = Array(facts.allowed.dropFirst())
    guard !workers.isEmpty else { return [] }
    let isolated = facts.isolated.filter(facts.allowed.contains)
    let list = numbers(workers)
    guard !isolated.isEmpty else {
      return [
        Finding(
          .better, .processors, "isolated", "no processor is isolated",
          why: "other programs and the kernel's own work take turns with a worker; every turn is a queue that fills up",
          remedy: bootRemedy("isolcpus=\(list) nohz_full=\(list) rcu_nocbs=\(list)"))
      ]
    }
    let ticking = isolated.filter { !facts.tickless.contains($0) }
    guard ticking.isEmpty else {
      return [
        Finding(
          .better, .processors, "isolated", "\(numbers(isolated)) isolated, but \(numbers(ticking)) with a clock tick",
          why: "the tick interrupts a worker some hundred times a second",
          remedy: bootRemedy("nohz_full=\(numbers(isolated)) rcu_nocbs=\(numbers(isolated))"))
      ]
    }
    return [Finding(.good, .processors, "isolated", "\(numbers(isolated)) isolated, without a clock tick")]
  }

  private static func governor(_ facts: ProcessorFacts) -> [Finding] {
    let allowed = facts.governors.filter { facts.allowed.contains($0.key) }
    guard !allowed.isEmpty else { return [] }
    let slow = allowed.filter { $0.value != "performance" }
    guard let example = slow.min(by: { $0.key < $1.key }) else {
      return [Finding(.good, .processors, "governor", "performance on all")]
    }
    return [
      Finding(
        .better, .processors, "governor", "\(example.value) on \(numbers(slow.keys.sorted()))",
        why: "a worker that sleeps between bursts wakes up on a slow clock",
        remedy: "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
    ]
  }

  private static func siblings(_ facts: ProcessorFacts) -> [Finding] {
    let cores = Set(facts.allowed.map { facts.siblings[$0] ?? [$0] })
    guard cores.count < facts.allowed.count else { return [] }
    return [
      Finding(
        .better, .processors, "threads", "\(facts.allowed.count) processors share \(cores.count) cores",
        why: "two workers on one core get little more than one: ciphers fill a core by themselves",
        remedy: "taskset -c \(numbers(cores.compactMap(\.first).sorted())) hauberk run CONFIG")
    ]
  }

  static func bootRemedy(_ words: String) -> String {
    """
    sudo sed -i 's/^GRUB_CMDLINE_LINUX="/&\(words) /' /etc/default/grub
    sudo update-grub && sudo reboot
    """
  }

  /// 0, 1, 2, 3, 8 as `0-3,8`, which is how the kernel and taskset take it.
  package static func numbers(_ list: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for number in list.sorted() {
      if let last = runs.last, number == last.upperBound + 1 {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }
}
