import FuzzKit
import Wire

/// Asks every view for everything it has, wherever a header may begin. What is read must lie within the frame.
enum ViewWalk {
  /// Long enough for every header that can stand in front of another.
  static let mostOffsets = 80

  static func walk(_ frame: Bytes, _ link: LinkType) {
    var sink = Sink()
    let payload = link.payload(of: frame)
    sink.take(payload.etherType)
    precondition(payload.offset <= frame.count, "a payload behind the end of the frame")
    for offset in 0...min(frame.count, mostOffsets) {
      let rest = frame.dropFirst(offset)
      precondition(rest.count == frame.count - offset)
      ethernet(rest, &sink)
      ip(rest, &sink)
      transport(rest, &sink)
      tunnels(rest, &sink)
    }
    sink.keep()
  }

  private static func inside(_ part: Bytes, _ whole: Bytes) {
    precondition(
      part.count >= 0 && part.base >= whole.base && part.base + part.count <= whole.base + whole.count,
      "a part that lies outside of the whole")
  }

  private static func ethernet(_ bytes: Bytes, _ sink: inout Sink) {
    if let view = EthernetView(bytes) {
      sink.take(view.destination.value ^ view.source.value)
      sink.take(view.type)
    }
    if let view = VLANTagView(bytes) {
      sink.take(view.identifier)
      sink.take(view.priority)
      sink.take(view.type)
    }
    if let view = ARPView(bytes) {
      sink.take(view.operation)
      sink.take(view.senderMAC.value ^ view.targetMAC.value)
      sink.take(view.sender.value ^ view.target.value)
    }
  }

  private static func ip(_ bytes: Bytes, _ sink: inout Sink) {
    precondition((IPv4View(bytes) == nil) == (IPv4View.fault(in: bytes) != nil))
    precondition((IPv6View(bytes) == nil) == (IPv6View.fault(in: bytes) != nil))
    if let view = IPv4View(bytes) {
      sink.take(view.trafficClass)
      sink.take(view.identification)
      sink.take(view.dontFragment || view.moreFragments || view.isFragment)
      sink.take(view.headerLength + view.totalLength + view.fragmentOffset)
      sink.take(view.timeToLive ^ view.protocolNumber)
      sink.take(view.source ^ view.destination)
      inside(view.options, bytes)
      inside(view.payload, bytes)
    }
    if let view = IPv6View(bytes) {
      sink.take(view.trafficClass ^ view.nextHeader ^ view.hopLimit)
      sink.take(view.flowLabel)
      sink.take(view.source.high ^ view.source.low ^ view.destination.high ^ view.destination.low)
      inside(view.payload, bytes)
      let chain = IPv6Chain(view)
      sink.take(chain.protocolNumber)
      precondition(chain.headers <= IPv6Chain.mostHeaders, "more headers than the most")
      precondition(chain.offset - IPv6View.length <= view.payload.count, "a chain that leaves the packet")
      precondition(chain.isFragment || chain.isFirstFragment)
    }
  }

  private static func transport(_ bytes: Bytes, _ sink: inout Sink) {
    if let view = UDPView(bytes) {
      sink.take(view.sourcePort ^ view.destinationPort)
      sink.take(view.datagramLength)
      inside(view.payload, bytes)
    }
    if let view = TCPView(bytes) {
      sink.take(view.sourcePort ^ view.destinationPort ^ view.window)
      sink.take(view.sequence ^ view.acknowledgement)
      sink.take(view.flags)
      inside(view.payload, bytes)
    }
    if let view = PortsView(bytes) { sink.take(view.source ^ view.destination) }
    if let view = ICMPView(bytes) {
      sink.take(view.type ^ view.code)
      sink.take(view.isIPv4Error || view.isIPv6Error)
      inside(view.quoted, bytes)
    }
  }

  private static func tunnels(_ bytes: Bytes, _ sink: inout Sink) {
    if let view = ESPView(bytes) {
      sink.take(view.spi ^ view.sequence)
      inside(view.body, bytes)
    }
    if let view = IKEView(bytes) { sink.take(view.initiatorSPI ^ view.responderSPI) }
    if let view = L2TPView(bytes) {
      sink.take(view.isControl)
      sink.take(view.tunnel ^ view.session)
    }
    if let view = GREView(bytes) {
      sink.take(view.hasChecksum || view.hasKey || view.hasSequence)
      sink.take(view.type)
      if let key = view.key { sink.take(key) }
      inside(view.payload, bytes)
    }
  }
}
