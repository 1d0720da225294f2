import Cluster
import ControlKit

/// A timeline as a picture: faults, a lane for each unit, and whose the work was.
public struct TimelineDrawing {
  private let timeline: Timeline
  private var text = ""

  private static let width = 1400.0
  private static let left = 90.0
  private static let lane = 22.0
  private static let band = 170.0

  public init(_ timeline: Timeline) { self.timeline = timeline }

  /// SVG 1.1, whole.
  public var svg: String {
    var drawing = self
    return drawing.draw()
  }

  private var units: Range<Int> { timeline.steps.indices }
  private var faults: [Fault] { timeline.scenario.faults.sorted { $0.begin < $1.begin } }

  private mutating func draw() -> String {
    let lanes = 64 + Double(faults.count) * 14 + 12
    let shares = lanes + Double(units.count) * Self.lane + 24
    let height = shares + Self.band + 70
    for (place, fault) in faults.enumerated() { draw(fault, at: 64 + Double(place) * 14, lanes) }
    for unit in units { drawLane(unit, at: lanes + Double(unit) * Self.lane) }
    drawTerms(from: lanes - 6, to: shares + Self.band)
    drawShares(at: shares)
    drawAxis(at: shares + Self.band)
    drawLegend(at: height - 14)
    let head =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Self.shown(Self.width))\" "
      + "height=\"\(Self.shown(height))\" font-family=\"sans-serif\" font-size=\"11\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
      + "<text x=\"10\" y=\"22\" font-size=\"15\">seed \(timeline.scenario.seed): \(units.count) units, "
      + "detection in \(timeline.scenario.profile.detection / .millisecond) ms</text>\n"
      + "<text x=\"10\" y=\"40\" fill=\"#666666\">faults above, then a lane for each unit, then the share of the "
      + "1024 work sets that each works on; red is nobody</text>\n"
    return head + text + "</svg>\n"
  }

  private func x(_ moment: Moment) -> Double {
    let usable = Self.width - Self.left - 20
    return Self.left + usable * Double(min(moment, timeline.end)) / Double(max(1, timeline.end))
  }

  // Parts

  /// A bar for when it lasts, and a shadow over the lanes of the units that it is about.
  private mutating func draw(_ fault: Fault, at y: Double, _ lanes: Double) {
    let from = x(fault.begin)
    let wide = max(1.5, x(fault.end) - from)
    rectangle(from, y, wide, 9, "#444444", tip: fault.description)
    let words = [fault.name.rawValue, fault.units.map(String.init).joined(separator: "+"), fault.detail]
    write(words.filter { !$0.isEmpty }.joined(separator: " "), from - 4, y + 8, anchor: "end", size: 9)
    for unit in fault.units {
      rectangle(from, lanes + Double(unit) * Self.lane - 1, wide, Self.lane - 2, "#444444", opacity: 0.25)
    }
  }

  private mutating func drawLane(_ unit: Int, at y: Double) {
    write("unit \(unit)", Self.left - 8, y + 13, anchor: "end")
    let steps = timeline.steps[unit]
    for (place, step) in steps.enumerated() {
      let until = place + 1 < steps.count ? steps[place + 1].moment : timeline.end
      let wide = x(until) - x(step.moment)
      guard wide > 0 else { continue }
      rectangle(
        x(step.moment), y + 2, wide, Self.lane - 8, Self.colour(step.state.role),
        tip: "unit \(unit) from \(Simulation.time(step.moment)): \(step.state.role.rawValue), term "
          + "\(Simulation.term(step.state.term)), \(step.state.sets) sets")
    }
  }

  private mutating func drawTerms(from top: Double, to bottom: Double) {
    var free = 0.0
    for (moment, term, unit) in timeline.terms {
      line(x(moment), top, x(moment), bottom, "#000000", dashed: true)
      // Those that are close together share a place.
      guard x(moment) >= free else { continue }
      write("term \(term >> 8), unit \(unit)", x(moment) + 3, top - 1, size: 9)
      free = x(moment) + 70
    }
  }

  /// From the bottom up each unit's share, then nobody's.
  private mutating func drawShares(at y: Double) {
    write("1024", Self.left - 8, y + 8, anchor: "end")
    write("sets", Self.left - 8, y + Self.band / 2, anchor: "end")
    write("0", Self.left - 8, y + Self.band, anchor: "end")
    rectangle(Self.left, y, x(timeline.end) - Self.left, Self.band, "#f4f4f4")
    for unit in units {
      let sets = { (shares: Timeline.Shares) in shares.sets[...unit].reduce(0, +) }
      area(at: y, from: { shares in sets(shares) - shares.sets[unit] }, to: sets, Self.share(unit), "unit \(unit)")
    }
    area(
      at: y, from: { 1024 - $0.unserved }, to: { _ in 1024 }, "#d0021b", "nobody")
  }

  private mutating func area(
    at y: Double, from low: (Timeline.Shares) -> Int, to high: (Timeline.Shares) -> Int, _ colour: String, _ tip: String
  ) {
    func height(_ sets: Int) -> Double { y + Self.band * (1 - Double(min(sets, 1024)) / 1024) }
    var upper: [(Double, Double)] = []
    var lower: [(Double, Double)] = []
    for (place, share) in timeline.shares.enumerated() {
      let until = place + 1 < timeline.shares.count ? timeline.shares[place + 1].moment : timeline.end
      for moment in [share.moment, until] {
        upper.append((x(moment), height(high(share))))
        lower.append((x(moment), height(low(share))))
      }
    }
    // What lies on one line needs no corner.
    let corners = (upper + lower.reversed()).reduce(into: [(Double, Double)]()) { list, next in
      if list.count > 1, list[list.count - 1].1 == next.1, list[list.count - 2].1 == next.1 { list.removeLast() }
      list.append(next)
    }
    let points = corners.map { "\(Self.shown($0.0)),\(Self.shown($0.1))" }.joined(separator: " ")
    text += "<polygon points=\"\(points)\" fill=\"\(colour)\"><title>\(tip)</title></polygon>\n"
  }

  private mutating func drawAxis(at y: Double) {
    line(Self.left, y, x(timeline.end), y, "#000000")
    let step = Self.step(for: timeline.end)
    for moment in stride(from: 0, through: timeline.end, by: Int(step)) {
      line(x(moment), y, x(moment), y + 5, "#000000")
      write("\(moment / .millisecond) ms", x(moment), y + 17, anchor: "middle", size: 9)
    }
  }

  private mutating func drawLegend(at y: Double) {
    var place = Self.left
    for role in Timeline.Role.allCases {
      rectangle(place, y - 10, 14, 11, Self.colour(role))
      write(role.rawValue, place + 19, y)
      place += 90
    }
    rectangle(place, y - 10, 14, 11, "#d0021b")
    write("work of nobody", place + 19, y)
  }

  /// Some ten marks, at round numbers.
  private static func step(for length: Nanoseconds) -> Nanoseconds {
    for milliseconds in [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000] as [UInt64]
    where length / (milliseconds * .millisecond) <= 14 {
      return milliseconds * .millisecond
    }
    return length / 10 + 1
  }

  // Elements

  private mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String, opacity: Double = 1, tip: String = ""
  ) {
    text +=
      "<rect x=\"\(Self.shown(x))\" y=\"\(Self.shown(y))\" width=\"\(Self.shown(width))\" "
      + "height=\"\(Self.shown(height))\" fill=\"\(colour)\""
      + (opacity < 1 ? " fill-opacity=\"\(opacity)\"" : "")
      + (tip.isEmpty ? "/>\n" : "><title>\(tip)</title></rect>\n")
  }

  private mutating func line(
    _ x: Double, _ y: Double, _ otherX: Double, _ otherY: Double, _ colour: String, dashed: Bool = false
  ) {
    text +=
      "<line x1=\"\(Self.shown(x))\" y1=\"\(Self.shown(y))\" x2=\"\(Self.shown(otherX))\" "
      + "y2=\"\(Self.shown(otherY))\" stroke=\"\(colour)\" stroke-width=\"0.8\""
      + (dashed ? " stroke-dasharray=\"3 3\"/>\n" : "/>\n")
  }

  private mutating func write(
    _ words: String, _ x: Double, _ y: Double, anchor: String = "start", size: Int = 11
  ) {
    text +=
      "<text x=\"\(Self.shown(x))\" y=\"\(Self.shown(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">"
      + "\(words)</text>\n"
  }

  /// Two places are more than a screen shows.
  private static func shown(_ number: Double) -> String {
    let hundredths = Int((number * 100).rounded())
    let fraction = String(hundredths % 100 + 100).dropFirst()
    return hundredths % 100 == 0 ? "\(hundredths / 100)" : "\(hundredths / 100).\(fraction)"
  }

  // Colours that differ for those who see no red or green, too, by how light they are.

  private static func colour(_ role: Timeline.Role) -> String {
    switch role {
    case .joining: "#9ecae1"
    case .client: "#31a354"
    case .master: "#e6a700"
    case .fenced: "#d0021b"
    case .standing: "#8856a7"
    case .gone: "#d9d9d9"
    }
  }

  private static func share(_ unit: Int) -> String {
    "hsl(\(unit * 137 % 300 + 40), \(unit % 2 == 0 ? 45 : 60)%, \(unit % 3 * 12 + 45)%)"
  }
}
