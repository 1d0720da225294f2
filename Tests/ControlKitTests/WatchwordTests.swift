import Testing

@testable import ControlKit

/// A unit that speaks, and a gate that knows it and has heard it once.
private struct Speaker {
  let stamp = Stamp()
  var watchwords = Watchwords()
  var sequence: UInt64 = 0
  var incarnation: UInt64 = 7
  var secret: UInt64 = 1

  mutating func say(to recipient: UInt16 = Envelope.everyone, type: UInt8 = 3) -> Envelope {
    sequence += 1
    let (word, promised) = watchwords.take(for: sequence, by: stamp) {
      secret = mix(secret)
      return Watchword(high: secret, low: mix(~secret))
    }
    return Envelope(
      type: type, sender: 2, recipient: recipient, cluster: 5, term: 1, incarnation: incarnation, sequence: sequence,
      word: word, promised: promised)
  }

  mutating func skip(_ count: Int) { for _ in 0..<count { _ = say() } }
}

@Suite("Who writes frames in a unit's name does not keep it from being heard")
struct WatchwordTests {
  private let stamp = Stamp()
  private let forger = Stamp(salt: 2)

  private func gate(_ speaker: inout Speaker, sequence: UInt64 = 0) -> Gate {
    var gate = Gate(cluster: 5, own: 1, limits: Gate.Limits(unproven: Rate(1, burst: 3)))
    gate.know(2)
    speaker.skip(Int(sequence))
    hear(speaker.say(), &gate)
    return gate
  }

  private func hear(_ envelope: Envelope, _ gate: inout Gate, now: Moment = 0, _ comment: Comment? = nil) {
    #expect(gate.judge(envelope.sealed([1], by: stamp)!, by: stamp, now: now) != nil, comment)
  }

  private func forge(_ envelope: Envelope, _ gate: inout Gate) {
    #expect(gate.judge(envelope.sealed([2], by: forger)!, by: stamp, now: 0) == nil)
  }

  /// Nothing is left for what has no watchword.
  private func useUp(_ gate: inout Gate) {
    for number in 100_000..<100_010 as Range<UInt64> {
      forge(Envelope(type: 3, sender: 2, cluster: 5, term: 1, incarnation: 7, sequence: number), &gate)
    }
  }

  @Test("Each watchword is the hash of the next, and each chain begins behind what was promised")
  func chains() {
    var speaker = Speaker()
    var before = speaker.say()
    for _ in 0..<5000 {
      let next = speaker.say()
      let known = next.sequence % Watchwords.perChain == 1 ? before.promised : before.word
      #expect(stamp.hash(next.word, times: 1) == known)
      before = next
    }
  }

  @Test("No message costs more than a few hashes but a life's first, however many have been said")
  func even() {
    var speaker = Speaker()
    _ = speaker.say()
    for _ in 0..<5000 {
      let hashed = speaker.stamp.hashed
      _ = speaker.say()
      #expect(speaker.stamp.hashed - hashed <= 2)
    }
  }

  @Test("Forged frames of every sort before each message: all messages are heard, and few signatures asked for")
  func drowned() {
    var speaker = Speaker()
    var gate = gate(&speaker)
    var last = speaker.say()
    hear(last, &gate)
    let asked = stamp.asked
    for number in 1...3000 as ClosedRange<UInt64> {
      var forged = last
      for step in [1, 2, 63, 64, 65, 1024, 5000] as [UInt64] {
        forged.sequence = last.sequence + step
        forge(forged, &gate)
        forged.word = Watchword(high: number, low: step)
        forge(forged, &gate)
      }
      forged.incarnation += number
      forge(forged, &gate)
      last = speaker.say()
      hear(last, &gate, now: number * .millisecond, "message \(last.sequence)")
    }
    #expect(stamp.asked - asked == 3000 + 2, "two were left of the share of what shows none")
  }

