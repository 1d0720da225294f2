import CLI

/// The measurements as a table, as JSON, and as a picture.
struct BenchmarkReport {
  let measurements: [Measurement]

  var table: String {
    var lines = [
      Format.left("", 34) + Format.right("ours ns", 10) + Format.right("other ns", 10) + Format.right("ratio", 8)
        + "   beside"
    ]
    for measurement in measurements {
      let comparison = measurement.comparison
      lines.append(
        Format.left(comparison.name, 34) + Format.right(Format.fixed(measurement.oursMedian, 2), 10)
          + Format.right(Format.fixed(measurement.otherMedian, 2), 10)
          + Format.right(Format.fixed(measurement.ratio, 2), 8) + "   \(comparison.otherName), per \(comparison.unit)"
          + verdict(measurement))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func verdict(_ measurement: Measurement) -> String {
    guard let claim = measurement.comparison.claim else { return "" }
    return "  (claim: at most \(Format.fixed(claim, 2)): \(measurement.ratio <= claim ? "holds" : "BROKEN"))"
  }

  var allClaimsHold: Bool {
    measurements.allSatisfy { $0.ratio <= $0.comparison.claim ?? .infinity }
  }

  var json: JSON {
    .array(
      measurements.map { measurement in
        .object([
          ("name", .string(measurement.comparison.name)),
          ("unit", .string(measurement.comparison.unit)),
          ("beside", .string(measurement.comparison.otherName)),
          ("oursNanoseconds", .array(measurement.ours.map { .number($0) })),
          ("otherNanoseconds", .array(measurement.other.map { .number($0) })),
          ("oursMedian", .number(measurement.oursMedian)),
          ("otherMedian", .number(measurement.otherMedian)),
          ("medianRatio", .number(measurement.ratio)),
          ("claim", measurement.comparison.claim.map { .number($0) } ?? .null),
        ])
      })
  }

  /// Two bars a row, ours and the other, on a scale of each row's own: rows have different units.
  var svg: String {
    let rowHeight = 46, left = 250, width = 420
    let height = measurements.count * rowHeight + 40
    var body = ""
    for (index, measurement) in measurements.enumerated() {
      let y = 30 + index * rowHeight
      let most = max(measurement.oursMedian, measurement.otherMedian)
      body += Self.text(left - 10, y + 14, measurement.comparison.name, anchor: "end")
      for (line, value, name, color) in [
        (0, measurement.oursMedian, "Hauberk", "#31688e"),
        (1, measurement.otherMedian, measurement.comparison.otherName, "#b5b5b5"),
      ] {
        let length = most > 0 ? Int(value / most * Double(width)) : 0
        let top = y + line * 18
        body += "<rect x=\"\(left)\" y=\"\(top)\" width=\"\(length)\" height=\"14\" fill=\"\(color)\"/>\n"
        body += Self.text(left + length + 6, top + 12, "\(Format.fixed(value, 2)) ns  \(name)", anchor: "start")
      }
    }
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(left + width + 300)\" height=\"\(height)\" "
      + "font-family=\"sans-serif\" font-size=\"12\">\n"
      + Self.text(10, 16, "Nanoseconds per unit, medians of interleaved pairs; shorter is better", anchor: "start")
      + body + "</svg>\n"
  }

  private static func text(_ x: Int, _ y: Int, _ text: String, anchor: String) -> String {
    let safe = text.map { $0 == "&" ? "&amp;" : $0 == "<" ? "&lt;" : String($0) }.joined()
    return "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\">\(safe)</text>\n"
  }
}
