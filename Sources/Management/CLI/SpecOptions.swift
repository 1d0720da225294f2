import Config
import Contract

/// `name=value,name=value`: the small language of --generate and --faults.
struct Specification {
  private var values: [String: String] = [:]
  private let option: String

  init(_ text: String, option: String, names: [String]) throws(CommandFailure) {
    self.option = option
    for part in text.split(separator: ",") {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2 else {
        throw CommandFailure(.usage, "\(option) takes name=value pairs between commas, not '\(part)'")
      }
      let name = String(pair[0])
      guard names.contains(name) else {
        let hint = nearestName(to: name, among: names).map { "did you mean '\($0)'?" }
        throw CommandFailure(
          .usage, "\(option) knows no '\(name)': \(hint ?? "it takes " + names.joined(separator: ", "))")
      }
      values[name] = String(pair[1])
    }
  }

  func text(_ name: String) -> String? { values[name] }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(CommandFailure) -> Int? {
    guard let text = values[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw CommandFailure(
        .usage,
        "\(option) \(name)= takes a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
    }
    return number
  }

  func seed() throws(CommandFailure) -> UInt64? { try integer("seed", in: 0...Int.max).map { UInt64($0) } }

  func share(_ name: String) throws(CommandFailure) -> Double? {
    guard let text = values[name] else { return nil }
    guard let share = Double(text), (0...1).contains(share) else {
      throw CommandFailure(.usage, "\(option) \(name)= takes a share from 0 to 1, not '\(text)'")
    }
    return share
  }
}

extension GeneratorDescription {
  /// What --generate asks for.
  init(_ text: String) throws(CommandFailure) {
    let spec = try Specification(
      text, option: "--generate", names: ["packets", "size", "flows", "ipv6", "seed"])
    self.init()
    packets = try spec.integer("packets", in: 0...1_000_000_000_000) ?? packets
    flows = try spec.integer("flows", in: 1...Self.mostFlows) ?? flows
    ipv6Percent = try spec.integer("ipv6", in: 0...100) ?? ipv6Percent
    seed = try spec.seed() ?? seed
    if let size = spec.text("size") { self.size = try Self.size(size) }
    if ipv6Percent > 0, case .fixed(let bytes) = size, bytes < 78 {
      throw CommandFailure(.usage, "--generate size=\(bytes) is too short for IPv6 with TCP, which takes 78")
    }
  }

  private static func size(_ text: String) throws(CommandFailure) -> Size {
    if text == "imix" { return .imix }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
    if ends.count == 1, sizes.contains(ends[0]) { return .fixed(ends[0]) }
    if ends.count == 2, sizes.contains(ends[0]), sizes.contains(ends[1]), ends[0] <= ends[1] {
      return .range(ends[0], ends[1])
    }
    throw CommandFailure(
      .usage,
      "--generate size= takes imix, a size, or a range such as 64-1518 (from \(sizes.lowerBound) to "
        + "\(sizes.upperBound)), not '\(text)'")
  }
}

extension FaultDescription {
  /// What --faults asks for.
  init(_ text: String) throws(CommandFailure) {
    let spec = try Specification(
      text, option: "--faults", names: ["truncate", "flip", "duplicate", "reorder", "drop", "seed"])
    self.init()
    truncate = try spec.share("truncate") ?? 0
    flip = try spec.share("flip") ?? 0
    duplicate = try spec.share("duplicate") ?? 0
    reorder = try spec.share("reorder") ?? 0
    drop = try spec.share("drop") ?? 0
    seed = try spec.seed() ?? seed
  }
}
