public import ControlKit

extension Message {
  /// The envelope's type.
  public var type: UInt8 {
    switch self {
    case .joinRequest: 1
    case .joinAnswer: 2
    case .offer: 3
    case .otherMaster: 4
    case .masterKeepalive: 5
    case .keepalive: 6
    case .table: 7
    case .question: 8
    case .answer: 9
    case .exit: 10
    case .leave: 11
    case .succeed: 12
    case .part: 13
    case .partTaken: 14
    case .giving: 15
    case .holding: 16
    case .load: 17
    }
  }

  /// What goes along with work sets that move, and its receipts: many at once, and seldom.
  public static let bulk: Set<UInt8> = [13, 14]
  /// What may come from a unit that is not known yet.
  public static let introductions: Set<UInt8> = [1]

  /// Where in the payload of which type a certificate begins that reaches to its end.
  public static let certificates: [UInt8: Int] = [1: 16]

  static let mostCertificateOctets = 1024
  static let mostReasonOctets = 200

  public var octets: [UInt8] {
    var writer = OctetWriter()
    switch self {
    case .joinRequest(let request): request.write(to: &writer)
    case .joinAnswer(let answer): answer.write(to: &writer)
    case .offer, .succeed: break
    case .otherMaster(let live, let stamp, let echo):
      writer.put(live)
      writer.put(stamp)
      writer.put(echo)
    case .masterKeepalive(let keepalive): keepalive.write(to: &writer)
    case .keepalive(let keepalive): keepalive.write(to: &writer)
    case .table(let table):
      writer.put(table.version)
      writer.put(table.packed)
    case .question(let moment), .answer(let moment), .exit(let moment), .leave(let moment): writer.put(moment)
    case .part(let part): part.write(to: &writer)
    case .partTaken(let number, let term, let place):
      writer.put(number)
      writer.put(term)
      writer.put(place)
    case .giving(let sets, let version), .holding(let sets, let version):
      writer.put(version)
      for word in sets.words { writer.put(word) }
    case .load(let report): report.write(to: &writer)
    }
    return writer.octets
  }

  /// Nil for what is no message, whoever signed it.
  public init?(_ octets: [UInt8], in envelope: Envelope) {
    var reader = OctetReader(octets)
    guard let message = Self.read(envelope, &reader), reader.isAtEnd else { return nil }
    self = message
  }

  private static func read(_ envelope: Envelope, _ reader: inout OctetReader) -> Message? {
    switch envelope.type {
    case 1: JoinRequest(&reader).map { .joinRequest($0) }
    case 2: JoinAnswer(&reader).map { .joinAnswer($0) }
    case 3: .offer
    case 4: readOtherMaster(&reader)
    case 5: MasterKeepalive(&reader).map { .masterKeepalive($0) }
    case 6: Keepalive(&reader).map { .keepalive($0) }
    case 7: readTable(envelope.term, &reader)
    case 8: reader.take64().map { .question(stamp: $0) }
    case 9: reader.take64().map { .answer(echo: $0) }
    case 10: reader.take64().map { .exit(echo: $0) }
    case 11: reader.take64().map { .leave(stamp: $0) }
    case 12: .succeed
    case 13: ConsignmentPart(&reader).map { .part($0) }
    case 14: readReceipt(&reader)
    case 15: readSets(&reader).map { .giving($0.sets, version: $0.version) }
    case 16: readSets(&reader).map { .holding($0.sets, version: $0.version) }
    case 17: LoadReport(&reader).map { .load($0) }
    default: nil
    }
  }

  private static func readOtherMaster(_ reader: inout OctetReader) -> Message? {
    guard let live = reader.take8(), let stamp = reader.take64(), let echo = reader.take64() else { return nil }
    return .otherMaster(live: live, stamp: stamp, echo: echo)
  }

  private static func readTable(_ term: UInt64, _ reader: inout OctetReader) -> Message? {
    guard let version = reader.take64(), let packed = reader.take(reader.remaining) else { return nil }
    return OwnershipTable(term: term, version: version, packed: packed).map { .table($0) }
  }

  private static func readReceipt(_ reader: inout OctetReader) -> Message? {
    guard let number = reader.take32(), let term = reader.take64(), let place = reader.take16() else { return nil }
    return .partTaken(number: number, term: term, place: place)
  }

  private static func readSets(_ reader: inout OctetReader) -> (sets: WorkSetBitmap, version: UInt64)? {
    guard let version = reader.take64(), let sets = WorkSetBitmap(&reader) else { return nil }
    return (sets, version)
  }
}

extension ConsignmentPart {
  func write(to writer: inout OctetWriter) {
    writer.put(number)
    writer.put(term)
    writer.put(version)
    writer.put(place)
    writer.put(count)
    writer.put(octets)
  }

  init?(_ reader: inout OctetReader) {
    guard let number = reader.take32(), let term = reader.take64(), let version = reader.take64(),
      let place = reader.take16(), let count = reader.take16(), place < count,
      reader.remaining <= Consignment.partOctets, let octets = reader.take(reader.remaining)
    else { return nil }
    self.init(number: number, term: term, version: version, place: place, count: count, octets: octets)
  }
}

extension JoinRequest {
  func write(to writer: inout OctetWriter) {
    writer.put(stamp)
    writer.put(configuration)
    writer.put(certificate)
  }

  init?(_ reader: inout OctetReader) {
    guard let stamp = reader.take64(), let configuration = reader.take64(),
      reader.remaining <= Message.mostCertificateOctets, let certificate = reader.take(reader.remaining)
    else { return nil }
    self.init(stamp: stamp, configuration: configuration, certificate: certificate)
  }
}

extension JoinAnswer {
  func write(to writer: inout OctetWriter) {
    writer.put(echo)
    switch verdict {
    case .welcome(let roster, let table):
      writer.put(UInt8(0))
      writer.put(roster)
      writer.put(table)
    case .inProgress: writer.put(UInt8(1))
    case .refused(let reason):
      writer.put(UInt8(2))
      writer.put(Array(reason.utf8.prefix(Message.mostReasonOctets)))
    }
  }

  init?(_ reader: inout OctetReader) {
    guard let echo = reader.take64(), let kind = reader.take8() else { return nil }
    switch kind {
    case 0:
      guard let roster = reader.take64(), let table = reader.take64() else { return nil }
      self.init(echo: echo, verdict: .welcome(roster: roster, table: table))
    case 1: self.init(echo: echo, verdict: .inProgress)
    case 2:
      guard reader.remaining <= Message.mostReasonOctets, let text = reader.take(reader.remaining) else { return nil }
      self.init(echo: echo, verdict: .refused(String(decoding: text, as: UTF8.self)))
    default: return nil
    }
  }
}
