package import Contract
import Synchronization

/// What a work set's SAs take along when the set moves to another member (X21): sequence numbers, windows, lifetimes. The
/// cluster's thread reads and writes them while no worker of this member works on the set.
///
/// A worker sees what was written by the table that gives it the set (edge ownership.content), and what a worker wrote is
/// seen here by the tables that all of them have adopted (edge table.adopted). The lock is between the cluster's thread and
/// the one that reloads, which takes it for one set at a time and for no more than a set's numbers; who waits for it lends
/// its priority. No worker ever takes it.
package final class SetStates: Sendable {
  fileprivate struct State {
    var index: StateIndex
    /// Of the generation before, as long as workers may still go by it.
    var leaving: Leaving?
    /// By set: what came for keys that are not in force here, and numbers of keys that were. While a reload goes from
    /// member to member, the next owner may be one who has them.
    var strays: [Int: [SetImage.Record]] = [:]
  }

  fileprivate struct Leaving {
    var tunnels: [[StateIndex.Tunnel]]
    var groups: [StateIndex.Group]
  }

  private let state: Mutex<State>

  /// How many lives of one SPI, besides the one in force, are passed on: members are no more reloads than that apart.
  static let mostStrays = 2

  package static var mostOctets: Int { SetImage.mostOctets }

  package init(_ associations: Associations) { state = Mutex(State(index: StateIndex(associations))) }

  // The cluster's thread

  /// Nil where there is nothing to take along.
  package func octets(of set: Int) -> [UInt8]? {
    state.withLock { state in
      let image = state.image(of: set)
      return image.isIncomplete || !image.records.isEmpty ? image.octets : nil
    }
  }

  /// False: malformed, and nothing has changed.
  package func take(_ octets: [UInt8], of set: Int) -> Bool {
    guard let image = SetImage(octets, of: set) else { return false }
    return state.withLock { $0.take(image) }
  }

  package func begin(_ set: Int, _ how: Beginning) { begin([set], how) }

  package func begin(_ sets: some Sequence<Int>, _ how: Beginning) {
    // What nobody ever had is as it was made, and what was carried has been taken.
    guard how == .bereft else { return }
    state.withLock { state in
      // Once for all of them: after a death there are hundreds, and senders may be thousands.
      let groups = state.groups.map { ($0, $0.senders) }
      for set in sets {
        state.strays[set] = nil
        for tunnel in state.tunnels(of: set) { tunnel.close() }
        for (group, senders) in groups { group.close(set, senders[set] ?? []) }
      }
    }
  }

  // The thread that reloads

  /// Before workers go by the next generation. Those that are new in it begin anew, but for numbers that came for them.
  package func enter(_ associations: Associations) {
    let next = StateIndex(associations)
    let old = state.withLock { $0.index }
    let leaving = Leaving(
      tunnels: (0..<WorkSets.count).map { set in
        let kept = Set(next.tunnels[set].map { ObjectIdentifier($0.life) })
        return old.tunnels[set].filter { !kept.contains(ObjectIdentifier($0.life)) }
      }, groups: old.groups.filter { group in !next.groups.contains { $0.life === group.life } })
    state.withLock { state in
      state.leaving = leaving
      state.index = next
      state.useStrays(notIn: old)
    }
  }

  /// When no worker goes by the generation before any more. Its last numbers are somebody's who has not reloaded yet.
  package func leave() {
    for set in 0..<WorkSets.count { state.withLock { $0.retireTunnels(of: set) } }
    state.withLock { state in
      state.retireGroups()
      state.leaving = nil
    }
  }
}

extension SetStates.State {
  func tunnels(of set: Int) -> [StateIndex.Tunnel] { index.tunnels[set] + (leaving?.tunnels[set] ?? []) }

  var groups: [StateIndex.Group] { index.groups + (leaving?.groups ?? []) }

