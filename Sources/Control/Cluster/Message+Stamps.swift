import ControlKit

/// What a unit's clock shows begins anew with its machine. So what was answered to a former life could be said again to a
/// later one when its clock shows the same, and let it in, or out. Stamps leave with the life's mark added, and come back
/// with it: another life's are of no moment that has been.
extension Message {
  /// As it goes to others.
  public func marked(by incarnation: UInt64) -> Message {
    let mark = Self.mark(incarnation)
    switch self {
    case .joinRequest(var request):
      request.stamp &+= mark
      return .joinRequest(request)
    case .masterKeepalive(var keepalive):
      keepalive.stamp &+= mark
      return .masterKeepalive(keepalive)
    case .keepalive(var keepalive):
      keepalive.stamp &+= mark
      return .keepalive(keepalive)
    case .otherMaster(let live, let stamp, let echo): return .otherMaster(live: live, stamp: stamp &+ mark, echo: echo)
    case .question(let stamp): return .question(stamp: stamp &+ mark)
    case .leave(let stamp): return .leave(stamp: stamp &+ mark)
    default: return self
    }
  }

  /// As it has come to the unit of that number and life: its own stamps without the mark, others' with it. 0 is none.
  public func read(by unit: MemberNumber, _ incarnation: UInt64) -> Message {
    let mark = Self.mark(incarnation)
    func own(_ echo: Moment) -> Moment { echo == 0 ? 0 : echo &- mark }
    switch self {
    case .joinAnswer(var answer):
      answer.echo = own(answer.echo)
      return .joinAnswer(answer)
    case .masterKeepalive(var keepalive):
      for place in keepalive.members.indices where keepalive.members[place].unit == unit {
        keepalive.members[place].echo = own(keepalive.members[place].echo)
      }
      return .masterKeepalive(keepalive)
    case .otherMaster(let live, let stamp, let echo): return .otherMaster(live: live, stamp: stamp, echo: own(echo))
    case .answer(let echo): return .answer(echo: own(echo))
    case .exit(let echo): return .exit(echo: own(echo))
    default: return self
    }
  }

  /// So that no sum passes the end of the numbers: what is later has the greater stamp.
  private static func mark(_ incarnation: UInt64) -> UInt64 { mix(incarnation) >> 2 }
}
