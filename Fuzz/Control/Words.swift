import Contract
import ControlKit

@testable import Cluster

/// What another unit would say now, if all went well: from there on it is not far to what nobody should.
extension World {
  mutating func say(_ what: Int, _ how: Int, _ octet: Int) {
    let sender = Self.others[how % 3]
    let term =
      how & 4 == 0 ? unit.term : max(unit.greatestTerm, 1 << 8) & ~255 + UInt64(octet & 1) << 8 | UInt64(sender)
    switch what {
    case 9: hear(keepalive(how, octet), from: sender, term: term)
    case 10: hear(masterKeepalive(how, octet), from: sender, term: term)
    case 11: hear(.table(table(term, octet)), from: sender, term: term)
    case 12: hear(request(UInt8(octet)), from: sender, term: term)
    case 13:
      hear(
        .joinAnswer(JoinAnswer(echo: now, verdict: .welcome(roster: 2, table: UInt64(octet & 3)))), from: sender,
        term: term)
    case 14:
      hear(.otherMaster(live: UInt8(octet & 7), stamp: now, echo: how & 8 == 0 ? now : 0), from: sender, term: term)
    default:
      hear(handover(how, octet), from: sender, term: term)
    }
  }

  /// Sets that change hands: some of a consignment, its receipt, and the two questions before it.
  private func handover(_ how: Int, _ octet: Int) -> Message {
    let table = unit.snapshot(now: now).table, set = octet << 2 | how >> 6
    switch how >> 3 & 3 {
    case 0:
      let content = ConsignmentContent(
        sets: WorkSetBitmap([set]), notes: WorkNotes([WorkedPacket(set: UInt16(set), digest: 7)]), states: [set: [7]])
      return .part(
        ConsignmentPart(
          number: UInt32(octet), term: table.term, version: table.version, place: 0, count: 1, octets: content.octets))
    case 1: return .partTaken(number: UInt32(octet & 7), term: table.term, place: 0)
    case 2: return .giving(WorkSetBitmap([set]), version: table.version)
    default: return .holding(WorkSetBitmap([set]), version: table.version)
    }
  }

  mutating func becomeClient() {
    let term: UInt64 = 1 << 8 | 1
    pass(.second / 5)
    hear(.joinAnswer(JoinAnswer(echo: now, verdict: .welcome(roster: 2, table: 0))), from: 1, term: term)
    for octet in 1...2 {
      hear(masterKeepalive(0, octet), from: 1, term: term)
      hear(.table(table(term, octet)), from: 1, term: term)
      pass(.millisecond)
    }
  }

  mutating func join(_ sender: MemberNumber) {
    hear(request(7), from: sender, term: unit.term)
    now += 1
    hear(keepalive(0, 255), from: sender, term: unit.term)
  }

  private func request(_ octet: UInt8) -> Message {
    .joinRequest(
      JoinRequest(stamp: now, configuration: octet == 255 ? 0 : Self.configuration, certificate: [octet, octet]))
  }

  private func keepalive(_ how: Int, _ octet: Int) -> Message {
    let version = unit.snapshot(now: now).table.version
    return .keepalive(
      Keepalive(
        number: sequence, stamp: now, roster: .max, tableTerm: unit.term, tableVersion: version,
        loss: UInt16(octet) << 8, isDraining: how & 8 != 0,
        running: how & 16 == 0 ? WorkSetBitmap() : WorkSetBitmap(octet..<512)))
  }

  private func masterKeepalive(_ how: Int, _ octet: Int) -> Message {
    var members = how & 16 == 0 ? [MasterKeepalive.Entry(unit: Self.own, incarnation: 9, echo: now, sets: 0)] : []
    if how & 32 != 0 { members.append(MasterKeepalive.Entry(unit: 3, incarnation: 7, echo: 1, sets: 1)) }
    return .masterKeepalive(
      MasterKeepalive(
        number: sequence, stamp: now, n: UInt8(2 + octet % 19), live: UInt8(members.count + 1), roster: 2,
        deputy: how & 8 == 0 ? Self.own : 3, tableVersion: UInt64(octet), members: members))
  }

  private func table(_ term: UInt64, _ octet: Int) -> OwnershipTable {
    var table = OwnershipTable(term: term, version: UInt64(octet))
    for set in 0..<WorkSets.count {
      let state: OwnershipEntry.State = (set + octet) % 5 == 0 ? .pending : .assigned
      table[set] = OwnershipEntry(state: state, member: (set + octet) % 2 == 0 ? 1 : Self.own)
    }
    return table
  }

  mutating func hear(_ message: Message, from sender: MemberNumber, term: UInt64) {
    sequence += 1
    let envelope = Envelope(
      type: message.type, sender: UInt16(sender), cluster: Self.cluster, term: term, incarnation: 7, sequence: sequence)
    deliver(envelope.octets(with: message.octets) + [UInt8](repeating: 0, count: Envelope.signatureOctets))
  }
}
