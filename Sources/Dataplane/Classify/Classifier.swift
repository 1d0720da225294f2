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

  @inline(__always)
  package init(_ snapshot: UnsafePointer<ClassifySnapshot>, link: LinkType) {
    self.snapshot = snapshot
    self.link = link
    shortPath = ShortPath(snapshot, link: link)
  }

  /// Is this frame for us at all? Links without MAC addresses have no say in it.
  package func accept(_ frame: Bytes) -> DropReason {
    guard link == .ethernet else { return .none }
    guard frame.count >= EthernetView.length else { return .frameTooShort }
    return snapshot.pointee.acceptance.accepts(frame) ? .none : .foreignMAC
  }

  /// Accepts and classifies.
  @inline(__always)
  package func judge(_ frame: Bytes) -> Classification {
    guard snapshot.pointee.policies.isEmpty, let words = shortPath.words(frame) else {
      return Self.judgeFully(frame, snapshot, link)
    }
    return Classification(workSet: ShortPath.workSet(words, snapshot.pointee.keyPointer), .flow)
  }

  /// How much may stand in front of ESP.
  static let mostInFront = 1 << 14

  @inline(never)
  static func judgeFully(
    _ frame: Bytes, _ snapshot: UnsafePointer<ClassifySnapshot>, _ link: LinkType
  ) -> Classification {
    let classifier = Classifier(snapshot, link: link)
    let accepted = classifier.accept(frame)
    return accepted == .none ? classifier.classifyFully(frame) : Classification(accepted)
  }

  /// From the headers, whoever the frame was sent to.
  package func classifyFully(_ frame: Bytes) -> Classification {
    let packet = Dissection(frame: frame, link: link)
    guard packet.fault == .none else { return Classification(packet.fault) }
    switch snapshot.pointee.hash {
    case .keyed:
      return secured(KeyedRules(snapshot).workSet(of: packet), packet, frame)
    case .compat:
      var keyed = KeyedSet(UInt32(CompatHash.workSet(of: packet, to: snapshot.pointee.cluster)), .compat)
      if snapshot.pointee.hasSecurity {
        let rules = KeyedRules(snapshot).workSet(of: packet)
        keyed.action = rules.action
        keyed.esp = rules.esp
      }
      return secured(keyed, packet, frame)
    }
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
