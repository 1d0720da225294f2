import CKernel
package import Contract
import Rings
package import Wire

/// What becomes of the next packets, told by the workers that have them.
extension LiveGateway {
  /// From here on that many packets of each worker, at most, are told. Ends the trace before.
  package func beginTrace(_ filter: TraceFilter, packets: Int) {
    endTrace()
    for desk in desks {
      desk.body.pointee.wanted = filter
      desk.body.pointee.wantedPackets = packets
    }
    order(Order(.trace, sa: 1))
  }

  /// Nobody tells any more, and nothing is left of what was told.
  package func endTrace() {
    order(Order(.trace, sa: 0))
    // What a worker has taken the second order for, it has told before.
    awaitOrders()
    for desk in desks { while desk.records.dequeue() != nil {} }
  }

  /// What workers have told, at most so many.
  package func takeTraced(most: Int) -> [TraceRecord] {
    var records: [TraceRecord] = []
    for desk in desks {
      while records.count < most, let record = desk.records.dequeue() { records.append(record) }
    }
    return records
  }

  /// Packets that fitted and found no room, since the gateway began.
  package var untraced: UInt64 { counters.reduce(0) { $0 + $1.untraced } }

  func order(_ order: Order) {
    var order = order
    for (ring, exchange) in zip(orders, exchanges) {
      while ring.enqueue(&order, 1) == 0 { hauberk_yield() }
      exchange.wakeWorker()
    }
  }

  /// Until every worker has taken all its orders.
  func awaitOrders() {
    for (ring, exchange) in zip(orders, exchanges) {
      exchange.wakeWorker()
      while !ring.isDrained { hauberk_yield() }
    }
  }

  /// Whether the record's numbers are those of the tables in force.
  private func isCurrent(_ record: TraceRecord) -> Bool { record.generation == associations.tables.generation }

  /// The SA that a packet met, in words; nil where it met none, or one of a configuration that is gone.
  package func association(of record: TraceRecord) -> Associations.Words? {
    isCurrent(record) ? associations.words(for: SecureAction(bits: record.action)) : nil
  }

  /// What is in the way of a packet that no SA took: a refusal's own reason is the record's.
  package func policy(of record: TraceRecord) -> (number: Int, policy: PolicyDescription)? {
    let isTold = record.kind == .bypass || record.verdict == .policyDiscard
    guard isTold, isCurrent(record), record.came.hasAddresses else { return nil }
    // What comes from outside is looked up backwards.
    let isTurned = record.origin == .outside
    for (number, policy) in description.classify.policies.enumerated()
    where policy.fits(record.came, isTurned: isTurned) { return (number, policy) }
    return nil
  }

  /// Its neighbour on the link, and the number of the interface.
  package func nextHop(of record: TraceRecord, _ hops: [NextHop]) -> (address: IPAddress, interface: Int)? {
    guard isCurrent(record), hops.indices.contains(Int(record.hop)) else { return nil }
    let hop = hops[Int(record.hop)]
    guard hop.kind == .onLink || hop.kind == .gateway else { return nil }
    let isDirect = hop.kind == .onLink
    let high = isDirect ? record.left.destinationHigh : hop.high
    let low = isDirect ? record.left.destinationLow : hop.low
    let address: IPAddress =
      hop.isIPv6
      ? .v6(IPv6Address(high: high, low: low)) : .v4(IPv4Address(UInt32(truncatingIfNeeded: low)))
    return (address, Int(hop.interface))
  }
}

extension TracedHeaders {
  package var source: IPAddress? { hasAddresses ? address(sourceHigh, sourceLow) : nil }
  package var destination: IPAddress? { hasAddresses ? address(destinationHigh, destinationLow) : nil }

  private func address(_ high: UInt64, _ low: UInt64) -> IPAddress {
    isIPv6 ? .v6(IPv6Address(high: high, low: low)) : .v4(IPv4Address(UInt32(truncatingIfNeeded: low)))
  }
}

extension PolicyDescription {
  fileprivate func fits(_ headers: TracedHeaders, isTurned: Bool) -> Bool {
    guard let from = isTurned ? headers.destination : headers.source,
      let to = isTurned ? headers.source : headers.destination
    else { return false }
    let ports = (
      source: isTurned ? headers.destinationPort : headers.sourcePort,
      destination: isTurned ? headers.sourcePort : headers.destinationPort
    )
    // Without ports only a policy that asks for none fits.
    func fits(_ range: ClosedRange<UInt16>?, _ port: UInt16) -> Bool {
      range.map { headers.hasPorts && $0.contains(port) } ?? true
    }
    return source.contains(from) && destination.contains(to)
      && (protocolNumber.map { $0 == headers.protocolNumber } ?? true) && fits(sourcePorts, ports.source)
      && fits(destinationPorts, ports.destination)
  }
}
