import CBaseline
import CHashCandidates
import CWorkSet
import Contract
import Dataplane
import Memory
import Rings
import Wire

/// The five fields of a UDP or TCP packet over IPv4, found through the views.
@inline(never)
func sumOfFields(_ traffic: Traffic, from first: Int) -> UInt64 {
  var sum: UInt64 = 0
  var step = 0
  var index = first
  while step < traffic.count {
    let ref = traffic.refs[index]
    index = index &+ 1 == traffic.count ? 0 : index &+ 1
    step &+= 1
    let frame = Bytes(traffic.memory.address(of: ref), count: Int(ref.length))
    guard let ethernet = EthernetView(frame), ethernet.type == EtherType.ipv4,
      let header = IPv4View(frame.dropFirst(EthernetView.length)), !header.isFragment,
      header.totalLength <= header.bytes.count
    else { continue }
    let proto = header.protocolNumber
    if proto == IPProtocol.udp, let udp = UDPView(header.payload) {
      sum &+= UInt64(udp.sourcePort) &+ UInt64(udp.destinationPort)
    } else if proto == IPProtocol.tcp, let tcp = TCPView(header.payload) {
      sum &+= UInt64(tcp.sourcePort) &+ UInt64(tcp.destinationPort)
    } else {
      continue
    }
    sum &+= UInt64(header.source) &+ UInt64(header.destination) &+ UInt64(proto)
  }
  return sum
}

func parse(_ traffic: Traffic, passes: Int) -> Comparison {
  Comparison(
    name: "parse to the five fields", unit: "packet",
    ours: Runner(units: traffic.count * passes) {
      // Begun elsewhere each time, or the compiler would do it once.
      (0..<passes).reduce(0) { sum, pass in sum &+ sumOfFields(traffic, from: pass % traffic.count) }
    },
    other: Runner(units: traffic.count * passes) {
      (0..<passes).reduce(0) { sum, _ in
        sum &+ baseline_parse_bench(traffic.packets, UInt32(traffic.count))
      }
    },
    otherName: "C, same checks", isHot: true)
}

/// The path of a foreign packet: accept, parse, keyed hash, not mine, drop.
func foreignPath(_ traffic: Traffic, passes: Int) -> Comparison {
  var description = ClassifyDescription()
  description.key = WorkSetKey(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
  // The generator's frames go to this address: here it is the cluster's.
  description.accept = AcceptDescription(
    unitMAC: MACAddress(0x02aa_0000_0001), clusterUnicastMAC: MACAddress(0x0200_0000_0002),
    clusterMulticastMAC: MACAddress(0x0300_0000_0002))
  let ownership = OwnershipDescription(members: 2, playing: [], workers: 1)
  let snapshot = ClassifySnapshotBuilder.build(description, ownership)
  let shared = WorkerShared(memory: traffic.memory, first: snapshot, workers: 1, crossingCapacity: 64)
  let path = BurstPath(shared, WorkerCounters(), worker: 0, link: .ethernet)

  let baseline = UnsafeMutableRawPointer.allocate(
    byteCount: MemoryLayout<baseline_foreign>.stride, alignment: 128
  ).bindMemory(to: baseline_foreign.self, capacity: 1)
  let owners = UnsafeMutablePointer<UInt16>.allocate(capacity: WorkSets.count)
  owners.initialize(repeating: UInt16(BASELINE_OWNER_FOREIGN), count: WorkSets.count)
  let multicast: [UInt8] = [3, 0, 0, 0, 0, 2], unicast: [UInt8] = [2, 0, 0, 0, 0, 2]
  let unit: [UInt8] = [2, 0xaa, 0, 0, 0, 1]
  baseline_foreign_init(
    baseline, description.key.high, description.key.low, multicast, unicast, unit, nil, 0, 0, owners)
  let sets = UnsafeMutablePointer<UInt16>.allocate(capacity: Burst.capacity)
  let verdicts = UnsafeMutablePointer<UInt8>.allocate(capacity: Burst.capacity)

  return Comparison(
    name: "foreign packet, \(traffic.count) warm", unit: "packet",
    ours: Runner(units: traffic.count * passes) {
      var drops: UInt64 = 0
      for _ in 0..<passes {
        var first = 0
        while first < traffic.count {
          let count = min(Burst.capacity, traffic.count &- first)
          var burst = Burst(traffic.refs + first, count: count)
          hotRunBurstPath(path, &burst)
          drops &+= UInt64(burst.count)
          first &+= count
        }
      }
      return drops
    },
    other: Runner(units: traffic.count * passes) {
      var drops: UInt64 = 0
      for _ in 0..<passes {
        var first = 0
        while first < traffic.count {
          let count = min(Burst.capacity, traffic.count &- first)
          drops &+=
            UInt64(count)
            &- UInt64(
              baseline_foreign_burst(baseline, traffic.packets + first, UInt32(count), sets, verdicts))
          first &+= count
        }
      }
      return drops
    },
    otherName: "C, written apart", claim: 1.1, isHot: true)
}

/// Every hash that was considered, beside the one that ships.
func hashes(iterations: Int) -> [Comparison] {
  let inputs = 1024
  let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * inputs)
  var random = SeededRandom(seed: 7)
  for index in 0..<2 * inputs { words[index] = random.next() >> 8 }
  let key = UnsafeMutablePointer<hauberk_work_set_key>.allocate(capacity: 1)
  key.initialize(to: hauberk_work_set_expand(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210))
  let units = inputs * iterations
  return (0..<hash_candidate_count()).map { candidate in
    Comparison(
      name: "hash of two words, keyed", unit: "hash",
      ours: Runner(units: units) {
        var sum: UInt64 = 0
        for _ in 0..<iterations {
          var index = 0
          while index < inputs {
            sum &+= UInt64(hauberk_work_set(hauberk_mix2(key, words[2 &* index], words[2 &* index &+ 1])))
            index &+= 1
          }
        }
        return sum
      },
      other: Runner(units: units) {
        (0..<iterations).reduce(0) { sum, _ in sum &+ hash_candidate_run(candidate, words, inputs) }
      },
      otherName: String(cString: hash_candidate_name(candidate)))
  }
}
