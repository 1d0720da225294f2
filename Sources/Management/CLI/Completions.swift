/// Shells that complete our commands.
package enum Shell: String, CaseIterable, Sendable {
  case bash, zsh, fish

  /// What the shell has to read, made of the same tables as the parser and the help.
  package var completions: String {
    switch self {
    case .bash: Completions.bash
    case .zsh: Completions.zsh
    case .fish: Completions.fish
    }
  }
}

private enum Completions {
  static let head = "made by `hauberk completions"
  static let commands = Command.all

  // bash

  static var bash: String {
    """
    # Completion of hauberk for bash, \(head) bash`.
    _hauberk() {
        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
        COMPREPLY=()
        if [ "$COMP_CWORD" -eq 1 ]; then
            COMPREPLY=($(compgen -W "\(commands.map(\.name).joined(separator: " "))" -- "$word"))
            return
        fi
        case ${COMP_WORDS[1]} in
    \(commands.map(bash).joined(separator: "\n"))
        esac
    }
    complete -F _hauberk hauberk

    """
  }

  private static func bash(_ command: Command) -> String {
    var lines = ["    \(command.name))"]
    let files = command.options.filter(\.takesFile)
    let open = command.options.filter {
      $0.placeholder != nil && !$0.takesFile && $0.values.isEmpty && !$0.isValueOptional
    }
    if command.options.contains(where: { $0.placeholder != nil }) {
      lines.append("        case $before in")
      if !files.isEmpty {
        lines.append("        \(files.map(\.name).joined(separator: "|"))) \(bashFiles); return ;;")
      }
      for option in command.options where !option.values.isEmpty {
        lines.append("        \(option.name)) \(bashWords(option.values)); return ;;")
      }
      if !open.isEmpty { lines.append("        \(open.map(\.name).joined(separator: "|"))) return ;;") }
      lines.append("        esac")
    }
    lines.append("        case $word in")
    lines.append("        -*) \(bashWords(command.options.map(\.name) + ["--help"])) ;;")
    switch command.words {
    case .none: break
    case .files: lines.append("        *) \(bashFiles) ;;")
    case .one(let words): lines.append("        *) \(bashWords(words)) ;;")
    }
    lines += ["        esac", "        ;;"]
    return lines.joined(separator: "\n")
  }

  private static let bashFiles = #"compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word"))"#

  private static func bashWords(_ words: [String]) -> String {
    "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$word\"))"
  }

  // zsh

  static var zsh: String {
    """
    #compdef hauberk
    # Completion of hauberk for zsh, \(head) zsh`.
    _hauberk() {
        local -a commands
        if (( CURRENT == 2 )); then
            commands=(
    \(commands.map { "            \(quoted("\($0.name):\($0.summary)"))" }.joined(separator: "\n"))
            )
            _describe command commands
            return
        fi
        shift words
        (( CURRENT-- ))
        case $words[1] in
    \(commands.map(zsh).joined(separator: "\n"))
        esac
    }
    if [ "$funcstack[1]" = _hauberk ]; then
        _hauberk "$@"
    else
        compdef _hauberk hauberk
    fi

    """
  }

  private static func zsh(_ command: Command) -> String {
    var specs = command.options.map { option -> String in
      var spec = "*" + option.name
      if option.placeholder != nil { spec += option.isValueOptional ? "=-" : "=" }
      spec += "[" + zshText(option.help) + "]"
      guard let placeholder = option.placeholder else { return quoted(spec) }
      spec += (option.isValueOptional ? "::" : ":") + zshText(placeholder.filter { !"[]".contains($0) }) + ":"
      if option.takesFile { spec += "_files" }
      if !option.values.isEmpty { spec += "(" + option.values.joined(separator: " ") + ")" }
      return quoted(spec)
    }
    specs.append(quoted("--help[the command's page]"))
    switch command.words {
    case .none: break
    case .files: specs.append(quoted("*:file:_files"))
    case .one(let words): specs.append(quoted("1:word:(\(words.joined(separator: " ")))"))
    }
    let lines = specs.map { "            \($0)" }.joined(separator: " \\\n")
    return "    \(command.name))\n        _arguments \\\n\(lines)\n        ;;"
  }

  /// Colons and brackets end a part of a specification.
  private static func zshText(_ text: String) -> String {
    text.map { ":[]\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }

  /// For zsh and bash: within single quotes everything is itself.
  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  // fish

  static var fish: String {
    var lines = ["# Completion of hauberk for fish, \(head) fish`.", "complete -c hauberk -f"]
    for command in commands {
      lines.append(
        "complete -c hauberk -n __fish_use_subcommand -a \(command.name) -d \(fishQuoted(command.summary))")
      let here = "complete -c hauberk -n '__fish_seen_subcommand_from \(command.name)'"
      for option in command.options {
        var line = "\(here) -l \(option.name.dropFirst(2))"
        if option.takesFile {
          line += " -r -F"
        } else if option.placeholder != nil, !option.isValueOptional {
          line += " -x"
        }
        if !option.values.isEmpty { line += " -a \(fishQuoted(option.values.joined(separator: " ")))" }
        lines.append(line + " -d \(fishQuoted(option.help))")
      }
      lines.append("\(here) -l help -d 'the command\\'s page'")
      switch command.words {
      case .none: break
      case .files: lines.append("\(here) -F")
      case .one(let words): lines.append("\(here) -a \(fishQuoted(words.joined(separator: " ")))")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func fishQuoted(_ text: String) -> String {
    "'" + text.map { "'\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "'"
  }
}
