import CXDP
import Glibc
package import Wire

/// Where in the kernel an XDP program runs.
package enum XDPHook: String, CaseIterable, Sendable {
  /// In the driver, before there is a socket buffer.
  case native
  /// After the driver has made one: slower, and every device has it.
  case generic
}

/// A device whose packets go to sockets of ours instead of to the kernel, as long as this lives.
///
/// The program and its attachment are descriptors of this process: however it ends, the kernel takes both away.
package final class XDPDevice {
  package let name: String
  package let hook: XDPHook
  /// How many receive queues the device spreads its packets over. Those without a socket are the kernel's.
  package let queues: Int
  /// The longest frame that the device was made for, with two VLAN tags.
  package let longestFrame: Int
  /// The device takes VLAN tags off, and we cannot know that there were any: 'ethtool -K DEVICE rxvlan off' mends it.
  package let hidesVLANTags: Bool
  /// What is dropped before it comes to a socket.
  package let early: EarlyMemory
  let index: UInt32
  private var program: hauberk_xdp_program
  private var membership: Int32 = -1

  /// The device's own hook unless `hook` says otherwise, else the generic one. Frames longer than `chunk` holds need a
  /// kernel that hands them out in pieces. `early` outlives a device that goes and comes back.
  package init(_ name: String, hook wanted: XDPHook? = nil, chunk: Int, early: EarlyMemory? = nil) throws(PortError) {
    let found = try Self.find(name)
    let longest = Int(found.mtu) + 14 + 8
    self.name = name
    index = found.index
    queues = Int(found.receive_queues)
    longestFrame = longest
    hidesVLANTags = found.takes_tags_off
    let inPieces = longest > chunk - Int(HAUBERK_XDP_HEADROOM)
    (program, self.early) = try Self.load(queues: found.receive_queues, inPieces: inPieces, early, name)
    do {
      hook = try Self.attach(&program, found.index, wanted, name)
    } catch {
      hauberk_xdp_unload(&program)
      throw error
    }
  }

  deinit { close() }

  /// The device's packets are the kernel's again.
  package func close() {
    hauberk_xdp_unload(&program)
    if membership >= 0 { Glibc.close(membership) }
    membership = -1
  }

  /// Packets to this address come too, a group's or a second one of the device's; nil: packets to any.
  package func listen(to address: MACAddress?) throws(PortError) {
    let error: Int32
    if let address {
      error = hauberk_xdp_listen(index, address.octets, &membership)
    } else {
      error = hauberk_xdp_listen(index, nil, &membership)
    }
    guard error == 0 else {
      throw PortError("\(name) does not listen to \(address.map { "\($0)" } ?? "everything"): \(text(of: error))")
    }
  }

  func enter(queue: Int, descriptor: Int32) throws(PortError) {
    let error = hauberk_xdp_enter(&program, UInt32(queue), descriptor)
    guard error == 0 else {
      throw PortError("cannot lead queue \(queue) of \(name) to its socket: \(text(of: error))")
    }
  }

  /// What the program has counted.
  package var counts: (redirected: UInt64, passed: UInt64, control: UInt64, filtered: UInt64) { early.counts }

  package var state: PortState {
    var found = hauberk_xdp_device()
    guard hauberk_xdp_find_device(name, &found) == 0, found.index == index else { return .gone }
    return found.is_running ? .up : .down
  }

  // MARK: - Making

  private static func find(_ name: String) throws(PortError) -> hauberk_xdp_device {
    var found = hauberk_xdp_device()
    let error = hauberk_xdp_find_device(name, &found)
    guard error != ENODEV else { throw PortError("there is no device \(name)") }
    guard error == 0 else { throw PortError("cannot look at the device \(name): \(text(of: error))") }
    return found
  }

  private static func load(
    queues: UInt32, inPieces: Bool, _ early: EarlyMemory?, _ name: String
  ) throws(PortError) -> (hauberk_xdp_program, EarlyMemory) {
    var program = hauberk_xdp_program()
    var log = [CChar](repeating: 0, count: 1 << 16)
    // Without rights there is none, and no program either.
    guard let early = early ?? (try? EarlyMemory()) else {
      throw PortError("AF_XDP on \(name) needs the rights of root: CAP_NET_ADMIN and CAP_BPF")
    }
    let error = early.loadXDP(queues: queues, inPieces: inPieces, &program, &log)
    if error == 0 { return (program, early) }
    if error == EPERM || error == EACCES {
      throw PortError("AF_XDP on \(name) needs the rights of root: CAP_NET_ADMIN and CAP_BPF")
    }
    if error == EINVAL, inPieces {
      throw PortError(
        "the MTU of \(name) is more than a frame of packet memory holds, and this kernel has no XDP in several buffers: "
          + "lower the MTU, or use the method packet")
    }
    let words = String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let last = words.split(separator: "\n").last.map { " (\($0))" } ?? ""
    throw PortError("the kernel refuses the XDP program for \(name): \(text(of: error))\(last)")
  }

  private static func attach(
    _ program: inout hauberk_xdp_program, _ index: UInt32, _ wanted: XDPHook?, _ name: String
  ) throws(PortError) -> XDPHook {
    var error: Int32 = 0
    for hook in XDPHook.allCases where wanted == nil || wanted == hook {
      error = hauberk_xdp_attach(&program, index, hook == .native)
      if error == 0 { return hook }
      // One that is there in either hook is in the way of both.
      if error == EBUSY || error == EEXIST { break }
    }
    if error == EBUSY || error == EEXIST {
      throw PortError(
        "\(name) has an XDP program already, which is somebody else's: 'ip link show \(name)' names it")
    }
    if error == EINVAL {
      throw PortError("this kernel cannot attach an XDP program to \(name) as a link (it needs Linux 5.9)")
    }
    let which = wanted.map { "the \($0.rawValue) hook" } ?? "any hook"
    throw PortError("cannot attach an XDP program to \(which) of \(name): \(text(of: error))")
  }
}
