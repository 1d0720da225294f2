extension Diagnosis {
  static func kernel(_ facts: MachineFacts) -> [Finding] {
    var findings = ports(facts)
    findings.append(tun(facts.features))
    if facts.features.jit == 0 {
      findings.append(
        Finding(
          .better, .kernel, "BPF compiler", "off",
          why: "the program that redirects packets is then interpreted, several times as slow",
          remedy: "sudo sysctl -w net.core.bpf_jit_enable=1"))
    }
    if facts.features.unprivilegedBPF == 0 {
      findings.append(
        Finding(
          .better, .kernel, "BPF for everybody", "programs without any right may load BPF",
          why: "what runs in the kernel beside a gateway's keys should come from root alone",
          remedy: "sudo sysctl -w kernel.unprivileged_bpf_disabled=1"))
    }
    return findings
  }

  private static func ports(_ facts: MachineFacts) -> [Finding] {
    let features = facts.features
    switch (features.xdpSocket, features.xdpProgram, features.packetSocket) {
    case (.here, .here, _):
      let long = facts.kernel >= KernelVersion(major: 6, minor: 6)
      return [
        Finding(
          .good, .kernel, "AF_XDP",
          "Linux \(facts.kernel) has it" + (long ? ", for jumbo frames too" : "; jumbo frames take AF_PACKET"))
      ]
    case (.missing, _, .missing), (_, .missing, .missing):
      return [
        Finding(
          .wrong, .kernel, "ports", "the kernel has neither AF_XDP nor AF_PACKET",
          why: "there is no way from a device to a worker", remedy: "sudo modprobe af_packet")
      ]
    case (.missing, _, _), (_, .missing, _):
      return [
        Finding(
          .better, .kernel, "AF_XDP", "the kernel does not have it: ports take AF_PACKET",
          why: "each packet is then copied and takes the kernel's own path, several times as long",
          remedy: "sudo apt install linux-image-amd64   # a kernel with CONFIG_XDP_SOCKETS")
      ]
    default:
      return [
        Finding(
          .better, .kernel, "AF_XDP", "cannot be tried without CAP_NET_RAW and CAP_BPF",
          why: "nobody knows yet which kind of port there will be", remedy: "sudo hauberk doctor")
      ]
    }
  }

  private static func tun(_ features: KernelFeatureFacts) -> Finding {
    switch features.tun {
    case .here: Finding(.good, .kernel, "TUN/TAP", "is here")
    case .forbidden:
      Finding(
        .better, .kernel, "TUN/TAP", "this process may not open /dev/net/tun",
        why: "programs on this machine are reached through a TAP device", remedy: "sudo hauberk doctor")
    case .missing:
      Finding(
        .better, .kernel, "TUN/TAP", "the kernel does not have it",
        why: "programs on this machine are reached through a TAP device", remedy: "sudo modprobe tun")
    }
  }
}
