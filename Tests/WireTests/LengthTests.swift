import PacketMaking
import Testing
import Wire

@Suite("A view checks the length once, and then reads nothing that is not there")
struct LengthTests {
  @Test(
    "The shortest sound header is accepted, and every accessor stays inside it", arguments: HeaderKind.all)
  func exact(_ kind: HeaderKind) {
    #expect(withBytes(kind.shortest, kind.digest) != nil)
  }

  @Test("One octet less, or any number less, is refused", arguments: HeaderKind.all)
  func short(_ kind: HeaderKind) {
    for length in 0..<kind.shortest.count {
      let refused = withBytes(Array(kind.shortest.prefix(length)), kind.digest) == nil
      #expect(refused, "\(length) octets")
    }
  }

  @Test("What follows a header does not change what the header says", arguments: HeaderKind.all)
  func longer(_ kind: HeaderKind) {
    #expect(withBytes(kind.shortest + [0xff], kind.digest) != nil)
  }

  @Test("Garbage of any length is accepted or refused, never overread", arguments: HeaderKind.all)
  func garbage(_ kind: HeaderKind) {
    var random = Seeded(seed: 1)
    for length in 0...kind.shortest.count + 8 {
      for filler in [UInt8(0x00), 0x45, 0x60, 0xff] {
        _ = withBytes([UInt8](repeating: filler, count: length), kind.digest)
      }
      for _ in 0..<64 { _ = withBytes(random.octets(length), kind.digest) }
    }
  }

  @Test("Every octet of a sound header may take any value", arguments: HeaderKind.all)
  func bent(_ kind: HeaderKind) {
    for place in kind.shortest.indices {
      for value in UInt8.min...UInt8.max {
        var octets = kind.shortest
        octets[place] = value
        _ = withBytes(octets, kind.digest)
      }
    }
  }

  @Test("A hundred thousand hostile frames: every view at every layer, every link type, nothing overread")
  func hammer() {
    var random = Seeded(seed: 0x4841_5542)
    var accepted = 0
    for _ in 0..<100_000 {
      let frame = hostileFrame(&random)
      withBytes(frame) { bytes in
        for link in LinkType.allCases {
          // A million calls of #expect would take longer than all that they watch.
          if link.payload(of: bytes).offset > frame.count { Issue.record("\(link.name): \(frame)") }
        }
        // Behind the Ethernet header, behind an IPv4 header: whatever may begin there.
        for offset in [0, 14, 34] where offset <= frame.count {
          for kind in HeaderKind.distinct where kind.digest(bytes.dropFirst(offset)) != nil { accepted += 1 }
        }
      }
    }
    #expect(accepted > 500_000, "the hammer has to get past the first checks")
  }
}

@Suite("A run of bytes is big-endian and keeps to its end")
struct BytesTests {
  private let ramp: [UInt8] = Array(0x01...0x10)

  @Test("Numbers of every width are read at every offset, aligned or not")
  func numbers() {
    withBytes(ramp) { bytes in
      for offset in 0..<16 { #expect(bytes.uint8(at: offset) == UInt8(offset + 1)) }
      #expect(bytes.uint16(at: 0) == 0x0102)
      #expect(bytes.uint16(at: 13) == 0x0e0f)
      #expect(bytes.uint32(at: 1) == 0x0203_0405)
      #expect(bytes.uint32(at: 12) == 0x0d0e_0f10)
      #expect(bytes.uint64(at: 0) == 0x0102_0304_0506_0708)
      #expect(bytes.uint64(at: 7) == 0x0809_0a0b_0c0d_0e0f)
      #expect(bytes.uint64(at: 8) == 0x090a_0b0c_0d0e_0f10)
    }
  }

  @Test("Dropping more than there is leaves nothing, and a prefix is never longer than the run")
  func slices() {
    withBytes(ramp) { bytes in
      for length in 0...20 {
        #expect(octets(bytes.dropFirst(length)) == Array(ramp.dropFirst(length)))
        #expect(octets(bytes.prefix(length)) == Array(ramp.prefix(length)))
      }
    }
  }

  @Test("An empty buffer without an address is an empty run")
  func empty() {
    let bytes = Bytes(UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(bytes.count == 0)
    #expect(EthernetView(bytes) == nil)
  }
}
