internal import CLI
internal import CLab
internal import Config
internal import Glibc

/// The namespaces, bridges and cables of a lab.
struct LabWires: Sendable {
  let plan: LabPlan
  let tools: LabTools

  func build(_ record: LabRecord) throws(CommandFailure) {
    let namespaces = plan.places.map(plan.namespace)
    for name in namespaces where unsafe access(LabPlan.path(namespace: name), F_OK) == 0 {
      throw CommandFailure(
        .machine,
        "there is a namespace \(name) already, and no record that a lab made it: `ip netns del \(name)` "
          + "if nobody needs it, or take another --name")
    }
    for name in namespaces { try record.add(.namespace(name)) }
    try expect(try batch(namespaces.map { "netns add \($0)" }, in: nil), Self.makes)
    // Before there are devices, so that no kernel asks for IPv6 neighbours of its own.
    for name in namespaces { try LabNetwork.within(name) { Self.switchOffIPv6() } }
    try expect(try batch(cables, in: plan.namespace(.segment)), Self.joins)
    for (place, side) in plan.plugs {
      let code = try LabNetwork.within(plan.namespace(place)) { unsafe hauberk_lab_plain(side.rawValue) }
      guard code == 0 else { throw LabTools.failure("cannot switch off the offloads of a cable", code) }
    }
    for place in plan.places where place != .segment {
      try expect(try batch(lines(place), in: plan.namespace(place))) { "cannot set up \(place.word): \($0)" }
    }
  }

  /// False: that cable is pulled.
  func plug(_ number: Int, _ sides: [LabOrder.Side], isIn: Bool) throws(CommandFailure) {
    let lines = sides.map { "link set \(LabPlan.port(.member(number), $0)) \(isIn ? "up" : "down")" }
    try expect(try batch(lines, in: plan.namespace(.segment))) { "cannot change member \(number)'s cables: \($0)" }
  }

  private func batch(_ lines: [String], in namespace: String?) throws(CommandFailure) -> String? {
    try tools.batch(lines, in: namespace, file: "\(plan.folder)/batch")
  }

  private func expect(_ complaint: String?, _ words: (String) -> String) throws(CommandFailure) {
    if let complaint { throw CommandFailure(.machine, words(complaint)) }
  }

  private var cables: [String] {
    let queues = "numtxqueues \(plan.options.workers) numrxqueues \(plan.options.workers)"
    var lines = ["link set lo up"]
    for side in LabOrder.Side.allCases {
      lines.append("link add name \(side.rawValue) type bridge mcast_snooping 0 forward_delay 0")
      lines.append("link set \(side.rawValue) up")
    }
    for (place, side) in plan.plugs {
      let port = LabPlan.port(place, side)
      lines.append(
        "link add name \(port) \(queues) type veth peer name \(side.rawValue) \(queues) netns \(plan.namespace(place))")
      lines.append("link set \(port) master \(side.rawValue) up")
    }
    return lines
  }

  private func lines(_ place: LabPlan.Place) -> [String] {
    var lines = ["link set lo up"]
    for (other, side) in plan.plugs where other == place {
      lines.append("link set \(side.rawValue) up")
      guard case .member = place else {
        lines.append("addr add \(LabPlan.host(side))/24 dev \(side.rawValue)")
        lines.append("route add default via \(LabPlan.shared(side))")
        continue
      }
    }
    return lines
  }

  private static func switchOffIPv6() -> Int32 {
    for which in ["all", "default"] {
      // Where there is no IPv6, or nobody may say so, it does no harm but noise.
      let file = unsafe open("/proc/sys/net/ipv6/conf/\(which)/disable_ipv6", O_WRONLY | O_CLOEXEC)
      guard file >= 0 else { continue }
      unsafe _ = write(file, "1", 1)
      close(file)
    }
    return 0
  }

  // What `ip` says is for people who know it.

  private static func makes(_ complaint: String) -> String {
    let isForbidden = ["not permitted", "denied", "Read-only"].contains { complaint.contains($0) }
    let remedy =
      isForbidden
      ? "; a container needs to be a privileged one for that (docker run --privileged), or take a virtual machine" : ""
    return "cannot make network namespaces here: \(complaint)\(remedy)"
  }

  private static func joins(_ complaint: String) -> String {
    let isUnknown = ["Unknown device type", "not supported", "Unknown"].contains { complaint.contains($0) }
    let remedy = isUnknown ? "; the kernel's modules may be missing: `modprobe -a bridge veth`" : ""
    return "cannot make bridges and cables here: \(complaint)\(remedy)"
  }
}

/// What is done in another network, on a thread of its own.
enum LabNetwork {
  private final class Errand {
    let body: () -> Int32
    var result: Int32 = 0
    init(_ body: @escaping () -> Int32) { self.body = body }
  }

  @discardableResult
  static func within(_ namespace: String, _ body: @escaping () -> Int32) throws(CommandFailure) -> Int32 {
    let errand = Errand(body)
    let context = unsafe Unmanaged.passUnretained(errand)
    let code = unsafe hauberk_lab_within(
      LabPlan.path(namespace: namespace),
      { context in
        guard let context = unsafe context else { return }
        let errand = unsafe Unmanaged<Errand>.fromOpaque(context).takeUnretainedValue()
        errand.result = errand.body()
      }, context.toOpaque())
    guard code == 0 else { throw LabTools.failure("cannot enter the network namespace \(namespace)", code) }
    return errand.result
  }
}
