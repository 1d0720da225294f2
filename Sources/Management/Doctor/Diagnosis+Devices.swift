internal import CLI

extension Diagnosis {
  static func device(_ device: DeviceFacts, _ facts: MachineFacts) -> [Finding] {
    guard device.isThere else {
      return [
        Finding(
          .wrong, .devices, device.name, "there is no such device", why: "a port needs one", remedy: "ip -brief link")
      ]
    }
    return [standing(device)] + driver(device) + queues(device, facts) + ring(device) + node(device, facts)
      + offloads(device) + neighbourhood(device)
  }

  /// What may harm a port is only a hint where nobody said that the device is one.
  static func harm(_ device: DeviceFacts) -> Finding.Level { device.isChosen ? .wrong : .better }

  private static func standing(_ device: DeviceFacts) -> Finding {
    guard device.isUp else {
      return Finding(
        harm(device), .devices, device.name, "is down", why: "nothing comes in or goes out",
        remedy: "sudo ip link set \(device.name) up")
    }
    guard device.hasCarrier else {
      return Finding(
        .better, .devices, device.name, "is up, and has no link", why: "nothing comes in or goes out",
        remedy: "ethtool \(device.name)   # cable, other end, speed")
    }
    return Finding(
      .good, .devices, device.name,
      "is up, packets of \(device.mtu) octets" + (device.driver.isEmpty ? "" : ", driver \(device.driver)"))
  }

  private static func driver(_ device: DeviceFacts) -> [Finding] {
    guard let xdp = device.xdp else { return [] }
    guard xdp.isNative else {
      return [
        Finding(
          .better, .devices, device.name, "its driver has no XDP: AF_XDP takes the generic hook",
          why: "each packet is then copied out of the kernel's own buffers, as with AF_PACKET")
      ]
    }
    // A frame of ours holds a little less than 2 KiB, a page with what surrounds it not quite 4.
    if device.mtu > 3498, !xdp.takesLong {
      return [
        Finding(
          .better, .devices, device.name, "its driver has XDP only for packets that are shorter than its \(device.mtu)",
          why: "AF_PACKET is taken instead, several times as slow",
          remedy: "sudo ip link set \(device.name) mtu 1500")
      ]
    }
    return [
      Finding(
        .good, .devices, device.name,
        "its driver has XDP" + (xdp.hasZeroCopy ? ", without a copy" : ", with a copy for each packet"))
    ]
  }

  private static func queues(_ device: DeviceFacts, _ facts: MachineFacts) -> [Finding] {
    guard device.isChosen, let queues = device.queues, queues.most > 1 else { return [] }
    // The first processor is the control thread's, where there are several.
    let workers = max(1, facts.processors.allowed.count - 1)
    guard queues.now > workers else {
      return [Finding(.good, .devices, device.name, "\(queues.now) of \(queues.most) queues in use, one for a worker")]
    }
    return [
      Finding(
        .better, .devices, device.name, "\(queues.now) queues, and processors for \(workers) workers",
        why: "a worker serves one queue of AF_XDP; what comes in at a queue without a worker stays in the kernel",
        remedy: "sudo ethtool -L \(device.name) combined \(workers)")
    ]
  }

  private static func ring(_ device: DeviceFacts) -> [Finding] {
    let wanted = min(device.rings?.most ?? 0, 2048)
    guard let rings = device.rings, rings.now < wanted else { return [] }
    return [
      Finding(
        .better, .devices, device.name, "its receive ring has \(rings.now) of at most \(rings.most) places",
        why: "it overflows while a worker is held up: at 10 Gbit/s, 512 short packets are 34 µs",
        remedy: "sudo ethtool -G \(device.name) rx \(wanted)")
    ]
  }

  private static func node(_ device: DeviceFacts, _ facts: MachineFacts) -> [Finding] {
    guard facts.memory.nodes.count > 1, let number = device.node,
      let node = facts.memory.nodes.first(where: { $0.number == number })
    else { return [] }
    let near = facts.processors.allowed.filter(node.processors.contains)
    guard near.isEmpty else {
      return [Finding(.good, .devices, device.name, "is close to processors \(numbers(near)), on node \(number)")]
    }
    return [
      Finding(
        .better, .devices, device.name, "is on node \(number), the allowed processors are not",
        why: "every packet crosses from one socket to the other, twice",
        remedy: "taskset -c \(numbers(node.processors)) hauberk run CONFIG")
    ]
  }
}
