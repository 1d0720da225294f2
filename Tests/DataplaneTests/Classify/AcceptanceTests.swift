import Contract
@testable import Dataplane
import PacketMaking
import Testing
import Wire

/// Which frames a unit takes off the wire (C22).
@Suite struct AcceptanceTests {
  static let unit = "00:00:5e:00:53:01"
  static let unicast = "00:00:5e:00:53:99"
  static let multicast = "03:00:5e:00:53:99"
  static let groups = ["33:33:00:00:00:01", "01:00:5e:00:00:01", "03:00:5e:00:53:88"]

  static let accept = AcceptDescription(
    unitMAC: MACAddress(unit)!, clusterUnicastMAC: MACAddress(unicast)!,
    clusterMulticastMAC: MACAddress(multicast)!, groups: groups.map { MACAddress($0)! })
  let plane = Plane(ClassifyDescription(.keyed, accept: accept))

  private func frame(to destination: String) -> [UInt8] { ethernet(.ipv4, to: destination, ipv4(.udp, udp())) }

  @Test(arguments: [unit, unicast, multicast, "ff:ff:ff:ff:ff:ff"] + groups)
  func `what is ours is accepted`(_ destination: String) {
    #expect(plane.acceptance(frame(to: destination)) == .none)
  }

  @Test func `everything else is foreign, be it one bit away`() {
    let ours = Set([Self.unit, Self.unicast, Self.multicast, "ff:ff:ff:ff:ff:ff"] + Self.groups)
    for text in ours {
      for bit in 0..<48 {
        let near = MACAddress(MACAddress(text)!.value ^ 1 << UInt64(bit)).description
        if !ours.contains(near) { #expect(plane.acceptance(frame(to: near)) == .foreignMAC) }
      }
    }
    #expect(plane.acceptance(frame(to: "00:00:00:00:00:00")) == .foreignMAC)
  }

  @Test func `the source does not matter`() {
    let frame = ethernet(.ipv4, to: Host.bobMAC, from: Self.unit, ipv4(.udp, udp()))
    #expect(plane.acceptance(frame) == .foreignMAC)
  }

  @Test func `a unit without cluster MACs takes its own and broadcasts`() {
    let plane = Plane(ClassifyDescription(.keyed, accept: AcceptDescription(unitMAC: MACAddress(Self.unit)!)))
    #expect(plane.acceptance(frame(to: Self.unit)) == .none)
    #expect(plane.acceptance(frame(to: "ff:ff:ff:ff:ff:ff")) == .none)
    for other in [Self.unicast, Self.multicast, "00:00:00:00:00:00"] + Self.groups {
      #expect(plane.acceptance(frame(to: other)) == .foreignMAC)
    }
  }

  /// Both ways of parsing: a device of the other side may be on the same wire.
  @Test func `each side has its own unit's address`() {
    let outside = "00:00:5e:00:53:98"
    var accept = AcceptDescription(unitMAC: MACAddress(Self.unit)!)
    accept.outsideMAC = MACAddress(outside)!
    let plane = Plane(ClassifyDescription(.keyed, accept: accept))
    for (mac, side) in [(Self.unit, Side.inside), (outside, .outside)] {
      for from in Side.allCases {
        let classifier = Classifier(plane.snapshot, link: .ethernet, from: from)
        let frame = ethernet(.ipv4, to: mac, ipv4(.udp, udp()))
        let (reason, isShort) = withExactBytes(frame) {
          (classifier.accept(Bytes($0)), classifier.shortPath.words(Bytes($0)) != nil)
        }
        #expect(reason == (from == side ? .none : .foreignMAC))
        #expect(isShort == (from == side))
      }
    }
  }

  @Test func `a capture is accepted whole`() {
    let plane = Plane()
    var random = Seeded(seed: 22)
    for _ in 0..<100 { #expect(plane.acceptance(random.octets(14)) == .none) }
  }

  @Test(arguments: 0..<14)
  func `a frame shorter than its header is too short, whoever it is for`(_ octets: Int) {
    #expect(plane.acceptance(Array(frame(to: Self.unit).prefix(octets))) == .frameTooShort)
    #expect(Plane().acceptance(Array(frame(to: Self.unit).prefix(octets))) == .frameTooShort)
  }

  @Test(arguments: LinkType.allCases.filter { $0 != .ethernet })
  func `links without MAC addresses have nothing to check`(_ link: LinkType) {
    let plane = Plane(ClassifyDescription(.keyed, accept: Self.accept), link: link)
    #expect(plane.acceptance([]) == .none)
    #expect(plane.acceptance(frame(to: Host.bobMAC)) == .none)
  }
}
