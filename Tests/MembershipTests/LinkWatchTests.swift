import Cluster
import Contract
import ControlKit
import Glibc
import PacketMaking
import Testing
import Wire

@testable import Membership

@Suite(
  "The kernel's word of a link",
  .enabled(if: NetworkNamespace.areToBeHad, Comment(rawValue: NetworkNamespace.absence)))
struct LinkWatchTests {
  private let here: NetworkNamespace
  private let there: NetworkNamespace
  private let ports: [ControlPort]
  /// So slow that it looks at nothing by itself: after the first look all that is seen is what the kernel says.
  private let watch: LinkWatch
  private let now: Moment = 1

  init() throws {
    here = try NetworkNamespace()
    there = try NetworkNamespace()
    try here.connect("in", to: there, "farin")
    try here.connect("out", to: there, "farout")
    let mac = try #require(MACAddress("02:00:5e:00:53:01"))
    ports = try here.run { () throws -> [ControlPort] in
      [try ControlPort("in", side: .inside, mac: mac), try ControlPort("out", side: .outside, mac: mac)]
    }
    watch = try here.run { LinkWatch(Profile(detection: 1000 * .second)) }
    for port in ports { for _ in 0..<500 where !port.hasLink { usleep(10_000) } }
    #expect(watch.look(ports, now).isEmpty)
  }

  /// What it says of the next news that are any of ours.
  private func next() -> [Happening] {
    for _ in 0..<50 {
      var poll = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
      guard Glibc.poll(&poll, 1, 2000) == 1 else { return [] }
      let news = watch.look(ports, now)
      if !news.isEmpty { return news }
    }
    return []
  }

  @Test("Its other end goes, it is switched off, it is taken away: each is heard without looking, and its return")
  func word() throws {
    try there.shell("ip link set farin down")
    #expect(next() == [.unplugged(.inside)])
    try there.shell("ip link set farin up")
    #expect(next() == [.plugged(.inside)])
    try here.shell("ip link set out down")
    #expect(next() == [.unplugged(.outside)])
    try here.shell("ip link set out up")
    #expect(next() == [.plugged(.outside)])
    try here.shell("ip link set dev in mtu 1400")
    try here.shell("ip link del dev out")
    #expect(next() == [.unplugged(.outside)])
  }

  @Test("Where the kernel would say nothing, links are looked at four times in a detection time")
  func looks() throws {
    try here.run {
      let slow = LinkWatch(Profile(detection: 100 * .millisecond))
      #expect(slow.look(ports, now).isEmpty)
      try here.shell("ip link set dev in down")
      while hasNews(slow) {}
      #expect(slow.look(ports, now + 20 * .millisecond).isEmpty)
      #expect(slow.look(ports, now + 25 * .millisecond) == [.unplugged(.inside)])
    }
  }

  /// Taken, and thrown away.
  private func hasNews(_ watch: LinkWatch) -> Bool {
    var octets = [UInt8](repeating: 0, count: 8192)
    return recv(watch.descriptor, &octets, octets.count, Int32(MSG_DONTWAIT)) > 0
  }
}
