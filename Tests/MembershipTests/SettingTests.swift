import Cluster
import Contract
import ControlKit
import Glibc
import Identity
import Testing
import Wire

@testable import Membership

@Suite("What a member knows before its first word")
struct SettingTests {
  private static let macs = [MACAddress(0x0200_0000_0001), MACAddress(0x0200_0000_0002)]
  private static let own = ["192.0.2.1", "198.51.100.1"]

  private func setting(
    _ files: Files, _ membership: MembershipDescription? = nil, unit: Int = 1, _ interfaces: [InterfaceDescription] = []
  ) throws(MembershipRefusal) -> MemberSetting {
    try MemberSetting(
      membership ?? files.membership, unit: unit, stateDirectory: files.folder, digest: 77, interfaces: interfaces,
      devices: ["in", "out"], macs: Self.macs)
  }

  /// Why it cannot be a member; and by a look, which has to say the same and leave nothing behind.
  private func refusal(_ files: Files, _ membership: MembershipDescription? = nil, unit: Int = 1) -> String? {
    let membership = membership ?? files.membership
    let before = files.names
    var looked: String?
    do { try MemberSetting.check(membership, unit: unit) } catch { looked = error.description }
    #expect(files.names == before)
    do {
      _ = try setting(files, membership, unit: unit)
      #expect(looked == nil)
      return nil
    } catch {
      #expect(looked == error.description)
      // Who cannot begin has begun no life.
      #expect(files.names == before)
      return error.description
    }
  }

  @Test("Its place, its cluster, its pace and its papers")
  func whole() throws {
    let files = try Files()
    try files.unit(1, Self.own)
    #expect(refusal(files) == nil)
    var membership = files.membership
    membership.pace = .fast
    let setting = try setting(files, membership)
    #expect(
      setting.own == MembershipUnit(number: 1, inside: IPAddress("192.0.2.1")!, outside: IPAddress("198.51.100.1")!)
    )
    #expect(setting.units.map(\.number) == [1, 2] && setting.configuration == 77 && setting.devices == ["in", "out"])
    #expect(setting.profile.detection == 20 * .millisecond && setting.macs == Self.macs)
    #expect(setting.identity.description.number == 1 && setting.shared.isEmpty)
    // The same on every machine, and for ever: members of two versions have to agree (FNV-1a's published answers).
    #expect(MemberSetting.digest("") == 0xcbf2_9ce4_8422_2325)
    #expect(MemberSetting.digest("a") == 0xaf63_dc4c_8601_ec8c)
    #expect(MemberSetting.digest("foobar") == 0x8594_4171_f739_67e8)
    #expect(setting.clusterNumber == MemberSetting.digest("north"))
    let other = try self.setting(files)
    #expect(other.profile.detection == 100 * .millisecond && other.seed != setting.seed)
    #expect(other.incarnation > setting.incarnation)
  }

  @Test("Shared addresses with their link, and the MAC address that goes with them: the cluster's, or the port's own")
  func shared() throws {
    let files = try Files()
    try files.unit(1, Self.own)
    let cluster = MACAddress(0x0300_0000_0001)
    var inside = InterfaceDescription(side: .inside), tagged = InterfaceDescription(side: .outside, vlan: 7)
    inside.shared = [IPAddress("192.0.2.254")!, IPAddress("2001:db8::fe")!]
    inside.sharedMAC = cluster
    tagged.shared = [IPAddress("198.51.100.254")!]
    let setting = try setting(files, nil, [InterfaceDescription(side: .outside), inside, tagged])
    #expect(
      setting.shared == [
        SharedAddress(IPAddress("192.0.2.254")!, side: .inside, mac: cluster),
        SharedAddress(IPAddress("2001:db8::fe")!, side: .inside, mac: cluster),
        SharedAddress(IPAddress("198.51.100.254")!, side: .outside, vlan: 7, mac: Self.macs[1]),
      ])
  }

  @Test("Another unit's papers, another cluster's, and addresses that are not in them are refused in words")
  func wrongPapers() throws {
    let files = try Files()
    try files.unit(1, Self.own)
    let good = files.membership
    #expect(refusal(files, unit: 3) == "unit 3 is none of the cluster's: name it under 'cluster.units'")
    #expect(refusal(files, unit: 2) == "\(good.certificate) is unit 1's, and 'unit.number' is 2")
    var renamed = good
    renamed.name = "south"
    #expect(refusal(files, renamed) == "\(good.certificate) is of cluster north, and 'cluster.name' is south")
    for (addresses, missing) in [(["192.0.2.1"], "198.51.100.1"), (["198.51.100.1", "192.0.2.3"], "192.0.2.1")] {
      try files.unit(1, addresses)
      let words = refusal(files)
      #expect(
        words == "\(good.certificate) does not name \(missing), which 'cluster.units' gives this unit: "
          + "`hauberk identity unit --address …` makes one that does")
    }
    // An address more is no harm.
    try files.unit(1, Self.own + ["203.0.113.1"])
    #expect(refusal(files) == nil)
  }

  @Test("Papers that nobody vouches for, are over, revoked, or are not there")
  func worthlessPapers() throws {
    let files = try Files(), others = try Files()
    var membership = files.membership
    #expect(refusal(files)?.contains("unit-1.pem") == true)
    let serial = try files.unit(1, Self.own)
    membership.authority = others.path("authority.pem")
    #expect(refusal(files, membership)?.contains("authority of \(others.path("authority.pem"))") == true)
    membership.authority = files.path("absent.pem")
    #expect(refusal(files, membership)?.contains("absent.pem") == true)
    membership = files.membership
    try files.unit(2, Self.own)
    membership.key = files.path("unit-2.key")
    #expect(refusal(files, membership)?.contains("is not the key of the certificate") == true)
    membership = files.membership
    membership.revocations = files.path("revoked.pem")
    #expect(refusal(files, membership)?.contains("revoked.pem") == true)
    try files.revoke([])
    #expect(refusal(files, membership) == nil)
    try files.revoke([serial])
    #expect(refusal(files, membership)?.contains("(serial \(serial)) has been revoked") == true)
    try files.unit(1, Self.own, at: Files.now - 20 * 86400)
    #expect(refusal(files)?.contains("expired") == true)
    // A key that everybody may read is nobody's.
    try files.unit(1, Self.own)
    chmod(files.path("unit-1.key"), 0o644)
    #expect(refusal(files)?.contains("unit-1.key") == true)
  }

  @Test("A reload takes over revocations as the files say them, or nothing where they say nothing")
  func renewal() throws {
    let files = try Files()
    let serial = try files.unit(1, Self.own)
    try files.revoke([])
    var membership = files.membership
    membership.revocations = files.path("revoked.pem")
    let setting = try setting(files, membership)
    let der = setting.identity.certificate
    func holds() -> Bool { (try? setting.keys.authority.check(der, now: Files.now).get()) != nil }
    #expect(holds())
    try files.revoke([serial])
    let renewal = try setting.renewedAuthority()
    #expect(holds(), "what is read is not in force yet")
    setting.adopt(renewal)
    #expect(!holds())
    files.put("nonsense", "revoked.pem")
    #expect(throws: MembershipRefusal.self) { try setting.renewedAuthority() }
    #expect(!holds())
  }
}

