import CKernel
import CLI
import Cluster
import Config
import Contract
import ControlKit
import Dataplane
import Membership
import Service
import Wire

/// A gateway that is one of several: its cluster's thread, and what the control thread has to do with it.
final class LiveMembership {
  let description: MembershipDescription
  /// What workers and the cluster's thread say to each other.
  let cluster: ClusterDesk
  private let setting: MemberSetting
  private(set) var member: ClusterMember?
  private var early: EarlyJudge?
  let own: Int

  /// Before the gateway is made, which takes `cluster`.
  init(
    _ membership: MembershipDescription, _ configuration: Configuration, _ gateway: GatewayDescription,
    devices: [String], macs: [MACAddress]
  ) throws(MembershipRefusal) {
    description = membership
    own = configuration.unitNumber ?? 0
    setting = try MemberSetting(
      membership, unit: own, stateDirectory: configuration.stateDirectory ?? "",
      digest: Self.digest(configuration), interfaces: gateway.interfaces, devices: devices, macs: macs)
    cluster = ClusterDesk(
      units: membership.units.map {
        ClusterDesk.Unit(number: $0.number, inside: $0.inside, outside: $0.outside)
      }, own: own, macs: macs)
  }

  /// Whether other members would take it for the same cluster.
  func goesWith(_ next: Configuration) -> Bool { Self.digest(next) == setting.configuration }

  private static func digest(_ configuration: Configuration) -> UInt64 {
    MemberSetting.digest(configuration.agreement)
  }

  func start(_ gateway: LiveGateway, _ ports: PortSet) throws(MembershipRefusal) {
    let lids = ports.early
    let early = EarlyJudge { filter in
      for side in Side.allCases { lids[Int(side.rawValue)]?.set(filter(side)) }
    }
    early.use(gateway.description.classify)
    self.early = early
    let member = try ClusterMember(setting, gateway, cluster, early)
    self.member = member
    try member.start {
      // Where that fails it fails for the control thread as well, which ends the start.
      do {
        try Privileges.confine(.control, others: .refuse)
      } catch {
        Console.note("hauberk: the cluster's thread \(error)")
      }
    }
  }

  /// Certificates of authorities and lists of revoked ones, before a reload and with it.
  func renewedAuthority() throws(MembershipRefusal) -> MemberSetting.Renewal { try setting.renewedAuthority() }
  func adopt(_ renewal: MemberSetting.Renewal) { setting.adopt(renewal) }

  /// Asked again and again until true: another one has all the work by then, or there is nobody.
  func drain() -> Bool {
    guard let member else { return true }
    member.desk.drain()
    return member.desk.isDrained
  }

  /// The kernel's judgement is by the rules of a configuration: it ends before another one is in force.
  func letGo() {
    guard let early else { return }
    early.use(nil)
    let end = hauberk_nanoseconds() + 200_000_000
    while !early.isInForce, hauberk_nanoseconds() < end { hauberk_sleep_microseconds(200) }
  }

  func adopt(_ classify: ClassifyDescription) { early?.use(classify) }

  /// After the workers: they may hold the last table until then.
  func stop() { member?.stop() }

  func deallocate() { cluster.deallocate() }
}
