import CKernel
import Contract
import Synchronization

// Lives to images and back. Only while no worker works on the set.

extension StateIndex.Tunnel {
  var isLost: Bool { life.outboundState.pointee.end == .stateLost || window.isClosed }

  private var window: ReplayWindow { ReplayWindow(following: life.inboundState) }

  func record(mostGaps: Int, epoch: Int64) -> SetImage.Record {
    if isLost { return SetImage.Record(name: name, content: .lost) }
    let out = life.outboundState.pointee, into = life.inboundState.pointee
    return SetImage.Record(
      name: name,
      content: .tunnel(
        SetImage.Tunnel(
          isOver: out.end == .over, sequence: out.sequence.last, packets: out.packets, bytes: out.bytes,
          ageSeconds: UInt32(clamping: hauberk_seconds() - epoch - Int64(out.origin)), opened: into.packets,
          openedBytes: into.bytes, window: window.image(mostGaps: mostGaps))))
  }

  /// Whether such numbers can be this SA's.
  func fits(_ content: SetImage.Content) -> Bool {
    switch content {
    case .lost: true
    case .tunnel(let tunnel):
      window.fits(tunnel.window) && (window.isExtended || tunnel.sequence <= UInt64(UInt32.max))
    case .group: false
    }
  }

  func take(_ content: SetImage.Content, epoch: Int64) {
    guard case .tunnel(let image) = content else { return close() }
    let out = life.outboundState, into = life.inboundState
    // What no packet has used yet is a guess: as many as there may have been before a restart. What one has used is used,
    // whatever anybody says.
    let own = out.pointee.packets > 0 ? out.pointee.sequence.last : 0
    out.pointee.sequence.resume(
      after: max(image.sequence, own), packets: max(image.packets, out.pointee.packets))
    out.pointee.bytes = max(image.bytes, out.pointee.bytes)
    out.pointee.origin = Int32(clamping: hauberk_seconds() - epoch - Int64(image.ageSeconds))
    // The first packet looks at everything.
    out.pointee.close(image.isOver ? .over : .none)
    into.pointee.packets = image.opened
    into.pointee.bytes = image.openedBytes
    window.take(image.window)
  }

  func close() {
    life.outboundState.pointee.close(.stateLost)
    window.close()
  }
}

extension StateIndex.Group {
  private var windows: SenderWindows { life.windows.pointee }

  /// Those of its senders that have a window in the set, by id.
  func senders(in set: Int) -> [UInt16] {
    var ids: [UInt16] = []
    for number in 0..<windows.sendersSeen {
      let owner = Int(windows.owners[number].load(ordering: .relaxed))
      // Another set's sender may be about to get his.
      if owner > 0, self.set(ofSender: owner - 1) == set { ids.append(UInt16(owner - 1)) }
    }
    return ids.sorted()
  }

  /// All of them, by set.
  var senders: [Int: [UInt16]] {
    var sets: [Int: [UInt16]] = [:]
    for number in 0..<windows.sendersSeen {
      let owner = Int(windows.owners[number].load(ordering: .relaxed))
      if owner > 0 { sets[set(ofSender: owner - 1), default: []].append(UInt16(owner - 1)) }
    }
    return sets.mapValues { $0.sorted() }
  }

  /// Nil where nobody knows anything.
  func record(_ ids: [UInt16], in set: Int, mostGaps: Int) -> SetImage.Record? {
    let isClosed = windows.isClosed(UInt16(set))
    let open = ids.compactMap { id in
      windows.window(of: Int(id)).flatMap { window in
        window.isClosed ? nil : SetImage.Sender(id: id, window: window.image(mostGaps: mostGaps))
      }
    }
    if open.isEmpty, !isClosed { return nil }
    return SetImage.Record(name: name, content: .group(SetImage.Group(isClosed: isClosed, senders: open)))
  }

  func fits(_ content: SetImage.Content, of set: Int) -> Bool {
    switch content {
    case .lost: true
    case .tunnel: false
    case .group(let group):
      group.senders.allSatisfy { sender in
        Int(sender.id) < windows.idCount && self.set(ofSender: Int(sender.id)) == set
          && sender.window.highest <= UInt64(UInt32.max)
      }
    }
  }

  func take(_ content: SetImage.Content, of set: Int) {
    guard case .group(let group) = content else { return close(set) }
    var isClosed = group.isClosed
    // Who is not named and was refused here: nobody knows more of him there.
    if isClosed { close(set) }
    for sender in group.senders {
      if let window = windows.window(of: Int(sender.id)) ?? windows.give(to: Int(sender.id)) {
        window.take(sender.window)
      } else {
        // All are given out. Nobody may take him for a new one, here or where the set goes next.
        isClosed = true
      }
    }
    windows.closed[set] = isClosed ? 1 : 0
  }

  /// Who has a window has it no more, and nobody gets one.
  func close(_ set: Int) { close(set, senders(in: set)) }

  func close(_ set: Int, _ ids: [UInt16]) {
    for id in ids { windows.window(of: Int(id))?.close() }
    windows.closed[set] = 1
  }
}
