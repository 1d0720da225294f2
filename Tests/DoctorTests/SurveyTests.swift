import Glibc
import Testing

@testable import Doctor

/// This machine, whatever it is.
@Suite struct SurveyTests {
  @Test func `it finds what every machine has`() {
    let facts = MachineSurvey.facts(devices: ["lo", "nowhere0", "../lo"], engine: CryptoFacts())
    #expect(facts.kernel >= KernelVersion(major: 4, minor: 0))
    #expect(!facts.processors.online.isEmpty && !facts.processors.allowed.isEmpty)
    #expect(facts.processors.allowed.allSatisfy(facts.processors.online.contains))
    #expect(!facts.memory.nodes.isEmpty && !facts.crypto.flags.isEmpty)
    #expect(facts.isRoot == (geteuid() == 0))
    #expect(facts.devices.map(\.isThere) == [true, false, false])
    #expect(facts.devices[0].mtu > 0 && facts.devices[0].isChosen)
    #expect(!facts.devices[0].isUp || facts.devices[0].addresses.contains("127.0.0.1"))
  }

  @Test func `without names it looks at what is up, and never at itself`() {
    let devices = MachineSurvey.facts(devices: [], engine: CryptoFacts()).devices
    #expect(devices.allSatisfy { $0.isUp && !$0.isChosen && $0.name != "lo" })
  }

  /// A pair of virtual devices, if this process may make one.
  @Test func `a veth's other end is found, with what it leaves undone`() throws {
    let name = "hd\(getpid() % 100_000)"
    guard system("ip link add \(name)a mtu 1400 type veth peer name \(name)b") == 0 else {
      print("skipped: only root can make devices")
      return
    }
    defer { #expect(system("ip link del \(name)a") == 0) }
    try #require(
      system("ip link set \(name)a up && ip link set \(name)b up && ip addr add 192.0.2.77/32 dev \(name)a") == 0)
    try #require(system("sysctl -qw net.ipv4.conf.\(name)a.forwarding=1 net.ipv4.conf.\(name)a.rp_filter=2") == 0)

    let before = DeviceSurvey.device(name + "a", isChosen: true)
    #expect(before.driver == "veth" && before.isUp && before.hasCarrier && before.mtu == 1400)
    #expect(before.peer?.name == name + "b" && before.addresses.contains("192.0.2.77"))
    #expect(before.forwardsIPv4 && before.reversePathFilter == 2)
    #expect(before.peer?.features["tx-checksum-ip-generic"]?.isOn == true)
    #expect(
      Diagnosis.offloads(before).contains { $0.level == .wrong && $0.remedy?.contains("-K \(name)b tx off") == true })

    // The command that it gives is the one that mends it.
    let remedy = try #require(Diagnosis.offloads(before).first { $0.level == .wrong }?.remedy)
    guard system("command -v ethtool >/dev/null") == 0 else { return }
    try #require(system(remedy.dropFirst("sudo ".count) + " >/dev/null") == 0)
    let after = DeviceSurvey.device(name + "a", isChosen: true)
    #expect(!Diagnosis.offloads(after).contains { $0.level == .wrong })
  }

  private func system(_ command: some StringProtocol) -> Int32 { Glibc.system("{ \(command); } 2>/dev/null") }
}
