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

  @Test(.enabled(if: !captures.isEmpty, "there are no captures beside the checkout"))
  func `what no worker would call another member's is not dropped`() throws {
    var all = EarlyComparison()
    let rig = try EarlyRig(spis: 4096)
    for name in Self.captures {
      let frames = Self.frames(name)
      let description = Self.description(frames)
      for key in TestKey.several(2) {
        var keyed = description
        keyed.key = WorkSetKey(key)!
        let found = try EarlyComparison.run(keyed, frames, rig: rig)
        #expect(found.isRight, "\(name): \(found.wrong.prefix(1))")
        all.frames += found.frames
        all.foreign += found.foreign
        all.early += found.early
      }
    }
    print("early filter: \(all.frames) packets of captures, \(all.share) foreign ones dropped early")
    #expect(all.early > 0)
  }
}
