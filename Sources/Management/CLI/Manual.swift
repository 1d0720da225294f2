/// The manual page, in roff: the help pages with another dress.
package enum Manual {
  package static var page: String {
    var lines = [
      ".TH HAUBERK 8 \"\" \"hauberk \(Help.version)\" \"System administration\"",
      ".SH NAME", escaped("hauberk - several machines, one gateway"), ".SH SYNOPSIS", ".nf",
    ]
    for command in Command.all { lines.append("\\fBhauberk \(escaped(command.name))\\fR \(escaped(command.usage))") }
    lines += [".fi", ".SH DESCRIPTION", ".PP"]
    lines.append(escaped("Hauberk is an IPsec gateway in user space. Each command has a section of its own below."))
    lines.append(".SH COMMANDS")
    for command in Command.all {
      lines.append(".SS \"\(escaped("hauberk \(command.name) \(command.usage)"))\"")
      lines += section(command)
    }
    lines += [".SH EXIT STATUS"]
    for code in ExitCode.allCases { lines += [".TP", "\(code.rawValue)", escaped(code.meaning)] }
    lines += [
      ".SH FILES", ".TP", "\\fI\(escaped(ControlOptions.standardPath))\\fR",
      "The control socket of the running gateway: for its owner and root.",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private static func section(_ command: Command) -> [String] {
    var lines: [String] = []
    // The first line is the usage, which the heading has.
    let text = command.page.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
    for block in blocks(Array(text)) {
      switch block[0] {
      case "Options:": lines += options(command)
      // They are the same for all commands, and stand at the end.
      case "Exit codes:": break
      default: lines += paragraph(block)
      }
    }
    return lines
  }

  /// Lines between empty ones.
  private static func blocks(_ lines: [Substring]) -> [[Substring]] {
    lines.split(whereSeparator: \.isEmpty).map(Array.init)
  }

  private static func options(_ command: Command) -> [String] {
    command.options.flatMap { option in
      [
        ".TP",
        "\\fB\(escaped(option.name))\\fR" + (option.placeholder.map { " \\fI\(escaped($0))\\fR" } ?? ""),
        escaped(option.help),
      ]
    }
  }

  /// Running text flows; what is indented is set as it stands.
  private static func paragraph(_ block: [Substring]) -> [String] {
    var lines = [".PP"]
    var isSet = false
    for line in block {
      let isIndented = line.hasPrefix("  ")
      if isIndented != isSet {
        lines += isIndented ? [".nf", ".RS 2"] : [".RE", ".fi"]
        isSet = isIndented
      }
      lines.append(escaped(String(isIndented ? line.dropFirst(2) : line)))
    }
    return lines + (isSet ? [".RE", ".fi"] : [])
  }

  /// Roff's own characters become those that they are.
  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\\": result += "\\e"
      case "-": result += "\\-"
      case "\"": result += "\\(dq"
      case "~": result += "\\(ti"
      case "^": result += "\\(ha"
      case "`": result += "\\(ga"
      case "'" where result.isEmpty, "." where result.isEmpty: result += "\\&\(character)"
      case "'": result += "\\(aq"
      default: result.append(character)
      }
    }
    return result
  }
}
