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
  private var link: Int32 = -1
  private var isFilter = false
  private var madeDiscipline = false
  private var hadIPv6 = false
  private var taken: [hauberk_address] = []
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
    let earlier = record.flatMap { [index] in KernelRecord($0, index: index) }
    let addresses = try Self.addresses(device, found.index)
    if !takesAddresses, let first = addresses.first {
      throw PortError(
        "the kernel has the address \(Self.words(first)) on \(device), and would answer there as well: "
          + "`ip address del \(Self.words(first)) dev \(device)`, or `takeAddresses: yes` for this port")
    }
    drop(usesLinks: usesLinks)
    let hasIPv6 = hauberk_ipv6_is_off(device) == 0
    hadIPv6 = hasIPv6 || earlier?.hadIPv6 == true
    taken = earlier?.addresses ?? []
    if let record {
      KernelRecord(index: index, hadIPv6: hadIPv6, addresses: KernelRecord.union(addresses, taken)).write(record)
    }
    do throws(PortError) {
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
        taken = KernelRecord.union([address], taken)
      }
    } catch {
      release()
      throw error
    }
  }

  private func drop(usesLinks: Bool) {
    let program = hauberk_ingress_load()
    guard program >= 0 else {
      weakness = "the kernel sees what arrives at \(device), and may answer it: no filter (\(text(of: -program)))"
      return
    }
    defer { Glibc.close(program) }
    let hadOurs = hauberk_clsact_has(index)
    if usesLinks { link = hauberk_ingress_attach(program, index) }
    if link >= 0 {
      // What an earlier kernel's run has left; in a kernel that has links somebody else may need the discipline.
      if hadOurs { hauberk_clsact_detach(index, false) }
      return
    }
    let error = hauberk_clsact_attach(program, index, &madeDiscipline)
    isFilter = error == 0
    madeDiscipline = madeDiscipline || hadOurs
    if error != 0 {
      weakness = "the kernel sees what arrives at \(device), and may answer it: no filter (\(text(of: error)))"
    }
  }

  deinit { release() }

  /// The device is the kernel's again, if it is still there: one of the same name may be another.
  package func release() {
    var found = hauberk_xdp_device()
    if hauberk_xdp_find_device(device, &found) == 0, found.index == index {
      if hadIPv6 { hauberk_ipv6_switch(device, false) }
      for index in taken.indices { hauberk_address_give(self.index, &taken[index]) }
      if isFilter { hauberk_clsact_detach(index, madeDiscipline) }
    }
    if let record, hadIPv6 || !taken.isEmpty || isFilter || link >= 0 { KernelRecord.remove(record) }
    hadIPv6 = false
    taken = []
    isFilter = false
    if link >= 0 { Glibc.close(link) }
    link = -1
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
