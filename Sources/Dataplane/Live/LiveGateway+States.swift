package import Contract

/// What SAs take along when a work set moves from member to member (X21). For the cluster's thread, which waits here for no
/// worker, and for the thread that reloads no longer than for the numbers of one set.
extension LiveGateway {
  /// The most octets that a set's state has.
  package static var mostStateOctets: Int { SetStates.mostOctets }

  /// What the next owner needs, once no worker works on the set any more. Nil where there is nothing to take along.
  package func stateOfSet(_ set: Int) -> [UInt8]? { states?.octets(of: set) }

  /// What its last owner had to say, before the set begins here. False: it makes no sense, and nothing has changed.
  package func take(_ octets: [UInt8], ofSet set: Int) -> Bool { states?.take(octets, of: set) ?? true }

  /// Before the table that gives the sets to workers here is published.
  package func beginSets(_ sets: some Sequence<Int>, _ how: Beginning) { states?.begin(sets, how) }
}
