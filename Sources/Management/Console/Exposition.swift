/// Text as Prometheus reads it: one family after the other, each with what it is and what it means.
struct Exposition {
  enum Kind: String {
    case counter, gauge
  }

  private(set) var text = ""

  /// Nothing is written of a family that has no samples.
  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], String)]) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(Self.escaped(help, isLabel: false))\n# TYPE \(name) \(kind.rawValue)\n"
    for (labels, value) in samples {
      let list = labels.map { "\($0.0)=\"\(Self.escaped($0.1, isLabel: true))\"" }.joined(separator: ",")
      text += name + (list.isEmpty ? "" : "{\(list)}") + " \(value)\n"
    }
  }

  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: UInt64) {
    add(name, kind, help, [([], "\(value)")])
  }

  static func escaped(_ text: String, isLabel: Bool) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where isLabel: result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  static func number(_ value: Double) -> String {
    value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "\(value)"
  }
}