  @Test("What was invented costs a few hashes, however far ahead it is")
  func invented() {
    var speaker = Speaker()
    var gate = gate(&speaker)
    var forged = speaker.say()
    for step in [1, 60, 64, 1000, 1_000_000, .max - 10] as [UInt64] {
      let hashed = stamp.hashed
      forged.sequence = 2 &+ step
      forged.word = Watchword(high: step, low: 1)
      forge(forged, &gate)
      #expect(stamp.hashed - hashed <= Int(KnownWatchword.mostSteps))
    }
  }

  @Test("So many may be lost in a row, from any message on", arguments: [0, 960, 1000, 1022, 1023, 1024] as [UInt64])
  func lost(_ begin: UInt64) {
    var speaker = Speaker()
    var gate = gate(&speaker, sequence: begin)
    useUp(&gate)
    speaker.skip(Int(KnownWatchword.mostSteps) - 1)
    hear(speaker.say(), &gate)
    hear(speaker.say(), &gate)
    // More, and it is heard by the others' share, when that has something left.
    speaker.skip(Int(KnownWatchword.mostSteps))
    let late = speaker.say()
    #expect(gate.judge(late.sealed([1], by: stamp)!, by: stamp, now: 0) == nil)
    hear(late, &gate, now: 10 * .second)
    hear(speaker.say(), &gate, now: 10 * .second)
  }

  @Test("What is said to others is news of the unit's watchwords, too")
  func others() {
    var speaker = Speaker()
    var gate = gate(&speaker)
    useUp(&gate)
    for _ in 0..<500 {
      #expect(gate.judge(speaker.say(to: 3).sealed([1], by: stamp)!, by: stamp, now: 0) == nil)
    }
    hear(speaker.say(), &gate)
  }

  @Test("Who turns what is said to others into words for us costs one signature for each, not the whole share")
  func turned() {
    var speaker = Speaker()
    var gate = gate(&speaker)
    useUp(&gate)
    let asked = stamp.asked
    for _ in 0..<100 {
      let other = speaker.say(to: 3)
      #expect(gate.judge(other.sealed([1], by: stamp)!, by: stamp, now: 0) == nil)
      var turned = other
      turned.recipient = Envelope.everyone
      for _ in 0..<10 { forge(turned, &gate) }
    }
    #expect(stamp.asked - asked == 100)
    hear(speaker.say(), &gate)
  }

  @Test("Who repeats a watchword that he has heard costs few signatures, and nothing once its message is here")
  func repeated() {
    var speaker = Speaker()
    var gate = gate(&speaker)
    useUp(&gate)
    let next = speaker.say()
    let asked = stamp.asked
    // He is the first, for once.
    for _ in 0..<KnownWatchword.mostTries - 1 { forge(next, &gate) }
    hear(next, &gate)
    for _ in 0..<1000 { forge(next, &gate) }
    #expect(stamp.asked - asked == KnownWatchword.mostTries)
    // The message itself is lost.
    let lost = speaker.say()
    for _ in 0..<1000 { forge(lost, &gate) }
    #expect(stamp.asked - asked == 2 * KnownWatchword.mostTries)
    hear(speaker.say(), &gate)
  }

  @Test("A message that was overtaken has the share of what shows no watchword")
  func overtaken() {
    var speaker = Speaker()
    var gate = gate(&speaker)
    let first = speaker.say()
    hear(speaker.say(), &gate)
    hear(first, &gate)
    useUp(&gate)
    let second = speaker.say()
    hear(speaker.say(), &gate)
    #expect(gate.judge(second.sealed([1], by: stamp)!, by: stamp, now: 0) == nil)
    hear(second, &gate, now: 10 * .second)
  }

  @Test("A later life has watchwords of its own")
  func life() {
    var speaker = Speaker()
    var gate = gate(&speaker, sequence: 300)
    var later = Speaker(incarnation: 8, secret: 9)
    hear(later.say(), &gate)
    useUp(&gate)
    for _ in 0..<100 { hear(later.say(), &gate) }
  }
}
