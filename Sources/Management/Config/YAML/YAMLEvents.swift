internal import CYaml

struct YAMLEvent {
  enum Kind {
    case streamStart, streamEnd
    case documentStart, documentEnd
    case alias
    case scalar(YAMLScalar)
    case sequenceStart, sequenceEnd
    case mappingStart, mappingEnd
  }

  let kind: Kind
  let position: SourcePosition
  let hasAnchor: Bool
  let hasTag: Bool
}

/// Why libyaml cannot go on.
struct YAMLFailure: Error {
  enum Place {
    case position(SourcePosition)
    case byte(Int)
  }

  let place: Place
  let message: String
}

/// libyaml's events, one by one. It keeps its own copy of the bytes; no pointer leaves this file.
@safe
struct YAMLEvents: ~Copyable {
  private let parser: OpaquePointer

  init(_ bytes: [UInt8]) throws(YAMLFailure) {
    let opened = unsafe bytes.withUnsafeBytes { unsafe hauberk_yaml_open($0.baseAddress, $0.count) }
    guard let opened = unsafe opened else {
      throw YAMLFailure(place: .byte(0), message: "out of memory")
    }
    unsafe parser = opened
  }

  deinit { unsafe hauberk_yaml_close(parser) }

  /// After a failure, not to be called again.
  mutating func next() throws(YAMLFailure) -> YAMLEvent {
    var event = unsafe hauberk_yaml_event()
    unsafe hauberk_yaml_next(parser, &event)
    guard let kind = unsafe Self.kind(of: event) else { throw unsafe Self.failure(of: event) }
    return unsafe YAMLEvent(
      kind: kind, position: Self.position(event.line, event.column),
      hasAnchor: event.has_anchor, hasTag: event.has_tag)
  }

  private static func kind(of event: hauberk_yaml_event) -> YAMLEvent.Kind? {
    switch unsafe event.kind {
    case HAUBERK_YAML_STREAM_START: .streamStart
    case HAUBERK_YAML_STREAM_END: .streamEnd
    case HAUBERK_YAML_DOCUMENT_START: .documentStart
    case HAUBERK_YAML_DOCUMENT_END: .documentEnd
    case HAUBERK_YAML_ALIAS: .alias
    case HAUBERK_YAML_SCALAR: unsafe .scalar(scalar(of: event))
    case HAUBERK_YAML_SEQUENCE_START: .sequenceStart
    case HAUBERK_YAML_SEQUENCE_END: .sequenceEnd
    case HAUBERK_YAML_MAPPING_START: .mappingStart
    case HAUBERK_YAML_MAPPING_END: .mappingEnd
    default: nil
    }
  }

  private static func scalar(of event: hauberk_yaml_event) -> YAMLScalar {
    let octets = unsafe UnsafeBufferPointer(start: event.value, count: event.length)
    return unsafe YAMLScalar(text: String(decoding: octets, as: UTF8.self), isPlain: event.is_plain)
  }

  private static func failure(of event: hauberk_yaml_event) -> YAMLFailure {
    var message = unsafe event.problem.map { unsafe String(cString: $0) } ?? "no reason given"
    if unsafe event.has_offset {
      return unsafe YAMLFailure(place: .byte(Int(event.offset)), message: message)
    }
    if let context = unsafe event.context {
      message += unsafe ", \(String(cString: context)) that begins on line \(event.context_line + 1)"
    }
    return unsafe YAMLFailure(place: .position(position(event.line, event.column)), message: message)
  }

  private static func position(_ line: Int, _ column: Int) -> SourcePosition {
    SourcePosition(line: line + 1, column: column + 1)
  }
}
