import Testing

@testable import Dataplane

@Suite struct PortCountersTests {
  @Test func eachThingIsCountedByItself() {
    let counters = PortCounters()
    defer { counters.deallocate() }
    counters.addReceived(packets: 3, bytes: 180)
    counters.addSent(packets: 2, bytes: 3000)
    counters.addFinishedChecksum()
    counters.addSegmented()
    counters.addSegmented()
    for drop in PortDrop.allCases { counters.add(10 + drop.rawValue, to: drop) }
    #expect(counters.receivedPackets == 3)
    #expect(counters.receivedBytes == 180)
    #expect(counters.sentPackets == 2)
    #expect(counters.sentBytes == 3000)
    #expect(counters.finishedChecksums == 1)
    #expect(counters.segmented == 2)
    for drop in PortDrop.allCases { #expect(counters.drops(drop) == UInt64(10 + drop.rawValue)) }
  }

  @Test func everyDropHasItsDirection() {
    #expect(PortDrop.allCases.filter(\.isReceived) == [.ringFull, .badDescriptor, .tooLong, .badOffload, .noFrame])
  }
}
