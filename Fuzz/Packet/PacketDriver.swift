import Contract
import FuzzKit
import Wire

@testable import Dataplane

/// Any bytes as a frame. The first picks the link type, the rest is the frame.
@main
enum PacketDriver {
  static func main() {
    fuzz { data, size in
      guard let data, size > 0 else { return }
      let link = LinkType.allCases[Int(data[0]) % LinkType.allCases.count]
      withExactCopy(data + 1, size - 1) { block in
        let frame = Bytes(block, count: size - 1)
        for world in Worlds.all { PacketDriver.classify(frame, link, in: world) }
        PacketDriver.tell(frame, link)
        PacketDriver.audit(frame, link)
        ViewWalk.walk(frame, link)
      }
    }
  }

  static func classify(_ frame: Bytes, _ link: LinkType, in world: UnsafePointer<ClassifySnapshot>) {
    let classifier = Classifier(world, link: link)
    let accepted = classifier.accept(frame)
    let full = classifier.classifyFully(frame)
    precondition(full.reason == .none || full.workSet == 0, "a work set for a packet that has none")
    precondition(Int(full.workSet) < WorkSets.count, "a work set beyond the last")
    precondition(
      accepted != .frameTooShort || full.reason == .frameTooShort,
      "a packet behind a header that is not there")
    let judged = classifier.judge(frame)
    guard accepted == .none else {
      precondition(judged.reason == accepted, "the short path takes what is not ours")
      return
    }
    precondition(
      judged.reason == full.reason && judged.workSet == full.workSet && judged.rule == full.rule,
      "the short path disagrees with the full one")
  }

  /// Whole and cut, a frame is in a stream or counted by name, and is no repeat of itself.
  static func audit(_ frame: Bytes, _ link: LinkType) {
    let audit = CaptureAudit(AuditedSAs(), link: link)
    audit.take(frame, wireLength: frame.count)
    audit.take(frame, wireLength: frame.count + 1)
    let counted = AuditCount.allCases.reduce(0) { $0 + audit.count(of: $1) }
    let streamed = audit.streams.reduce(0) { $0 + $1.packets }
    precondition(audit.packets == 2 && counted + streamed == 2, "an audit loses a frame")
    precondition(audit.firstRepeats.isEmpty, "a frame repeats its own IV")
  }

  /// What a person would be told about the frame.
  static func tell(_ frame: Bytes, _ link: LinkType) {
    var sink = Sink()
    for clause in HeaderStory(frame, link: link).clauses {
      precondition(!clause.isEmpty && !clause.contains("\n"), "a story in no line or in two")
      sink.take(clause.utf8.count)
    }
    sink.keep()
  }
}