  /// Everything that fits, windows as far as they do.
  func image(of set: Int) -> SetImage {
    let tunnels = tunnels(of: set), strays = strays[set] ?? []
    let senders = groups.map { ($0, $0.senders(in: set)) }
    let windows = tunnels.count + senders.reduce(0) { $0 + $1.1.count }
    let least =
      SetImage.headOctets + tunnels.count * (SetImage.recordOctets + SetImage.tunnelOctets)
      + senders.reduce(0) { $0 + SetImage.recordOctets + SetImage.groupOctets + $1.1.count * SetImage.senderOctets }
      + strays.reduce(0) { $0 + $1.octetCount }
    let room = max(0, SetImage.mostOctets - least) / (WindowImage.gapOctets * max(1, windows))
    let mostGaps = min(WindowImage.mostGaps, room)
    var image = SetImage(set: set), octets = SetImage.headOctets
    func add(_ record: SetImage.Record) {
      octets += record.octetCount
      if octets <= SetImage.mostOctets { image.records.append(record) } else { image.isIncomplete = true }
    }
    for tunnel in tunnels { add(tunnel.record(mostGaps: mostGaps, epoch: index.epoch)) }
    for (group, ids) in senders {
      if let record = group.record(ids, in: set, mostGaps: mostGaps) { add(record) }
    }
    let known = Set(tunnels.map(\.name) + groups.map(\.name))
    for record in strays where !known.contains(record.name) { add(record) }
    return image
  }

  mutating func take(_ image: SetImage) -> Bool {
    let set = image.set, tunnels = tunnels(of: set), groups = groups
    let records = Dictionary(uniqueKeysWithValues: image.records.map { ($0.name, $0.content) })
    // All of it or nothing.
    for tunnel in tunnels { if let content = records[tunnel.name], !tunnel.fits(content) { return false } }
    for group in groups { if let content = records[group.name], !group.fits(content, of: set) { return false } }
    let missing: SetImage.Content? = image.isIncomplete ? .lost : nil
    for tunnel in tunnels {
      if let content = records[tunnel.name] ?? missing { tunnel.take(content, epoch: index.epoch) }
    }
    for group in groups {
      if let content = records[group.name] ?? missing { group.take(content, of: set) }
    }
    let known = Set(tunnels.map(\.name) + groups.map(\.name))
    strays[set] = nil
    for record in image.records where !known.contains(record.name) { addStray(record, of: set) }
    return true
  }

  mutating func addStray(_ record: SetImage.Record, of set: Int) {
    var list = strays[set] ?? []
    list.removeAll { $0.name == record.name }
    let same = list.indices.filter { list[$0].name.spi == record.name.spi }
    if same.count >= SetStates.mostStrays { list.remove(at: same[0]) }
    list.append(record)
    strays[set] = list
  }

  /// Numbers that came for keys that are in force only now.
  mutating func useStrays(notIn old: StateIndex) {
    for (set, list) in strays {
      let before = Set(
        old.tunnels[set].map { ObjectIdentifier($0.life) } + old.groups.map { ObjectIdentifier($0.life) })
      strays[set] = list.filter { record in
        for tunnel in index.tunnels[set]
        where tunnel.name == record.name && !before.contains(ObjectIdentifier(tunnel.life)) {
          if tunnel.fits(record.content) { tunnel.take(record.content, epoch: index.epoch) } else { tunnel.close() }
          return false
        }
        for group in index.groups where group.name == record.name && !before.contains(ObjectIdentifier(group.life)) {
          if group.fits(record.content, of: set) { group.take(record.content, of: set) } else { group.close(set) }
          return false
        }
        return true
      }
    }
  }

  mutating func retireTunnels(of set: Int) {
    guard let tunnels = leaving?.tunnels[set], !tunnels.isEmpty else { return }
    for tunnel in tunnels { addStray(tunnel.record(mostGaps: WindowImage.mostGaps, epoch: index.epoch), of: set) }
    leaving?.tunnels[set] = []
  }

  mutating func retireGroups() {
    for group in leaving?.groups ?? [] {
      let senders = group.senders
      for set in 0..<WorkSets.count {
        let record = group.record(senders[set] ?? [], in: set, mostGaps: WindowImage.mostGaps)
        if let record { addStray(record, of: set) }
      }
    }
  }
}
