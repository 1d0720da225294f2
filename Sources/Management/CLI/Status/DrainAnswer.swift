/// How far a gateway is that takes nothing new.
package struct DrainAnswer: JSONMembers {
  /// Nothing is under way any more, or has been given up; the gateway ends.
  package var isDone = false
  package var seconds = 0.0
  /// Packets that waited for a neighbour when it began; sent on since; waiting still.
  package var heldPackets = 0
  package var sentOn: UInt64 = 0
  package var heldNow = 0
  /// Datagrams that wait for fragments, and those for which the time was over.
  package var datagrams = 0
  package var lostDatagrams: UInt64 = 0
  /// Packets that came meanwhile and were not taken.
  package var refused: UInt64 = 0

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("done", \.isDone), Member("seconds", \.seconds), Member("heldPackets", \.heldPackets),
      Member("sentOn", \.sentOn), Member("heldNow", \.heldNow), Member("datagrams", \.datagrams),
      Member("lostDatagrams", \.lostDatagrams), Member("refused", \.refused),
    ]
  }

  package var text: String {
    func count(_ number: some BinaryInteger, _ thing: String) -> String {
      "\(Format.grouped(UInt64(clamping: number))) \(thing)\(number == 1 ? "" : "s")"
    }
    var lines = [isDone ? "drained in \(Format.seconds(seconds))" : "draining for \(Format.seconds(seconds))"]
    lines.append("\(count(heldPackets, "packet")) waited for a neighbour, \(count(sentOn, "packet")) went on")
    if heldNow > 0 { lines.append("\(count(heldNow, "packet")) \(isDone ? "given up" : "waiting still")") }
    if datagrams > 0 || lostDatagrams > 0 {
      let lost = "\(count(lostDatagrams, "datagram")) never became whole"
      lines.append(
        datagrams > 0
          ? "\(count(datagrams, "datagram")) in fragments \(isDone ? "given up" : "waiting"), \(lost)" : lost)
    }
    lines.append("\(count(refused, "packet")) came meanwhile and \(refused == 1 ? "was" : "were") not taken")
    return lines[0] + "\n" + lines.dropFirst().map { "  \($0)\n" }.joined()
  }
}
