import Glibc
import PacketMaking
import Testing

@testable import Dataplane

/// A device that is kept from the kernel of its namespace, by a link and by a filter of clsact, and given back.
@Suite(.serialized, .enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct KernelGuardTests {
  private struct Cable {
    let here: NetworkNamespace
    let there: NetworkNamespace

    init() throws {
      here = try NetworkNamespace()
      there = try NetworkNamespace()
      try here.connect("left", to: there, "right")
      try here.shell("ip address add 192.0.2.1/24 dev left; ip address add 2001:db8::1/64 dev left nodad")
      try there.shell("ip address add 192.0.2.2/24 dev right; ip address add 2001:db8::2/64 dev right nodad")
    }

    func says(_ script: String, _ place: KeyPath<Self, NetworkNamespace> = \.here) -> Bool {
      (try? self[keyPath: place].shell(script + " >/dev/null 2>&1")) != nil
    }

    var kernelAnswers: Bool { says("ping -c 1 -W 0.3 192.0.2.1", \.there) }
    var hasAddresses: Bool {
      says("ip -4 address show dev left | grep -q 192.0.2.1/24 && ip -6 address show dev left | grep -q 2001:db8::1/64")
    }
    var hasAnyAddress: Bool { says("ip address show dev left | grep -q 'inet'") }
    var hasFilter: Bool { says("tc filter show dev left ingress | grep -q hauberk-ingress") }
    var hasDiscipline: Bool { says("tc qdisc show dev left | grep -q clsact") }
    var hasIPv6: Bool { says("test $(sysctl -n net.ipv6.conf.left.disable_ipv6) = 0") }

    func guarded(takes: Bool, record: String? = nil, usesLinks: Bool = true) throws -> KernelGuard {
      try here.run { try KernelGuard("left", takesAddresses: takes, record: record, usesLinks: usesLinks) }
    }
  }

  @Test func addressesAreRefusedInASentence() throws {
    let cable = try Cable()
    #expect {
      _ = try cable.guarded(takes: false)
    } throws: {
      "\($0)".contains("the kernel has the address 192.0.2.1/24 on left")
        && "\($0)".contains("`ip address del 192.0.2.1/24 dev left`") && "\($0)".contains("`takeAddresses: yes`")
    }
    #expect(cable.hasAddresses && cable.hasIPv6 && cable.kernelAnswers)
  }

  @Test(arguments: [true, false]) func theKernelIsKeptOutAndLetInAgain(_ usesLinks: Bool) throws {
    let cable = try Cable()
    #expect(cable.kernelAnswers)
    let kept = try cable.guarded(takes: true, usesLinks: usesLinks)
    #expect(kept.weakness == nil)
    #expect(!cable.hasAnyAddress && !cable.hasIPv6)
    #expect(cable.hasFilter == !usesLinks && cable.hasDiscipline == !usesLinks)
    // An address that somebody adds later gets nothing: it is the filter that keeps packets away, and not their want.
    try cable.here.shell("ip address add 192.0.2.1/24 dev left")
    #expect(!cable.kernelAnswers)
    try cable.here.shell("ip address del 192.0.2.1/24 dev left")
    // The taps come first.
    let tap = try cable.here.run { frameSocket(on: "left") }
    defer { close(tap) }
    try cable.there.run { try Peer(frames: "right").send(PacketQueueLifeTests.theirs) }
    var waiting = pollfd(fd: tap, events: Int16(POLLIN), revents: 0)
    #expect(poll(&waiting, 1, 2000) == 1)
    try cable.here.run { kept.release() }
    #expect(cable.hasAddresses && cable.hasIPv6 && !cable.hasFilter && !cable.hasDiscipline)
    #expect(cable.kernelAnswers)
  }

  /// An end without giving back, which only the record and the filter's name tell of.
  @Test func whatIsLeftOverIsFoundByTheNextStart() throws {
    let cable = try Cable()
    let folder = TemporaryFolder()
    let record = folder.path + "/taken"
    let lost = try cable.guarded(takes: true, record: record, usesLinks: false)
    lost.abandon()
    #expect(cable.hasFilter && !cable.hasAnyAddress)
    let next = try cable.guarded(takes: true, record: record)
    #expect(!cable.hasFilter)
    try cable.here.run { next.release() }
    #expect(cable.hasAddresses && cable.hasIPv6)
    #expect(access(record, F_OK) != 0)
    #expect(!cable.hasFilter && !cable.hasDiscipline)
  }

  @Test func whatIsLeftOverAtADeviceThatNobodyNamesAnyMoreIsGivenBack() throws {
    let cable = try Cable()
    let folder = TemporaryFolder()
    let lost = try cable.guarded(takes: true, record: folder.path + "/taken.left", usesLinks: false)
    lost.abandon()
    try cable.here.run { KernelGuard.giveBackLeftOver(folder.path + "/taken", except: ["left"]) }
    #expect(!cable.hasAnyAddress && cable.hasFilter)
    try cable.here.run { KernelGuard.giveBackLeftOver(folder.path + "/taken", except: ["right"]) }
    #expect(cable.hasAddresses && cable.hasIPv6 && !cable.hasFilter && !cable.hasDiscipline)
    #expect(access(folder.path + "/taken.left", F_OK) != 0)
  }

  @Test func aRecordIsWrittenBeforeAnythingIsTakenOrNothingIs() throws {
    let cable = try Cable()
    let folder = TemporaryFolder()
    let kept = try cable.guarded(takes: true, record: folder.path + "/made/taken")
    #expect(access(folder.path + "/made/taken", F_OK) == 0)
    try cable.here.run { kept.release() }
    #expect {
      _ = try cable.guarded(takes: true, record: folder.path + "/no/such/taken")
    } throws: {
      "\($0)".contains("cannot write down what is taken of the kernel's")
    }
    #expect(cable.hasAddresses && cable.hasIPv6)
  }

  @Test func aSecondGatewayIsRefusedAndLeavesTheFirstAlone() throws {
    let cable = try Cable()
    let folder = TemporaryFolder()
    let record = folder.path + "/taken"
    let first = try cable.guarded(takes: true, record: record)
    #expect {
      _ = try cable.guarded(takes: true, record: record)
    } throws: {
      "\($0)".contains("another gateway runs on left")
    }
    #expect(!cable.hasIPv6 && !cable.hasAnyAddress && access(record, F_OK) == 0)
    try cable.here.run { first.release() }
    #expect(cable.hasAddresses && access(record, F_OK) != 0)
  }

  @Test func addressesComeBackInTheirOrder() throws {
    let cable = try Cable()
    try cable.here.shell("ip address add 192.0.2.7/24 dev left")
    let second = "ip address show dev left | grep 'inet 192.0.2.7' | grep -q secondary"
    #expect(cable.says(second))
    let kept = try cable.guarded(takes: true)
    try cable.here.run { kept.release() }
    #expect(cable.says(second))
  }

  @Test func veryManyAddressesAreAllTaken() throws {
    let cable = try Cable()
    try cable.here.shell("for i in $(seq 1 200); do echo address add 198.51.100.$i/32 dev left; done | ip -batch -")
    let kept = try cable.guarded(takes: true)
    #expect(!cable.hasAnyAddress)
    try cable.here.run { kept.release() }
    #expect(cable.says("test $(ip -4 address show dev left | grep -c 'inet ') = 201"))
  }

  @Test func aDisciplineOfOthersStays() throws {
    let cable = try Cable()
    try cable.here.shell("tc qdisc add dev left clsact")
    let kept = try cable.guarded(takes: true, usesLinks: false)
    #expect(cable.hasFilter)
    try cable.here.run { kept.release() }
    #expect(!cable.hasFilter && cable.hasDiscipline)
    // Nor is it ours after a sudden end, or when somebody else has put a filter there since.
    let folder = TemporaryFolder()
    try cable.guarded(takes: true, record: folder.path + "/taken", usesLinks: false).abandon()
    let next = try cable.guarded(takes: true, record: folder.path + "/taken", usesLinks: false)
    try cable.here.run { next.release() }
    #expect(!cable.hasFilter && cable.hasDiscipline)
    try cable.here.shell("tc qdisc del dev left clsact")
    let made = try cable.guarded(takes: true, usesLinks: false)
    try cable.here.shell("tc filter add dev left egress protocol ip prio 7 u32 match u32 0 0")
    try cable.here.run { made.release() }
    #expect(!cable.hasFilter && cable.hasDiscipline)
  }
}
