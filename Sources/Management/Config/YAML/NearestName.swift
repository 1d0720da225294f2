/// The one of `names` that a writer of `text` most likely meant.
package func nearestName(to text: String, among names: [String]) -> String? {
  let sought = folded(text)
  var best: (name: String, distance: Int)?
  for name in names {
    guard let distance = plausibleDistance(sought, folded(name)) else { continue }
    if best.map({ distance < $0.distance }) ?? true { best = (name, distance) }
  }
  return best?.name
}

/// Upper case, `-` and `_` make no difference to what was meant.
private func folded(_ text: String) -> [Unicode.Scalar] {
  text.lowercased().unicodeScalars.filter { $0 != "-" && $0 != "_" }
}

/// At most two edits, and never most of a short word; or one is the beginning of the other.
private func plausibleDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int? {
  let shorter = min(left.count, right.count)
  let longer = max(left.count, right.count)
  if longer - shorter <= 2 {
    let distance = editDistance(left, right)
    if distance <= 2, 2 * distance <= longer { return distance }
  }
  let isPrefix = shorter >= 2 && left.prefix(shorter) == right.prefix(shorter)
  // Further away than any edit, so that a misspelling wins over an abbreviation.
  return isPrefix ? 2 + longer - shorter : nil
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for (row, scalar) in left.enumerated() {
    var current = [row + 1]
    for (column, other) in right.enumerated() {
      var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (scalar == other ? 0 : 1))
      if row > 0, column > 0, scalar == right[column - 1], left[row - 1] == other {
        cost = min(cost, beforeLast[column - 1] + 1)
      }
      current.append(cost)
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
