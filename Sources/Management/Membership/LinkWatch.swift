internal import CKernel
internal import Cluster
internal import Contract
internal import ControlKit

/// What the kernel says of our two links, for the cluster's thread: it does so at once, and others hear silence late.
final class LinkWatch {
  /// Can be read when the kernel has news. Below 0 where it would not say: then links are looked at now and then.
  let descriptor = hauberk_link_watch()
  private let interval: Nanoseconds
  private var isMissing = [false, false]
  private var nextLook: Moment = 0

  init(_ profile: Profile) { interval = profile.detection / 4 }

  deinit { if descriptor >= 0 { hauberk_control_close(descriptor) } }

  /// What has changed since the last look.
  func look(_ ports: [ControlPort], _ now: Moment) -> [Happening] {
    let isNews = descriptor >= 0 && hauberk_link_take(descriptor)
    guard isNews || now >= nextLook else { return [] }
    nextLook = now + interval
    return ports.indices.compactMap { place in
      let isOut = !ports[place].hasLink
      guard isOut != isMissing[place] else { return nil }
      isMissing[place] = isOut
      return isOut ? .unplugged(ports[place].side) : .plugged(ports[place].side)
    }
  }
}
