import PacketMaking
import Testing
import Wire

@Suite("IPv6: the walk along the extension headers")
struct IPv6ChainTests {
  @Test("Without extension headers the upper layer is at 40")
  func none() {
    #expect(Walk(ipv6(.udp, udp())) == Walk(.udp, at: 40, headers: 0))
    #expect(Walk(ipv6(.none)) == Walk(.none, at: 40, headers: 0))
  }

  @Test("Every kind of options header is passed by its length in units of eight", arguments: optionHeaders)
  func options(_ kind: NextHeader) {
    for units in [UInt8(0), 1, 2, 7, 254, 255] {
      let packet = ipv6(kind, extensionHeader(.udp, units: units, udp()))
      #expect(Walk(packet) == Walk(.udp, at: 48 + 8 * Int(units), headers: 1))
    }
  }

  @Test("The length of AH counts words of four octets, less two", arguments: 0...253)
  func authentication(_ words: Int) {
    let packet = ipv6(.ah, ah(.udp, valueWords: words, udp()))
    #expect(Walk(packet) == Walk(.udp, at: 52 + 4 * words, headers: 1))
  }

  @Test("Every other number ends the chain where it stands, whatever follows")
  func ends() {
    let passed = Set(optionHeaders + [.ah, .fragment])
    for number in UInt8.min...UInt8.max where !passed.contains(NextHeader(number)) {
      let packet = ipv6(NextHeader(number), [UInt8](repeating: 0, count: 16))
      #expect(Walk(packet) == Walk(NextHeader(number), at: 40, headers: 0))
    }
  }

  @Test("The first fragment: its own layer is behind it, and the walk stops there")
  func firstFragment() {
    let packet = ipv6(.fragment, fragment(.udp, more: true, udp()))
    #expect(Walk(packet) == Walk(.udp, at: 48, headers: 1, isFragment: true))
  }

  @Test("A later fragment has no layer of its own to be read, even if it looks like one")
  func laterFragments() {
    for (offset, more) in [(1, true), (1, false), (0x1fff, true), (0x1fff, false)] as [(UInt16, Bool)] {
      let inside = fragment(.destinationOptions, offset: offset, more: more, extensionHeader(.udp, udp()))
      #expect(
        Walk(ipv6(.fragment, inside))
          == Walk(.destinationOptions, at: 48, headers: 1, isFragment: true, isFirst: false))
    }
  }

  @Test(
    "The walk stops at a first fragment although more headers are there: all fragments are told apart alike")
  func stopsAtFragment() {
    let packet = ipv6(.fragment, fragment(.destinationOptions, more: true, extensionHeader(.udp, udp())))
    #expect(Walk(packet) == Walk(.destinationOptions, at: 48, headers: 1, isFragment: true))
  }

  @Test(
    "An atomic fragment (RFC 6946) is none, whatever its reserved bits say", arguments: [UInt8(0), 2, 4, 6])
  func atomicFragment(_ reserved: UInt8) {
    var header = fragment(.destinationOptions, more: false)
    header[3] |= reserved
    let packet = ipv6(.fragment, header + extensionHeader(.udp, udp()))
    #expect(Walk(packet) == Walk(.udp, at: 56, headers: 2))
  }

  @Test("64 headers are followed, and the 65th breaks the chain")
  func mostHeaders() {
    func chain(_ count: Int) -> [UInt8] {
      let last = (NextHeader.udp, udp())
      let (first, inside) = (0..<count).reduce(last) { inside, _ in
        (.destinationOptions, extensionHeader(inside.0, inside.1))
      }
      return ipv6(first, inside)
    }
    #expect(IPv6Chain.mostHeaders == 64)
    #expect(Walk(chain(63)) == Walk(.udp, at: 40 + 63 * 8, headers: 63))
    #expect(Walk(chain(64)) == Walk(.udp, at: 40 + 64 * 8, headers: 64))
    #expect(Walk(chain(65)) == Walk(.destinationOptions, at: 40 + 64 * 8, headers: 64, isBroken: true))
    #expect(Walk(chain(100)) == Walk(.destinationOptions, at: 40 + 64 * 8, headers: 64, isBroken: true))
  }
}

@Suite("IPv6: a chain that is cut")
struct IPv6CutChainTests {
  /// One of every form, in a row, and where each of them ends.
  private let packet = ipv6(
    .hopByHop,
    extensionHeader(
      .routing, units: 1,
      extensionHeader(
        .ah,
        ah(.fragment, valueWords: 2, fragment(.destinationOptions, more: false, extensionHeader(.udp, udp())))
      )))
  private let ends = [40, 56, 64, 84, 92, 100]
  private let kinds: [NextHeader] = [.hopByHop, .routing, .ah, .fragment, .destinationOptions, .udp]

  @Test("Uncut, it ends at UDP")
  func whole() {
    #expect(packet.count == 108)
    #expect(Walk(packet) == Walk(.udp, at: 100, headers: 5))
  }

  @Test("Cut anywhere, it is broken exactly if a header is not whole, and stands at that header")
  func cutAnywhere() {
    for length in 40...packet.count {
      let passed = ends.lastIndex { $0 <= length } ?? 0
      let expected = Walk(kinds[passed], at: ends[passed], headers: passed, isBroken: length < 100)
      #expect(Walk(Array(packet.prefix(length))) == expected, "cut at \(length)")
    }
  }

  @Test("A payload length that ends inside the chain cuts it just so")
  func cutByLength() {
    for length in 41...packet.count {
      let passed = ends.lastIndex { $0 <= length } ?? 0
      var shortened = packet
      shortened.replaceSubrange(4..<6, with: big(UInt16(length - 40)))
      let expected = Walk(kinds[passed], at: ends[passed], headers: passed, isBroken: length < 100)
      #expect(Walk(shortened) == expected, "payload length \(length - 40)")
    }
  }

  @Test("A header whose length reaches beyond the packet breaks the chain", arguments: optionHeaders + [.ah])
  func overlongHeader(_ kind: NextHeader) {
    let packet = ipv6(kind, [NextHeader.udp.value, 255] + [UInt8](repeating: 0, count: 38))
    #expect(Walk(packet) == Walk(kind, at: 40, headers: 0, isBroken: true))
  }

  @Test("A chain that ends exactly with the packet is not broken")
  func nothingBehind() {
    #expect(Walk(ipv6(.hopByHop, extensionHeader(.udp))) == Walk(.udp, at: 48, headers: 1))
  }
}
