import CKernel
import Dataplane
import Glibc
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
