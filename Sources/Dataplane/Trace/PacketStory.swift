package import Contract
package import Memory
package import Wire

/// What happened to one packet, stage by stage.
package struct PacketStory {
  package let lines: [String]

  package init(
    _ ref: PacketRef, in memory: PacketMemory, link: LinkType, snapshot: UnsafePointer<ClassifySnapshot>,
    ownership: OwnershipDescription, associations: Associations? = nil, isRoundTrip: Bool = false
  ) {
    let frame = Bytes(memory.address(of: ref), count: Int(ref.length))
    let header = memory.header(of: ref).pointee
    let classifier = Classifier(snapshot, link: link)
    let verdict = DropReason(rawValue: ref.verdict) ?? .none
    var lines = ["packet \(header.sequence + 1)"]
    func tell(_ stage: String, _ text: String) {
      lines.append("  " + stage + String(repeating: " ", count: 10 - stage.count) + text)
    }
    let protection = associations.flatMap {
      ProtectionStory(header, verdict, frame, $0, isRoundTrip: isRoundTrip)
    }
    let cut = Int(header.wireLength) > frame.count ? " of \(header.wireLength) on the wire" : ""
    // What was sealed or opened has another length now: the wire's is what came.
    let received = protection == nil ? "\(frame.count) bytes\(cut)" : "\(header.wireLength) bytes"
    tell("receive", "\(received), time \(Self.time(header))")
    let accepted = classifier.accept(frame)
    tell("accept", accepted == .none ? Self.acceptance(snapshot, link) : "dropped: \(accepted.meaning)")
    if let protection {
      tell("own", "work set \(ref.workSet): " + Self.owner(Int(ref.workSet), ownership))
      for line in protection.lines { tell(line.stage, line.text) }
      for (index, clause) in HeaderStory(frame, link: link).clauses.enumerated() {
        tell(index == 0 ? "now" : "", clause)
      }
    } else if accepted == .none {
      for (index, clause) in HeaderStory(frame, link: link).clauses.enumerated() {
        tell(index == 0 ? "parse" : "", clause)
      }
      let result = classifier.classifyFully(frame)
      if result.reason == .none {
        tell("classify", "work set \(ref.workSet), by \(result.rule.meaning)")
        tell("own", Self.owner(Int(ref.workSet), ownership))
        if associations != nil { tell("protect", Self.protection(result.action, verdict)) }
      } else {
        tell("classify", "no work set: \(result.reason.meaning)")
      }
    }
    tell("transmit", verdict == .none ? "out" : "dropped as \(verdict.name): \(verdict.meaning)")
    self.lines = lines
  }

  /// Of a packet that was neither sealed nor opened.
  private static func protection(_ action: SecureAction, _ verdict: DropReason) -> String {
    switch action.kind {
    case .bypass: "a policy lets it pass in clear"
    case .local: "it is for the gateway itself"
    case .refuse, .none: "no: \((DropReason(rawValue: action.reasonBits) ?? verdict).meaning)"
    case .reassemble: "a fragment of what is for us: kept until it is whole"
    case .seal: "to be sealed, but \(verdict.meaning)"
    case .open: "to be opened, but \(verdict.meaning)"
    }
  }

  private static func acceptance(_ snapshot: UnsafePointer<ClassifySnapshot>, _ link: LinkType) -> String {
    if link != .ethernet { return "yes: \(link.name) has no MAC addresses to check" }
    return snapshot.pointee.acceptance.acceptsAll ? "yes: every MAC address is" : "yes: the MAC address is ours"
  }

  private static func owner(_ set: Int, _ ownership: OwnershipDescription) -> String {
    let entry = ownership[set]
    guard entry.state == .assigned else { return "nobody: the set is \(entry.state)" }
    let mine = ownership.played.contains(entry.member)
    return "member \(entry.member)" + (mine ? ", worker \(ownership.workers[set])" : ", which is not this one")
  }

  private static func time(_ header: FrameHeader) -> String {
    let fraction = String(header.nanoseconds)
    return "\(header.seconds)." + String(repeating: "0", count: max(0, 9 - fraction.count)) + fraction
  }
}
