/// How the command ends. Documented in `hauberk help`; scripts rely on the numbers.
package enum ExitCode: Int32, CaseIterable, Sendable {
  case success = 0
  case finding = 1
  case usage = 2
  case input = 3
  case output = 4
  case damagedInput = 5
  case configuration = 6
  case machine = 7
  case interrupted = 8
  case unreachable = 9
  case untrusted = 10

  package var meaning: String {
    switch self {
    case .success: "all went well"
    case .finding: "audit found an IV that was used for two packets, doctor something wrong, simulate a broken rule"
    case .usage: "the command line is wrong"
    case .input: "the input cannot be read, or is no capture of a known kind"
    case .output: "the output cannot be written"
    case .damagedInput: "the input ends early; everything before was processed"
    case .configuration: "the configuration is wrong"
    case .machine: "the machine lacks something: memory, threads"
    case .interrupted: "stopped by a signal; everything before was processed"
    case .untrusted: "nobody who is trusted has signed the configuration, or vouches for a certificate"
    case .unreachable: "no gateway runs here, or it does not answer"
    }
  }
}

/// Ends a command with a sentence.
package struct CommandFailure: Error, CustomStringConvertible {
  package let code: ExitCode
  package let description: String

  package init(_ code: ExitCode, _ description: String) {
    self.code = code
    self.description = description
  }
}
