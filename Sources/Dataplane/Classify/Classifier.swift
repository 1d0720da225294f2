package import Contract
package import Wire

/// A frame's work set, or the reason why it has none.
package struct Classification {
  package var reason: DropReason
  package var workSet: UInt16
  package var rule = KeyingRule.flow
  package var action = SecureAction.none
  /// From the frame's beginning to the IP header, and to ESP where that is to be opened.
  var offset: UInt8 = 0
  var espOffset: UInt16 = 0

  @inline(__always)
  init(_ reason: DropReason) {
    self.reason = reason
    workSet = 0
  }

  @inline(__always)
  init(workSet: UInt16, _ rule: KeyingRule) {
    reason = .none
    self.workSet = workSet
    self.rule = rule
  }
}

/// From a frame to its work set. Made once per burst from a snapshot.
package struct Classifier {
  let snapshot: UnsafePointer<ClassifySnapshot>
  let link: LinkType
  let shortPath: ShortPath
  /// Where the packets come from. A replay has one side.
  let side: Side

  @inline(__always)
  package init(_ snapshot: UnsafePointer<ClassifySnapshot>, link: LinkType, from side: Side = .inside) {
    self.snapshot = snapshot
    self.link = link
    self.side = side
    shortPath = ShortPath(snapshot, link: link, from: side)
  }

  /// Is this frame for us at all? Links without MAC addresses have no say in it.
  package func accept(_ frame: Bytes) -> DropReason {
    guard link == .ethernet else { return .none }
    guard frame.count >= EthernetView.length else { return .frameTooShort }
    let acceptance = side == .inside ? snapshot.pointee.acceptance : snapshot.pointee.outsideAcceptance
    if acceptance.accepts(frame) { return .none }
    // Between other members, as it may be: a tap sees it, and it is no stranger's.
    return frame.uint16(at: 12) == EtherType.clusterControl ? .clusterControl : .foreignMAC
  }

  /// Accepts and classifies.
  @inline(__always)
  package func judge(_ frame: Bytes) -> Classification {
    guard snapshot.pointee.policies.isEmpty, let words = shortPath.words(frame) else {
      return Self.judgeFully(frame, snapshot, link, from: side)
    }
    return Classification(workSet: ShortPath.workSet(words, snapshot.pointee.keyPointer), .flow)
  }

  /// How much may stand in front of ESP.
  static let mostInFront = 1 << 14

  @inline(never)
  static func judgeFully(
    _ frame: Bytes, _ snapshot: UnsafePointer<ClassifySnapshot>, _ link: LinkType, from side: Side = .inside
  ) -> Classification {
    let classifier = Classifier(snapshot, link: link, from: side)
    let accepted = classifier.accept(frame)
    return accepted == .none ? classifier.classifyFully(frame) : Classification(accepted)
  }

  /// From the headers, whoever the frame was sent to.
  package func classifyFully(_ frame: Bytes) -> Classification {
    let packet = Dissection(frame: frame, link: link)
    guard packet.fault == .none else { return Classification(packet.fault) }
    if snapshot.pointee.isLive, link == .ethernet, let own = forItself(packet, frame) { return own }
    switch snapshot.pointee.hash {
    case .keyed:
      return secured(KeyedRules(snapshot, from: side).workSet(of: packet), packet, frame)
    case .compat:
      var keyed = KeyedSet(UInt32(CompatHash.workSet(of: packet, to: snapshot.pointee.cluster)), .compat)
      if snapshot.pointee.hasSecurity {
        let rules = KeyedRules(snapshot, from: side).workSet(of: packet)
        keyed.action = rules.action
        keyed.esp = rules.esp
      }
      return secured(keyed, packet, frame)
    }
  }

  /// What each member of a cluster looks at itself, whosever its work set is: what is sent to an address of its own
  /// (C25), and neighbour discovery, of which the master answers for the cluster (X20). What is sent to a group on the
  /// link is for the gateway itself or for nobody (RFC 1812 section 5.3.4).
  private func forItself(_ packet: Dissection, _ frame: Bytes) -> Classification? {
    let to = packet.addresses
    if frame.uint8(at: 0) & 1 == 1,
      frame.uint64InMemoryOrder(at: 0) & shortPath.macMask != shortPath.clusterMulticast
    {
      let isGroup = to.isIPv6 ? to.destinationHigh >> 56 == 0xff : to.destinationLow >> 28 == 0xe
      return Classification(isGroup ? .forUs : .groupFrame)
    }
    let isClusters = snapshot.pointee.cluster.contains(
      high: to.destinationHigh, low: to.destinationLow, isIPv6: to.isIPv6)
    let isOwn = snapshot.pointee.locals.contains(
      high: to.destinationHigh, low: to.destinationLow, isIPv6: to.isIPv6)
    if isOwn && !isClusters { return Classification(.forUs) }
    let isOnLink = isOwn || isClusters || Self.isOfLink(to)
    return isOnLink && isDiscovery(packet, frame) ? Classification(.forUs) : nil
  }

  private static func isOfLink(_ to: AddressPair) -> Bool {
    to.isIPv6 && (to.destinationHigh &>> 54 == 0x3fa || to.destinationHigh &>> 56 == 0xff)
  }

  /// A question or an answer: hosts ask once more at the MAC address that they know, the cluster's.
  /// What has come by way of a router is neither (RFC 4861 section 7.1).
  private func isDiscovery(_ packet: Dissection, _ frame: Bytes) -> Bool {
    guard packet.protocolNumber == IPProtocol.icmpv6, packet.addresses.isIPv6, !packet.isFragment,
      packet.upper.count > 0, frame.uint8(at: packet.offset &+ 7) == 255
    else { return false }
    let type = packet.upper.uint8(at: 0)
    return type == NeighbourView.solicitation || type == NeighbourView.advertisement
  }

  private func secured(_ keyed: KeyedSet, _ packet: Dissection, _ frame: Bytes) -> Classification {
    var result = Classification(workSet: keyed.set, keyed.rule)
    result.action = keyed.action
    result.offset = UInt8(truncatingIfNeeded: packet.offset)
    if let esp = keyed.esp {
      let distance = esp - frame.base
      // Nobody sends ESP behind so many headers; and what is opened still has to begin within 64 KiB of its frame.
      if distance > Self.mostInFront { result.action = .refuse(.espTooDeep) }
      result.espOffset = UInt16(truncatingIfNeeded: distance)
    }
    return result
  }
}
