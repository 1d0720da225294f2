import CKernel
import Contract
import Dataplane
import Glibc
import Memory
import Wire

/// A device as it was found.
struct FoundDevice {
  let name: String
  let mac: MACAddress
  let mtu: Int

  init(_ name: String) throws(PortError) {
    var device = hauberk_link_facts()
    let error = hauberk_link_look(name, &device)
    guard error == 0 else {
      throw PortError(
        error == ENODEV
          ? "there is no device '\(name)': `ip link` shows those that there are"
          : "cannot look at the device '\(name)': \(String(cString: strerror(error)))")
    }
    guard device.kind == 1 else { throw PortError("the device '\(name)' is no Ethernet device, expected one") }
    guard device.is_up else { throw PortError("the device '\(name)' is down: `ip link set \(name) up`") }
    self.name = name
    let octets = [
      device.mac.0, device.mac.1, device.mac.2, device.mac.3, device.mac.4, device.mac.5,
    ]
    mac = MACAddress(octets.reduce(0) { $0 << 8 | UInt64($1) })
    mtu = Int(device.mtu)
  }
}

/// The queues of both devices, opened by one method: the one that is asked for, or the fastest that works.
final class PortSet {
  let ports: [LivePorts]
  /// By side: what was got, in words.
  let words: [String]
  /// Why faster ones were not got.
  private(set) var refusals: [String] = []
  /// By side: the device takes VLAN tags off before we could see them.
  let hidesVLANTags: [Bool]
  private let closers: [() -> Void]

  /// Fastest first.
  private static let methods: [PortMethod] = [.xdp, .packet]

  init(_ gateway: LiveGateway) throws(PortError) {
    let description = gateway.description.gateway
    let wanted = description.ports.compactMap(\.method)
    var refusals: [String] = []
    // Both sides by one method: what one receives, the other sends without a copy.
    for method in wanted.first.map({ [$0] }) ?? Self.methods {
      do {
        let opened = try Self.open(method, gateway, description.ports.map(\.device))
        ports = opened.ports
        words = opened.words
        hidesVLANTags = opened.hidesVLANTags
        closers = opened.closers
        self.refusals = refusals
        return
      } catch {
        refusals.append(error.description)
      }
    }
    throw PortError(refusals.joined(separator: "; "))
  }

  private typealias Opened = (ports: [LivePorts], words: [String], hidesVLANTags: [Bool], closers: [() -> Void])

  private static func open(
    _ method: PortMethod, _ gateway: LiveGateway, _ devices: [String]
  ) throws(PortError) -> Opened {
    switch method {
    case .xdp: return try openXDP(gateway, devices)
    case .packet: return try openPacket(gateway, devices)
    case .tap: return try openTap(gateway, devices)
    case .pcap: return try openPcap(gateway, devices)
    }
  }

  private static func openPacket(_ gateway: LiveGateway, _ devices: [String]) throws(PortError) -> Opened {
    var options = PacketOptions()
    options.isPromiscuous = true
    let inside = try PacketQueue.open(devices[0], options, frames: gateway.frames)
    let outside = try PacketQueue.open(devices[1], options, frames: gateway.frames)
    var closers: [() -> Void] = []
    func place(_ queue: PacketQueue) -> LivePort {
      let place = UnsafeMutablePointer<PacketQueue>.allocate(capacity: 1)
      place.initialize(to: queue)
      closers.append {
        place.pointee.close()
        place.pointee.counters.deallocate()
        place.deinitialize(count: 1)
        place.deallocate()
      }
      return LivePort(.packet(place))
    }
    let ports = zip(inside, outside).map { LivePorts(inside: place($0), outside: place($1)) }
    return (ports, ["AF_PACKET, memory ring", "AF_PACKET, memory ring"], [false, false], closers)
  }

  private static func openTap(_ gateway: LiveGateway, _ devices: [String]) throws(PortError) -> Opened {
    let inside = try TapQueue.open(devices[0], frames: gateway.frames)
    let outside = try TapQueue.open(devices[1], frames: gateway.frames)
    var closers: [() -> Void] = []
    func place(_ queue: TapQueue) -> LivePort {
      let place = UnsafeMutablePointer<TapQueue>.allocate(capacity: 1)
      place.initialize(to: queue)
      closers.append {
        place.pointee.close()
        place.pointee.counters.deallocate()
        place.deallocate()
      }
      return LivePort(.tap(place))
    }
    let ports = zip(inside, outside).map { LivePorts(inside: place($0), outside: place($1)) }
    return (ports, ["TAP", "TAP"], [false, false], closers)
  }

  private static func openPcap(_ gateway: LiveGateway, _ devices: [String]) throws(PortError) -> Opened {
    guard gateway.frames.count == 1, let frames = gateway.frames.first else {
      throw PortError("the method 'pcap' has one queue: 'workers: 1', or another method")
    }
    var closers: [() -> Void] = []
    func place(_ queue: PcapQueue) -> LivePort {
      let place = UnsafeMutablePointer<PcapQueue>.allocate(capacity: 1)
      place.initialize(to: queue)
      closers.append {
        place.pointee.close()
        place.pointee.counters.deallocate()
        place.deallocate()
      }
      return LivePort(.pcap(place))
    }
    let inside = place(try PcapQueue.open(devices[0], frames: frames))
    let outside = place(try PcapQueue.open(devices[1], frames: frames))
    return ([LivePorts(inside: inside, outside: outside)], ["libpcap", "libpcap"], [false, false], closers)
  }

  private static func openXDP(_ gateway: LiveGateway, _ devices: [String]) throws(PortError) -> Opened {
    let chunk = try XDPQueue.chunk(gateway.memory)
    let inside = try XDPDevice(devices[0], chunk: chunk), outside: XDPDevice
    do {
      outside = try XDPDevice(devices[1], chunk: chunk)
    } catch {
      inside.close()
      throw error
    }
    var ports: [LivePorts] = []
    var closers: [() -> Void] = []
    var copies = true
    func place(_ queue: XDPQueue) -> LivePort {
      let place = UnsafeMutablePointer<XDPQueue>.allocate(capacity: 1)
      place.initialize(to: queue)
      closers.append {
        place.pointee.close()
        place.pointee.counters.deallocate()
        place.deinitialize(count: 1)
        place.deallocate()
      }
      return LivePort(.xdp(place))
    }
    do throws(PortError) {
      for (number, frames) in gateway.frames.enumerated() {
        let pair = try XDPQueue.open(
          inside: inside, outside: outside, queue: number, frames: frames,
          counters: (PortCounters(), PortCounters()))
        copies = !pair.inside.isZeroCopy
        ports.append(LivePorts(inside: place(pair.inside), outside: place(pair.outside)))
      }
      for (device, count) in [(inside, inside.queues), (outside, outside.queues)] where count > gateway.frames.count {
        throw PortError(
          "\(device.name) has \(count) receive queues and there are \(gateway.frames.count) workers: `ethtool -L \(device.name) combined \(gateway.frames.count)`, or as many workers"
        )
      }
    } catch {
      for close in closers { close() }
      inside.close()
      outside.close()
      throw error
    }
    closers.append {
      inside.close()
      outside.close()
    }
    let words = [inside, outside].map { "AF_XDP, \($0.hook.rawValue), \(copies ? "copy" : "zero-copy")" }
    return (ports, words, [inside, outside].map(\.hidesVLANTags), closers)
  }

  func close() { for close in closers { close() } }
}
