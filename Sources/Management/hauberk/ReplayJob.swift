import CLI
import Config
import Contract
import Dataplane
import Nonces
import Wire

/// What a replay does with packets: look at them, protect them as a configuration says, or send them there and back.
struct ReplayJob {
  enum Kind {
    case plain, protect, roundTrip
  }

  let kind: Kind
  var classify: ClassifyDescription
  var security: ReplaySecurity?

  init(
    _ options: ReplayOptions, _ configuration: Configuration?, _ classify: ClassifyDescription, link: LinkType
  ) throws(CommandFailure) {
    kind = Self.kind(options, configuration)
    switch kind {
    case .plain:
      self.classify = classify
    case .roundTrip:
      let plan = RoundTripPlan(classify, link: link)
      self.classify = plan.near
      var security = ReplaySecurity(RoundTripPlan.nonces(), .new)
      security.farEnd = plan.far
      self.security = security
    case .protect:
      self.classify = classify
      security = try Self.security(configuration)
    }
    let engine = options.engine ?? configuration?.engine
    security?.engine = engine.flatMap { CryptoEngine.Kind(rawValue: $0) }
    security?.keepsStories = options.trace > 0
  }

  private static func kind(_ options: ReplayOptions, _ configuration: Configuration?) -> Kind {
    if options.wantsRoundTrip { return .roundTrip }
    if options.isPlain { return .plain }
    if configuration?.classify.hasSecurity == true { return .protect }
    return configuration == nil && options.members == 1 && options.member == nil ? .roundTrip : .plain
  }

  /// Keys that live longer than this process: their nonces are on record.
  private static func security(_ configuration: Configuration?) throws(CommandFailure) -> ReplaySecurity {
    var directory: NonceStateDirectory?
    do {
      // Only suites without a counter get by without a record, and the configuration has seen to that.
      directory = try configuration?.stateDirectory.map { folder throws(NonceRefusal) in
        try NonceStateDirectory(path: folder)
      }
    } catch {
      throw CommandFailure(.configuration, error.description)
    }
    var security = ReplaySecurity(directory, .known(used: []))
    security.unit = configuration?.unitNumber ?? 0
    return security
  }
}
