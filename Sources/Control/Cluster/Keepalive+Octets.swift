import ControlKit

extension MasterKeepalive {
  private static let noDeputy: UInt8 = 0xff

  func write(to writer: inout OctetWriter) {
    writer.put(number)
    writer.put(stamp)
    writer.put(n)
    writer.put(live)
    writer.put(roster)
    writer.put(deputy ?? Self.noDeputy)
    writer.put(tableVersion)
    writer.put(UInt8(truncatingIfNeeded: members.count))
    for member in members {
      writer.put(member.unit)
      writer.put(member.incarnation)
      writer.put(member.echo)
      writer.put(member.sets)
    }
  }

  init?(_ reader: inout OctetReader) {
    guard let number = reader.take64(), let stamp = reader.take64(), let n = reader.take8(), (1...64).contains(n),
      let live = reader.take8(), let roster = reader.take64(), let deputy = reader.take8(),
      let tableVersion = reader.take64(), let count = reader.take8(), Int(count) < ClusterDescription.mostUnits
    else { return nil }
    var members: [Entry] = []
    for _ in 0..<count {
      guard let unit = reader.take8(), let incarnation = reader.take64(), let echo = reader.take64(),
        let sets = reader.take16(), Int(unit) < ClusterDescription.mostUnits
      else { return nil }
      members.append(Entry(unit: unit, incarnation: incarnation, echo: echo, sets: sets))
    }
    self.init(
      number: number, stamp: stamp, n: n, live: live, roster: roster, deputy: deputy == Self.noDeputy ? nil : deputy,
      tableVersion: tableVersion, members: members)
  }
}

extension Keepalive {
  func write(to writer: inout OctetWriter) {
    writer.put(number)
    writer.put(stamp)
    writer.put(roster)
    writer.put(tableTerm)
    writer.put(tableVersion)
    writer.put(loss)
    writer.put(UInt8(isDraining ? 1 : 0))
    for word in running.words { writer.put(word) }
  }

  init?(_ reader: inout OctetReader) {
    guard let number = reader.take64(), let stamp = reader.take64(), let roster = reader.take64(),
      let tableTerm = reader.take64(), let tableVersion = reader.take64(), let loss = reader.take16(),
      let draining = reader.take8(), draining < 2
    else { return nil }
    guard let running = WorkSetBitmap(&reader) else { return nil }
    self.init(
      number: number, stamp: stamp, roster: roster, tableTerm: tableTerm, tableVersion: tableVersion, loss: loss,
      isDraining: draining == 1, running: running)
  }
}
