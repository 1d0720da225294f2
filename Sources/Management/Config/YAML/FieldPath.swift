/// The way from the document to a value: `cluster.addresses[2]`.
package struct FieldPath: Hashable, Sendable, CustomStringConvertible {
  package enum Step: Hashable, Sendable {
    case name(String)
    case index(Int)
  }

  private var steps: [Step] = []

  package init() {}

  package mutating func enter(_ step: Step) { steps.append(step) }
  package mutating func leave() { steps.removeLast() }

  package func appending(_ step: Step) -> FieldPath {
    var path = self
    path.enter(step)
    return path
  }

  package var description: String {
    var text = ""
    for step in steps {
      switch step {
      case .index(let index): text += "[\(index)]"
      case .name(let name): text += (text.isEmpty ? "" : ".") + Self.written(name)
      }
    }
    return text
  }

  /// A name that could be mistaken for more than a name stands in quotes.
  private static func written(_ name: String) -> String {
    let isSimple = name.utf8.allSatisfy { octet in
      switch octet {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
      default: false
      }
    }
    return isSimple && !name.isEmpty ? name : excerpt(of: name)
  }
}
