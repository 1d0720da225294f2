/// A value that goes to a client as JSON, and comes back there.
package protocol JSONCoded: Sendable {
  var json: JSON { get }
  init(json: JSON) throws(JSONMismatch)
}

/// JSON that is well-formed and not what was awaited: somebody of another version.
package struct JSONMismatch: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// One member of an object: a single table says how a type is written and read, so that the two cannot disagree.
package struct Member<Whole> {
  package let name: String
  let written: (Whole) -> JSON
  let read: (inout Whole, JSON) throws(JSONMismatch) -> Void

  package func json(of whole: Whole) -> JSON { written(whole) }

  package init<Value: JSONCoded>(_ name: String, _ path: WritableKeyPath<Whole, Value>) {
    self.name = name
    written = { $0[keyPath: path].json }
    read = { (whole, json) throws(JSONMismatch) in
      do {
        whole[keyPath: path] = try Value(json: json)
      } catch {
        throw JSONMismatch("\(name): \(error)")
      }
    }
  }
}

package protocol JSONMembers: JSONCoded {
  init()
  static var members: [Member<Self>] { get }
}

extension JSONMembers {
  package var json: JSON { .object(Self.members.map { ($0.name, $0.written(self)) }) }

  /// What is missing keeps its first value, and what is unknown is passed over: the other end may be older or newer.
  package init(json: JSON) throws(JSONMismatch) {
    guard case .object(let pairs) = json else { throw JSONMismatch("no object") }
    self.init()
    for member in Self.members {
      if let pair = pairs.first(where: { $0.0 == member.name }) { try member.read(&self, pair.1) }
    }
  }
}

extension JSON: JSONCoded {
  package var json: JSON { self }
  package init(json: JSON) { self = json }

  /// The member of that name; nil where there is none, or this is no object.
  package subscript(_ name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.0 == name }?.1
  }
}

extension String: JSONCoded {
  package var json: JSON { .string(self) }

  package init(json: JSON) throws(JSONMismatch) {
    guard case .string(let text) = json else { throw JSONMismatch("no string") }
    self = text
  }
}

extension Bool: JSONCoded {
  package var json: JSON { .bool(self) }

  package init(json: JSON) throws(JSONMismatch) {
    guard case .bool(let flag) = json else { throw JSONMismatch("neither true nor false") }
    self = flag
  }
}

extension Double: JSONCoded {
  package var json: JSON { .number(self) }

  package init(json: JSON) throws(JSONMismatch) {
    switch json {
    case .number(let number): self = number
    case .integer(let number): self = Double(number)
    default: throw JSONMismatch("no number")
    }
  }
}

/// Whole numbers from 0.
package protocol CodedCount: JSONCoded, FixedWidthInteger {}

extension CodedCount {
  package var json: JSON { .integer(UInt64(clamping: self)) }

  package init(json: JSON) throws(JSONMismatch) {
    guard case .integer(let number) = json, let value = Self(exactly: number) else {
      throw JSONMismatch("no whole number from 0 to \(Self.max)")
    }
    self = value
  }
}

extension UInt64: CodedCount {}
extension UInt32: CodedCount {}
extension UInt16: CodedCount {}
extension Int: CodedCount {}

extension Optional: JSONCoded where Wrapped: JSONCoded {
  package var json: JSON { self?.json ?? .null }

  package init(json: JSON) throws(JSONMismatch) {
    if case .null = json { self = nil } else { self = try Wrapped(json: json) }
  }
}

extension Array: JSONCoded where Element: JSONCoded {
  package var json: JSON { .array(map(\.json)) }

  package init(json: JSON) throws(JSONMismatch) {
    guard case .array(let items) = json else { throw JSONMismatch("no list") }
    self = []
    reserveCapacity(items.count)
    for item in items { append(try Element(json: item)) }
  }
}

/// A word out of a few.
package protocol CodedWord: JSONCoded, RawRepresentable<String>, CaseIterable {}

extension CodedWord {
  package var json: JSON { .string(rawValue) }

  package init(json: JSON) throws(JSONMismatch) {
    let word = try String(json: json)
    guard let value = Self(rawValue: word) else { throw JSONMismatch("'\(word)' is not known here") }
    self = value
  }
}

/// Counts by name, in an order that means something: an object.
package struct NamedCounts: JSONCoded, Equatable {
  package struct Count: Sendable, Equatable {
    package var name: String
    package var count: UInt64
  }

  package var list: [Count]

  package init(_ list: [(name: String, count: UInt64)] = []) {
    self.list = list.map { Count(name: $0.name, count: $0.count) }
  }

  package var total: UInt64 { list.reduce(0) { $0 &+ $1.count } }
  package var json: JSON { .object(list.map { ($0.name, .integer($0.count)) }) }

  package init(json: JSON) throws(JSONMismatch) {
    guard case .object(let pairs) = json else { throw JSONMismatch("no object") }
    list = []
    for (name, value) in pairs { list.append(Count(name: name, count: try UInt64(json: value))) }
  }
}
