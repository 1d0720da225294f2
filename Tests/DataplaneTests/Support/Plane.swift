import Contract
@testable import Dataplane
import PacketMaking
import Wire

/// A snapshot for as long as a test needs it, and questions to it in the words of the tests.
final class Plane {
  let snapshot: UnsafePointer<ClassifySnapshot>
  let link: LinkType

  init(
    _ description: ClassifyDescription = ClassifyDescription(),
    ownership: OwnershipDescription = OwnershipDescription(members: 1, playing: [0], workers: 1),
    link: LinkType = .ethernet
  ) {
    snapshot = ClassifySnapshotBuilder.build(description, ownership)
    self.link = link
  }

  deinit { ClassifySnapshotBuilder.destroy(snapshot) }

  var classifier: Classifier { Classifier(snapshot, link: link) }

  /// As the worker would judge it alone: acceptance, then classification.
  func classification(_ frame: [UInt8]) -> Classification {
    withExactBytes(frame) { classifier.judge(Bytes($0)) }
  }

  /// The same without the short path.
  func fullClassification(_ frame: [UInt8]) -> Classification {
    withExactBytes(frame) { frame in
      let accepted = classifier.accept(Bytes(frame))
      return accepted == .none ? classifier.classifyFully(Bytes(frame)) : Classification(accepted)
    }
  }

  /// Negative where the short path has no answer.
  func shortPath(_ frame: [UInt8]) -> Int {
    withExactBytes(frame) { frame in
      guard let words = classifier.shortPath.words(Bytes(frame)) else { return -1 }
      // A tunnel's work set takes the place of the packet's own, as in the pipeline.
      let policies = snapshot.pointee.policies
      let tunnel = policies.find(Selector(words: words.addresses, words.ports)).pointee.workSet
      return Int(tunnel != PolicyTable.flow ? tunnel : ShortPath.workSet(words, snapshot.pointee.keyPointer))
    }
  }

  func acceptance(_ frame: [UInt8]) -> DropReason {
    withExactBytes(frame) { classifier.accept(Bytes($0)) }
  }

  /// The work set of a frame, or nil where it has none.
  func set(_ frame: [UInt8]) -> Int? {
    let result = classification(frame)
    return result.reason == .none ? Int(result.workSet) : nil
  }

  /// The work set of an IP packet in an Ethernet frame.
  func set4(_ packet: [UInt8]) -> Int? { set(ethernet(.ipv4, packet)) }
  func set6(_ packet: [UInt8]) -> Int? { set(ethernet(.ipv6, packet)) }

  func rule(_ frame: [UInt8]) -> KeyingRule? {
    let result = classification(frame)
    return result.reason == .none ? result.rule : nil
  }

  /// What happens to a work set's packets: the reason why they are dropped, or none and whose they are.
  func fate(of set: Int) -> (reason: DropReason, worker: Int) {
    let disposition = snapshot.pointee.dispositions[set]
    return (DropReason(rawValue: disposition.verdict)!, Int(disposition.worker))
  }
}

extension ClassifyDescription {
  /// A description in one line.
  init(
    _ hash: HashKind, key: String = "00000000000000000000000000000000", cluster: [String] = [],
    tunnels: [TunnelDescription] = [], groups: [GroupDescription] = [], accept: AcceptDescription? = nil
  ) {
    self.init()
    self.hash = hash
    self.key = WorkSetKey(key)!
    clusterAddresses = cluster.map { IPAddress($0)! }
    self.tunnels = tunnels
    self.groups = groups
    self.accept = accept
  }
}

enum TestKey {
  static let zero = "00000000000000000000000000000000"
  static let counting = "000102030405060708090a0b0c0d0e0f"

  /// `count` keys that have nothing to do with one another.
  static func several(_ count: Int) -> [String] {
    var random = Seeded(seed: 0x6b65_7973)
    return (0..<count).map { _ in
      random.octets(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }
}

/// Some host of 32 or 128 random bits, as it is written.
func someHost(_ random: inout Seeded, isIPv6: Bool) -> String {
  isIPv6
    ? IPv6Address(high: random.next(), low: random.next()).description
    : IPv4Address(UInt32(truncatingIfNeeded: random.next())).description
}

func somePort(_ random: inout Seeded) -> UInt16 {
  // Away from the ports that have rules of their own.
  UInt16(10_000 + random.below(50_000))
}
