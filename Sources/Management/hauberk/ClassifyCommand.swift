import CKernel
import CLI
import Contract
import Dataplane

/// `hauberk classify`: one line for every packet.
struct ClassifyCommand {
  let options: ClassifyOptions

  init(_ options: ClassifyOptions) { self.options = options }

  func run() throws(CommandFailure) -> ExitCode {
    let description = try CommandInput.classify(
      config: CommandInput.configuration(options.config), hash: options.hash, key: options.key,
      addresses: options.clusterAddresses)
    let input = try CommandInput.open(CommandInput.source(options.capture), options.filter)
    let snapshot = ClassifySnapshotBuilder.build(
      description, OwnershipDescription(members: 1, playing: [0], workers: 1))
    defer { ClassifySnapshotBuilder.destroy(snapshot) }
    let classifier = Classifier(snapshot, link: input.link)

    if options.hasHeaderLine { try Console.output("number,workset,reason\n") }
    var number: UInt64 = 0
    while !hauberk_was_interrupted(), let frame = input.nextFrame() {
      number += 1
      let result = classifier.judge(frame)
      try Console.output(
        result.reason == .none
          ? "\(number),\(result.workSet),\n" : "\(number),-1,\(result.reason.name)\n")
    }
    if hauberk_was_interrupted() { return .interrupted }
    if let fault = input.fault {
      try Console.flush()
      throw CommandInput.failure(fault)
    }
    return .success
  }
}
