import Testing

/// Two long arrays are the same. `#expect` would work out a whole edit script of two that are not, for minutes.
func expectSame<Element: Equatable>(
  _ one: [Element], _ other: [Element], sourceLocation: SourceLocation = #_sourceLocation
) {
  guard one != other else { return }
  let place = zip(one, other).prefix { $0 == $1 }.count
  Issue.record(
    "\(one.count) and \(other.count) elements, the first difference at \(place)", sourceLocation: sourceLocation)
}
