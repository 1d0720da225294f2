import ControlKit
import Wire

/// Who may be answered how often. An answer that one of the limits forbids takes nothing from the others.
struct AnswerLimits: Sendable {
  private var overall = TokenBucket()
  private var kinds = [TokenBucket](repeating: TokenBucket(), count: Sent.allCases.count)
  private var questions = TokenBucket()
  private var events = TokenBucket()
  private var errorSources: SourceBuckets
  private var echoSources: SourceBuckets
  private var replySources: SourceBuckets
  private let limits: SlowPathLimits

  init(_ limits: SlowPathLimits, seed: UInt64) {
    self.limits = limits
    errorSources = SourceBuckets(seed: mix(seed ^ 1))
    echoSources = SourceBuckets(seed: mix(seed ^ 2))
    replySources = SourceBuckets(seed: mix(seed ^ 3))
  }

  /// Nil when the error may leave.
  mutating func refusal(ofError kind: Sent, to source: IPAddress, now: UInt64) -> Fate? {
    let place = Int(kind.rawValue)
    guard errorSources.allows(source.sourceKey, limits.errorsPerSource, now: now) else { return .limitedBySource }
    guard kinds[place].allows(limits.errors, now: now) else { return .limitedByKind }
    guard overall.allows(limits.icmp, now: now) else { return .limitedOverall }
    errorSources.take(source.sourceKey, limits.errorsPerSource, now: now)
    kinds[place].take(limits.errors, now: now)
    overall.take(limits.icmp, now: now)
    return nil
  }

  mutating func refusal(ofEchoTo source: IPAddress, now: UInt64) -> Fate? {
    let place = Int(Sent.echoReply.rawValue)
    guard echoSources.allows(source.sourceKey, limits.echoesPerSource, now: now) else { return .limitedBySource }
    guard kinds[place].allows(limits.echoes, now: now) else { return .limitedByKind }
    guard overall.allows(limits.icmp, now: now) else { return .limitedOverall }
    echoSources.take(source.sourceKey, limits.echoesPerSource, now: now)
    kinds[place].take(limits.echoes, now: now)
    overall.take(limits.icmp, now: now)
    return nil
  }

  /// For answers to ARP and to solicitations.
  mutating func refusal(ofReplyTo mac: MACAddress, now: UInt64) -> Fate? {
    let place = Int(Sent.arpReply.rawValue)
    guard replySources.allows(mac.value, limits.repliesPerSource, now: now) else { return .limitedBySource }
    guard kinds[place].allows(limits.replies, now: now) else { return .limitedByKind }
    replySources.take(mac.value, limits.repliesPerSource, now: now)
    kinds[place].take(limits.replies, now: now)
    return nil
  }

  mutating func mayAsk(now: UInt64) -> Bool {
    guard questions.allows(limits.questions, now: now) else { return false }
    questions.take(limits.questions, now: now)
    return true
  }

  mutating func mayTell(now: UInt64) -> Bool {
    guard events.allows(limits.events, now: now) else { return false }
    events.take(limits.events, now: now)
    return true
  }
}
