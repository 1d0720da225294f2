import Contract
@testable import Dataplane
import Foundation
import PacketMaking
import Testing
import Wire

/// The filter in the kernel and the workers on other people's packets.
@Suite(.enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct EarlyCaptureTests {
  static let folder: String = {
    let here = ProcessInfo.processInfo.environment["HAUBERK_CAPTURES"] ?? "../shared/captures"
    return URL(fileURLWithPath: here).standardizedFileURL.path
  }()

  static let captures: [String] = {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.filter { name in [".pcap", ".pcapng", ".cap", ".gz"].contains { name.hasSuffix($0) } }.sorted()
  }()

  /// The frames of one capture; none where it is not of Ethernet, or broken.
  static func frames(_ name: String) -> [[UInt8]] {
    guard let input = try? CaptureInput(.path(folder + "/" + name)), input.link == .ethernet else { return [] }
    var frames: [[UInt8]] = []
    while frames.count < 5000, let frame = input.nextFrame() {
      // The kernel's test run takes no more than a page.
      frames.append(Array(UnsafeRawBufferPointer(start: frame.base, count: min(frame.count, 2000))))
    }
    return frames
  }

  /// A cluster where the capture's ESP goes to: its SPIs are ours, each other one a group's.
  static func description(_ frames: [[UInt8]]) -> ClassifyDescription {
    var description = EarlyFilterTests.description(cluster: [], tunnels: [])
    var addresses: [IPAddress] = [], spis: [UInt32] = []
    for frame in frames {
      withExactBytes(frame) { frame in
        let packet = Dissection(frame: Bytes(frame), link: .ethernet)
        let isESP = packet.protocolNumber == IPProtocol.esp
        guard packet.fault == .none, isESP || packet.protocolNumber == IPProtocol.udp, !packet.isFragment else {
          return
        }
        let payload = isESP ? packet.upper : packet.upper.dropFirst(UDPView.length)
        guard isESP || PortsView(packet.upper)?.destination == IKEView.encapsulationPort, let esp = ESPView(payload)
        else {
          return
        }
        let to = packet.addresses
        let address: IPAddress =
          to.isIPv6
          ? .v6(IPv6Address(high: to.destinationHigh, low: to.destinationLow))
          : .v4(IPv4Address(UInt32(truncatingIfNeeded: to.destinationLow)))
        if !addresses.contains(address), addresses.count < 64 { addresses.append(address) }
        if !spis.contains(esp.spi) { spis.append(esp.spi) }
      }
    }
    description.clusterAddresses = addresses
    for (place, spi) in spis.enumerated() where spi != 0 {
      if place % 2 == 0 {
        description.tunnels.append(
          TunnelDescription(inboundSPI: spi, outboundSPI: 7, peer: IPAddress(EarlyFilterTests.outer)!))
      } else {
        description.groups.append(GroupDescription(spi: spi, senderIDBits: 8))
      }
    }
    return description
  }

  /// The same with tunnels, and policies in front of them, for some of the capture's own traffic.
  static func withPolicies(_ description: ClassifyDescription, _ frames: [[UInt8]]) -> ClassifyDescription {
    var description = description
    if description.clusterAddresses.isEmpty { description.clusterAddresses = [IPAddress(Host.cluster)!] }
    for frame in frames.enumerated().filter({ $0.offset % 97 == 3 }).prefix(8).map(\.element) {
      withExactBytes(frame) { frame in
        let packet = Dissection(frame: Bytes(frame), link: .ethernet)
        guard packet.fault == .none else { return }
        let selector = packet.selector, ends = selector.addresses
        func end(_ high: UInt64, _ low: UInt64, _ bits: Int) -> IPPrefix {
          let address: IPAddress =
            ends.isIPv6 ? .v6(IPv6Address(high: high, low: low)) : .v4(IPv4Address(UInt32(truncatingIfNeeded: low)))
          return IPPrefix(address, length: ends.isIPv6 ? 4 * bits : bits)!
        }
        let source = end(ends.sourceHigh, ends.sourceLow, 16), far = end(ends.destinationHigh, ends.destinationLow, 32)
        let number = description.tunnels.count
        var tunnel = TunnelDescription(
          name: "\(number)", inboundSPI: 0x7700_0000 | UInt32(number &* 37), outboundSPI: 7,
          peer: IPAddress(EarlyFilterTests.outer)!)
        tunnel.local = [source]
        tunnel.remote = [end(ends.destinationHigh, ends.destinationLow, 8)]
        description.tunnels.append(tunnel)
        var policy = PolicyDescription(
          number % 3 == 0 ? .bypass : .protect("\(number)"), source: source, destination: far)
        policy.protocolNumber = selector.protocolNumber
        if selector.hasPorts { policy.destinationPorts = selector.destinationPort...selector.destinationPort }
        description.policies.append(policy)
      }
    }
    return description
  }

  @Test(.enabled(if: !captures.isEmpty, "there are no captures beside the checkout"), arguments: Side.allCases)
  func `what is another member's is dropped, and nothing else, but what is left to workers`(_ side: Side) throws {
    var all = EarlyComparison()
    let rig = try EarlyRig(side, spis: 4096)
    for name in Self.captures {
      let frames = Self.frames(name)
      let description = Self.description(frames)
      let named = Self.withPolicies(description, frames)
      for (key, described) in zip(TestKey.several(2), side == .inside ? [named, description] : [named]) {
        var keyed = described
        keyed.key = WorkSetKey(key)!
        let found = try EarlyComparison.run(keyed, frames, from: side, rig: rig)
        #expect(found.isRight, "\(name): \(found.wrong.prefix(1))")
        #expect(found.isComplete, "\(name): \(found.missed.prefix(1))")
        all.add(found)
      }
    }
    print("early filter, \(side): \(all.frames) packets of captures, \(all.share) foreign ones dropped early")
    print("\(all.earlyForTunnels) of these of tunnels; left to workers: \(all.left)")
    #expect(all.early > 0 && all.earlyForTunnels > 0)
  }
}
