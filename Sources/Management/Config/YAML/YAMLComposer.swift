/// Makes the tree of one document out of libyaml's events.
///
/// Not done, on purpose: anchors and aliases (a few lines could unfold into gigabytes), tags, directives,
/// several documents, names that are not scalars.
struct YAMLComposer: ~Copyable {
  /// Reading cannot go on; the reason is in the list of errors.
  struct Stop: Error {}

  private let source: SourceText
  private let errors: ErrorList
  private let mostNodes: Int
  private var events: YAMLEvents
  private var path = FieldPath()
  private var depth = 0
  private var nodes = 0

  init(_ bytes: [UInt8], errors: ErrorList, mostNodes: Int) throws(Stop) {
    events = try Self.open(bytes, errors)
    source = SourceText(bytes)
    self.errors = errors
    self.mostNodes = mostNodes
  }

  private static func open(_ bytes: [UInt8], _ errors: ErrorList) throws(Stop) -> YAMLEvents {
    let problem: (position: SourcePosition, message: String)
    if bytes.count > YAMLLimits.maximumBytes {
      problem = (.start, "found \(bytes.count) bytes, expected at most \(YAMLLimits.maximumBytes)")
    } else if let position = SourceText(bytes).firstDirective() {
      problem = (position, "found a line that begins with '%', a YAML directive, expected none")
    } else {
      do {
        return try YAMLEvents(bytes)
      } catch {
        problem = (.start, error.message)
      }
    }
    errors.report(at: problem.position, FieldPath(), problem.message)
    throw Stop()
  }

  mutating func document() throws(Stop) -> YAMLNode {
    var root = YAMLNode(content: .mapping([]), position: .start)
    var documents = 0
    while true {
      let event = try next()
      switch event.kind {
      case .streamEnd: return root
      case .documentStart:
        documents += 1
        guard documents == 1 else {
          throw stop(at: event.position, "found a second document, expected one document in the file")
        }
        root = try node(startingWith: next())
      default: break
      }
    }
  }
}

extension YAMLComposer {
  private mutating func node(startingWith event: YAMLEvent) throws(Stop) -> YAMLNode {
    try count(event)
    let content: YAMLNode.Content
    switch event.kind {
    case .scalar(let scalar):
      refuseNUL(scalar, at: event.position)
      content = .scalar(scalar)
    case .sequenceStart: content = .sequence(try items(after: event))
    case .mappingStart: content = .mapping(try entries(after: event))
    // An alias, refused by now. A closing event cannot come here: the callers look for theirs.
    default: content = .scalar(YAMLScalar(text: "", isPlain: true))
    }
    return YAMLNode(content: content, position: event.position)
  }

  private mutating func items(after start: YAMLEvent) throws(Stop) -> [YAMLNode] {
    try descend(at: start.position)
    defer { depth -= 1 }
    var items: [YAMLNode] = []
    while true {
      let event = try next()
      if case .sequenceEnd = event.kind { return items }
      path.enter(.index(items.count))
      items.append(try node(startingWith: event))
      path.leave()
    }
  }

  private mutating func entries(after start: YAMLEvent) throws(Stop) -> [YAMLEntry] {
    try descend(at: start.position)
    defer { depth -= 1 }
    var entries: [YAMLEntry] = []
    var lines: [String: Int] = [:]
    while true {
      let event = try next()
      if case .mappingEnd = event.kind { return entries }
      let name = try name(startingWith: event)
      path.enter(.name(name ?? "?"))
      let value = try node(startingWith: next())
      if let name {
        if let first = lines[name] {
          let both = "found on line \(first) and again on line \(event.position.line)"
          errors.report(at: event.position, path, "duplicate field: \(both), expected once")
        }
        lines[name] = lines[name] ?? event.position.line
        entries.append(YAMLEntry(name: name, namePosition: event.position, value: value))
      }
      path.leave()
    }
  }

  /// The name of an entry; nil, after an error, if what stands in its place is none.
  private mutating func name(startingWith event: YAMLEvent) throws(Stop) -> String? {
    let before = errors.count
    let node = try node(startingWith: event)
    guard errors.count == before else { return nil }
    guard case .scalar(let scalar) = node.content, !scalar.text.isEmpty, !scalar.isNull else {
      errors.report(at: event.position, path, "found \(node.summary()), expected the name of a field")
      return nil
    }
    let limit = YAMLLimits.maximumNameBytes
    guard scalar.text.utf8.count <= limit else {
      let found = "found a name of \(scalar.text.utf8.count) bytes"
      errors.report(at: event.position, path, "\(found), expected at most \(limit)")
      return nil
    }
    return scalar.text
  }
}

extension YAMLComposer {
  private mutating func next() throws(Stop) -> YAMLEvent {
    do {
      return try events.next()
    } catch {
      throw stop(for: error)
    }
  }

  private func stop(for failure: YAMLFailure) -> Stop {
    switch failure.place {
    case .byte(let offset):
      return stop(at: source.position(ofByte: offset), "not text: \(failure.message)")
    case .position(let position):
      let isTab = failure.message.contains("cannot start any token") && source.character(at: position) == "\t"
      let message = isTab ? "found a tab, expected spaces" : failure.message
      return stop(at: position, "not YAML: \(message)")
    }
  }

  private func stop(at position: SourcePosition, _ message: String) -> Stop {
    errors.report(at: position, path, message)
    return Stop()
  }

  private mutating func descend(at position: SourcePosition) throws(Stop) {
    depth += 1
    guard depth <= YAMLLimits.maximumDepth else {
      let limit = YAMLLimits.maximumDepth
      throw stop(at: position, "found more than \(limit) levels, expected at most \(limit)")
    }
  }

  /// What any value must respect, whatever its kind.
  private mutating func count(_ event: YAMLEvent) throws(Stop) {
    nodes += 1
    guard nodes <= mostNodes else {
      throw stop(at: event.position, "found more than \(mostNodes) values, the limit of a file")
    }
    if case .alias = event.kind {
      errors.report(at: event.position, path, "found an alias (*), expected the value itself")
    }
    if event.hasAnchor {
      errors.report(at: event.position, path, "found an anchor (&), expected a value without one")
    }
    if event.hasTag {
      errors.report(at: event.position, path, "found a tag (!), expected a value without one")
    }
  }

  /// A NUL would end the text early wherever C reads it.
  private func refuseNUL(_ scalar: YAMLScalar, at position: SourcePosition) {
    guard scalar.text.utf8.contains(0) else { return }
    errors.report(at: position, path, "found a NUL character, expected a text without one")
  }
}
