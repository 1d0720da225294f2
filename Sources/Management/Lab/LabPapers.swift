internal import CLI
internal import Glibc
internal import Identity
internal import Wire

/// The authority of a lab's cluster, and who its units are: the same as `hauberk identity` makes.
enum LabPapers {
  private static let days = 2

  static func make(_ plan: LabPlan) throws(CommandFailure) {
    let now = Int64(time(nil))
    let authority = "\(plan.folder)/authority"
    try store(
      told { () throws(IdentityRefusal) in
        try IssuingAuthority.make(cluster: plan.name, days: days, now: now)
      }, authority)
    let issuer = try told { () throws(IdentityRefusal) in
      try IssuingAuthority(certificate: authority + ".pem", key: authority + ".key")
    }
    let revocations = try told { () throws(IdentityRefusal) in try issuer.revocations(nil, adding: [], now: now) }
    try LabFile.write(revocations, "\(plan.folder)/revoked.pem", mode: 0o644)
    for number in plan.numbers {
      let addresses = LabOrder.Side.allCases.compactMap { IPAddress(LabPlan.address(number, $0)) }
      try store(
        told { () throws(IdentityRefusal) in
          try issuer.unit(number, addresses: addresses, days: days, now: now)
        }, "\(plan.folder)/member\(number)")
    }
  }

  private static func told<Value>(_ body: () throws(IdentityRefusal) -> Value) throws(CommandFailure) -> Value {
    do throws(IdentityRefusal) {
      return try body()
    } catch {
      throw CommandFailure(.machine, "cannot make the cluster's certificates: \(error.description)")
    }
  }

  private static func store(_ papers: IssuingAuthority.Papers, _ stem: String) throws(CommandFailure) {
    try LabFile.write(papers.privateKey ?? "", stem + ".key", mode: 0o600)
    try LabFile.write(papers.certificate, stem + ".pem", mode: 0o644)
  }
}
