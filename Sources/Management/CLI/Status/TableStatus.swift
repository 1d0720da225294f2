/// What is left of an SA's life; nil where nothing limits it.
package struct LifetimeLeft: JSONMembers {
  package var seconds: UInt64?
  package var packets: UInt64?
  package var bytes: UInt64?

  package init() {}

  package init(seconds: UInt64?, packets: UInt64? = nil, bytes: UInt64? = nil) {
    self.seconds = seconds
    self.packets = packets
    self.bytes = bytes
  }

  package static var members: [Member<Self>] {
    [Member("seconds", \.seconds), Member("packets", \.packets), Member("bytes", \.bytes)]
  }
}

/// How an SA is.
package enum AssociationState: String, CodedWord {
  case alive
  /// A successor is wanted: it nears the end of its life, or has reached it.
  case ending
  /// Its numbers went with the member that had it: every packet is refused.
  case stateLost
}

/// One SA of a running gateway.
package struct AssociationStatus: JSONMembers {
  package var name = ""
  package var spi: UInt32 = 0
  /// `in`, `out`, or `group`, which is both.
  package var direction = ""
  package var peer = ""
  package var suite = ""
  package var state = AssociationState.alive
  /// Of a group: work sets in which windows of senders went with the member that had them.
  package var lostSets = 0
  package var packets: UInt64 = 0
  package var bytes: UInt64 = 0
  package var sequence: UInt64 = 0
  package var window = 0
  /// Numbers that left the window and never came.
  package var lost: UInt64 = 0
  package var drops = NamedCounts()
  package var left = LifetimeLeft()

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("name", \.name), Member("spi", \.spi), Member("direction", \.direction), Member("peer", \.peer),
      Member("suite", \.suite), Member("state", \.state), Member("lostSets", \.lostSets),
      Member("packets", \.packets), Member("bytes", \.bytes), Member("sequence", \.sequence),
      Member("window", \.window), Member("lost", \.lost), Member("drops", \.drops),
      Member("left", \.left),
    ]
  }
}

package struct RouteStatus: JSONMembers {
  package var network = ""
  /// Nil: straight to the neighbour, or nowhere.
  package var gateway: String?
  /// Nil drops.
  package var interface: String?
  /// Who wanted it: `connected`, `static`, `tunnel`.
  package var origin = ""

  package init() {}

  package init(_ network: String, via gateway: String?, interface: String?, origin: String) {
    self.network = network
    self.gateway = gateway
    self.interface = interface
    self.origin = origin
  }

  package static var members: [Member<Self>] {
    [
      Member("network", \.network), Member("gateway", \.gateway), Member("interface", \.interface),
      Member("origin", \.origin),
    ]
  }
}

package struct NeighbourStatus: JSONMembers {
  package var address = ""
  package var interface = ""
  /// Nil as long as nobody has answered.
  package var mac: String?
  package var state = ""
  package var ageSeconds = 0.0

  package init() {}

  package init(_ address: String, interface: String, mac: String?, state: String, ageSeconds: Double) {
    self.address = address
    self.interface = interface
    self.mac = mac
    self.state = state
    self.ageSeconds = ageSeconds
  }

  package static var members: [Member<Self>] {
    [
      Member("address", \.address), Member("interface", \.interface), Member("mac", \.mac), Member("state", \.state),
      Member("ageSeconds", \.ageSeconds),
    ]
  }
}

/// The configuration that is in force: never a key.
package struct ConfigurationStatus: JSONMembers {
  package var path = ""
  package var ageSeconds = 0.0
  /// As `hauberk check` says it, in words and in JSON.
  package var text = ""
  package var content = JSON.null

  package init() {}

  package static var members: [Member<Self>] {
    [
      Member("path", \.path), Member("ageSeconds", \.ageSeconds), Member("text", \.text), Member("content", \.content),
    ]
  }
}

/// The part of a list that was asked for. A list may be longer than any answer.
package struct Listing<Row: JSONMembers>: JSONMembers {
  package var total: UInt64 = 0
  package var from: UInt64 = 0
  package var rows: [Row] = []

  package init() {}

  package init(total: UInt64, from: UInt64, rows: [Row]) {
    self.total = total
    self.from = from
    self.rows = rows
  }

  /// Out of a list that is there as a whole.
  package init(_ all: some RandomAccessCollection<Row>, _ page: Page) {
    let rest = all.dropFirst(Int(clamping: page.from)).prefix(page.most)
    self.init(total: UInt64(all.count), from: min(page.from, UInt64(all.count)), rows: Array(rest))
  }

  package static var members: [Member<Self>] {
    [Member("total", \.total), Member("from", \.from), Member("rows", \.rows)]
  }
}
