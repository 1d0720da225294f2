import ControlKit

/// A unit's own clock: it began at another moment than the others, and runs faster or slower.
struct SimulatedClock {
  let offset: Moment
  let driftPerMillion: Int64
  /// So long it did not run, and does not know.
  var frozen: Nanoseconds = 0
  /// And so far it has stepped.
  var stepped: Nanoseconds = 0

  init(offset: Moment, driftPerMillion: Int64) {
    self.offset = offset
    self.driftPerMillion = driftPerMillion
  }

  func local(_ moment: Moment) -> Moment {
    let ran = moment - min(moment, frozen)
    return offset + stepped + UInt64(Int64(ran) + Int64(ran) * driftPerMillion / 1_000_000)
  }

  /// The first moment at which the clock shows this, or later.
  func real(_ local: Moment) -> Moment {
    guard local > offset + stepped else { return 0 }
    let shown = Int64(min(local - offset - stepped, 1 << 50))
    var moment = frozen + UInt64(max(0, shown * 1_000_000 / (1_000_000 + driftPerMillion)))
    while self.local(moment) < local { moment += 1 }
    return moment
  }
}
