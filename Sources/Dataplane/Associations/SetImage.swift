/// Which life of an SA is meant. The digest tells its keys from others, and nothing of them.
struct StateName: Hashable {
  var spi: UInt32
  var digest: UInt64
}

/// What a work set's SAs have to take along to another member (X21), as values.
struct SetImage: Equatable {
  struct Tunnel: Equatable {
    var isOver = false
    /// The last number that was given out, and how many of them to packets.
    var sequence: UInt64 = 0
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
    /// Since its beginning.
    var ageSeconds: UInt32 = 0
    var opened: UInt64 = 0
    var openedBytes: UInt64 = 0
    var window = WindowImage(highest: 0)
  }

  struct Sender: Equatable {
    var id: UInt16
    var window: WindowImage
  }

  /// Those of a group whose work set it is.
  struct Group: Equatable {
    /// Senders that are not in the list may have had windows that nobody knows any more.
    var isClosed = false
    var senders: [Sender] = []
  }

  enum Content: Equatable {
    /// Its numbers are nobody's.
    case lost
    case tunnel(Tunnel)
    case group(Group)
  }

  struct Record: Equatable {
    var name: StateName
    var content: Content
  }

  var set: Int
  /// There was no room for all: what is not in the list is lost.
  var isIncomplete = false
  var records: [Record] = []

  /// Of all records together, as they travel.
  static let mostOctets = 1 << 16
}