@Suite("The number of a unit's life")
struct LifeTests {
  private static let second: UInt64 = 1 << 20

  private func refusal(_ folder: String) -> String? {
    do {
      _ = try UnitLife.next(folder, now: 1000)
      return nil
    } catch { return error.description }
  }

  @Test("Greater than any before, whatever the clock says, and on the disk before it is used")
  func lives() throws {
    let files = try Files()
    var last: UInt64 = 0
    for (now, wanted) in [
      (1000, 1000 * Self.second), (1000, 1000 * Self.second + 1), (999, 1000 * Self.second + 2),
      (0, 1000 * Self.second + 3), (-5, 1000 * Self.second + 4), (1001, 1001 * Self.second),
    ] as [(Int64, UInt64)] {
      let life = try UnitLife.next(files.folder, now: now)
      #expect(life == wanted && life > last)
      #expect(files.text("life") == "\(life)\n" && !files.names.contains("life.next"))
      last = life
    }
  }

  @Test("By the clock, so that even who has lost his file comes back with a greater one")
  func lostFile() throws {
    let files = try Files()
    let first = try UnitLife.next(files.folder, now: Files.now)
    let late = try UnitLife.next(files.folder, now: Files.now + 2)
    unlink(files.path("life"))
    #expect(try UnitLife.next(files.folder, now: Files.now + 3) > max(first, late))
  }

  @Test(
    "A file that does not hold one is no beginning: nobody knows which numbers were used",
    arguments: [
      "", "\n", "x\n", "-1\n", "12 \n", "1.5\n", "18446744073709551616\n", "18446744073709551615\n",
      String(repeating: "9", count: 100),
    ])
  func nonsense(_ text: String) throws {
    let files = try Files()
    files.put(text, "life")
    let path = files.path("life")
    let words = refusal(files.folder)
    #expect(words == "\(path) does not hold the number of this unit's last life: restore it, or remove it")
    #expect(files.text("life") == text)
  }

  @Test("The last number that there is after another is taken as well")
  func end() throws {
    let files = try Files()
    files.put("\(UInt64.max - 1)\n", "life")
    #expect(try UnitLife.next(files.folder, now: 1000) == .max)
    #expect(refusal(files.folder)?.contains("does not hold") == true)
  }

  @Test("Where nothing can be read or written it is refused, with the file and the reason")
  func unwritable() throws {
    let files = try Files()
    let none = files.path("none")
    #expect(refusal(none) == "cannot write \(none)/life.next: No such file or directory")
    #expect(refusal(files.path("authority.pem"))?.contains("life: Not a directory") == true)
    mkdir(files.path("life"), 0o700)
    #expect(refusal(files.folder)?.contains("\(files.path("life"))") == true)
    rmdir(files.path("life"))
    mkdir(files.path("life.next"), 0o700)
    #expect(refusal(files.folder) == "cannot write \(files.path("life.next")): Is a directory")
    #expect(!files.names.contains("life"))
    rmdir(files.path("life.next"))
    // A full disk: what was there stays.
    files.put("7\n", "life")
    symlink("/dev/full", files.path("life.next"))
    #expect(refusal(files.folder) == "cannot write \(files.path("life")): No space left on device")
    #expect(files.text("life") == "7\n")
  }
}
