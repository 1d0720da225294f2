/// A text in quotes as an error shows it: short, on one line, and unable to command a terminal.
func excerpt(of text: String) -> String {
  let maximumCharacters = 40
  var shown = "'"
  for (count, scalar) in text.unicodeScalars.enumerated() {
    if count == maximumCharacters {
      shown += "…"
      break
    }
    shown += escaped(scalar)
  }
  return shown + "'"
}

private func escaped(_ scalar: Unicode.Scalar) -> String {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
    "\\u{\(String(scalar.value, radix: 16))}"
  default: String(Character(scalar))
  }
}
