import CKernel
import CXDP
import Glibc
import Wire

/// Keeps the local kernel out of a device: what comes in is dropped behind the taps, IPv6 is off, and the kernel has no
/// address there. Or it would answer and forward by itself what the gateway answers and forwards.
///
/// The filter is a link, which goes with the process; before Linux 6.6 it is a filter of clsact, which the next start
/// replaces. What was taken is given back.
package final class KernelGuard {
  package let device: String
  /// What could not be kept from the kernel, and why.
  package private(set) var weakness: String?
  private let index: UInt32
  /// That nobody else keeps the kernel out of this device, and finds what we have taken left over.
  private(set) var claim: Int32 = -1
  private var link: Int32 = -1
  private var isFilter = false
  /// To be given back.
  private var taken: KernelRecord
  private let record: String?

  /// Addresses that the kernel has are refused, unless they are to be taken over. `record` is a file that says what was
  /// taken, for the next start after a sudden end.
  package init(
    _ device: String, takesAddresses: Bool, record: String? = nil, usesLinks: Bool = true
  ) throws(PortError) {
    var found = hauberk_xdp_device()
    let error = hauberk_xdp_find_device(device, &found)
    guard error == 0 else { throw PortError("cannot look at the device \(device): \(text(of: error))") }
    self.device = device
    self.record = record
    index = found.index
    taken = KernelRecord(index: index)
    claim = hauberk_device_claim(index)
    guard claim >= 0 else {
      throw PortError(
        claim == -EADDRINUSE
          ? "another gateway runs on \(device): `hauberk stop`, or another device"
          : "cannot claim the device \(device): \(text(of: -claim))")
    }
    do throws(PortError) {
      try take(takesAddresses: takesAddresses, usesLinks: usesLinks)
    } catch {
      release()
      throw error
    }
  }

  private func take(takesAddresses: Bool, usesLinks: Bool) throws(PortError) {
    // First: whatever comes now, it is given back.
    if let earlier = record.flatMap({ [index] in KernelRecord($0, index: index) }) { taken = earlier }
    let addresses = try Self.addresses(device, index)
    if !takesAddresses, let first = addresses.first {
      throw PortError(
        "the kernel has the address \(Self.words(first)) on \(device), and would answer there as well: "
          + "`ip address del \(Self.words(first)) dev \(device)`, or `takeAddresses: yes` for this port")
    }
    drop(usesLinks: usesLinks)
    let hasIPv6 = hauberk_ipv6_is_off(device) == 0
    // Written before it is taken: what is given back without having been taken does no harm.
    var next = taken
    next.hadIPv6 = next.hadIPv6 || hasIPv6
    next.addresses = KernelRecord.union(taken.addresses, addresses)
    if let record, !next.isEmpty { try next.write(record) }
    taken = next
    if hasIPv6 {
      let error = hauberk_ipv6_switch(device, true)
      guard error == 0 else {
        throw PortError(
          "cannot switch off the kernel's IPv6 on \(device) (\(text(of: error))): "
            + "`sysctl -w net.ipv6.conf.\(device).disable_ipv6=1`")
      }
    }
    for var address in addresses {
      // Those of IPv6 are gone already.
      let error = hauberk_address_take(index, &address)
      guard error == 0 || error == EADDRNOTAVAIL else {
        throw PortError("cannot take \(Self.words(address)) from \(device): \(text(of: error))")
      }
    }
  }

  private func drop(usesLinks: Bool) {
    let program = hauberk_ingress_load()
    guard program >= 0 else {
      weakness = "the kernel sees what arrives at \(device), and may answer it: no filter (\(text(of: -program)))"
      return
    }
    defer { Glibc.close(program) }
    if usesLinks { link = hauberk_ingress_attach(program, index) }
    if link >= 0 {
      // What an earlier kernel's run has left; in a kernel that has links somebody else may need the discipline.
      if hauberk_clsact_has(index) { hauberk_clsact_detach(index, taken.madeDiscipline) }
      taken.madeDiscipline = false
      return
    }
    var isNew = false
    let error = hauberk_clsact_attach(program, index, &isNew)
    isFilter = error == 0
    taken.madeDiscipline = taken.madeDiscipline || isNew
    if error != 0 {
      weakness = "the kernel sees what arrives at \(device), and may answer it: no filter (\(text(of: error)))"
    }
  }

  deinit { release() }

  /// The device is the kernel's again, if it is still there: one of the same name may be another.
  package func release() {
    guard claim >= 0 else { return }
    var found = hauberk_xdp_device()
    let isThere = hauberk_xdp_find_device(device, &found) == 0 && found.index == index
    if !isThere || giveBack(), let record { KernelRecord.remove(record) }
    taken = KernelRecord(index: index)
    isFilter = false
    abandon()
  }

  /// What an earlier run took of devices that this one has nothing to do with, by how records begin; what follows is a
  /// device's name.
  package static func giveBackLeftOver(_ records: String, except devices: [String]) {
    let end = records.lastIndex(of: "/")
    let folder = end.map { String(records[..<$0]) } ?? "."
    let prefix = end.map { String(records[records.index(after: $0)...]) } ?? records
    guard let list = opendir(folder) else { return }
    defer { closedir(list) }
    while let entry = readdir(list) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(prefix + ".") else { continue }
      let device = String(name.dropFirst(prefix.utf8.count + 1))
      guard !devices.contains(device) else { continue }
      KernelGuard(leftAt: device, record: folder + "/" + name)?.release()
    }
  }

  /// Nil where the record says nothing of that device, or somebody has it now.
  private init?(leftAt device: String, record: String) {
    var found = hauberk_xdp_device()
    guard hauberk_xdp_find_device(device, &found) == 0, let left = KernelRecord(record, index: found.index) else {
      return nil
    }
    self.device = device
    self.record = record
    index = found.index
    taken = left
    isFilter = hauberk_clsact_has(index)
    claim = hauberk_device_claim(index)
    if claim < 0 { return nil }
  }

  /// Everything. False: something is left to be given back by somebody later.
  private func giveBack() -> Bool {
    var isAll = !taken.hadIPv6 || hauberk_ipv6_switch(device, false) == 0
    for var address in taken.addresses where hauberk_address_give(index, &address) != 0 { isAll = false }
    if isFilter, hauberk_clsact_detach(index, taken.madeDiscipline) != 0 { isAll = false }
    return isAll
  }

  /// As a sudden end leaves it: nothing is given back.
  func abandon() {
    if link >= 0 { Glibc.close(link) }
    link = -1
    if claim >= 0 { Glibc.close(claim) }
    claim = -1
  }

  /// Without those that say something about the link alone, which go with IPv6.
  private static func addresses(_ device: String, _ index: UInt32) throws(PortError) -> [hauberk_address] {
    var all = [hauberk_address](repeating: hauberk_address(), count: Int(HAUBERK_ADDRESSES_MOST))
    let count = hauberk_addresses(index, &all, Int32(HAUBERK_ADDRESSES_MOST))
    guard count >= 0 else { throw PortError("cannot ask for the addresses of \(device): \(text(of: -count))") }
    return all.prefix(Int(count)).filter { !$0.is_link_local }
  }

  private static func words(_ address: hauberk_address) -> String {
    let octets = withUnsafeBytes(of: address.address) { Array($0) }
    func number(_ octets: ArraySlice<UInt8>) -> UInt64 { octets.reduce(0) { $0 << 8 | UInt64($1) } }
    let isIPv6 = Int32(address.family) == AF_INET6
    let text: IPAddress =
      isIPv6
      ? .v6(IPv6Address(high: number(octets[0..<8]), low: number(octets[8..<16])))
      : .v4(IPv4Address(UInt32(truncatingIfNeeded: number(octets[0..<4]))))
    return "\(text)/\(address.prefix)"
  }
}
