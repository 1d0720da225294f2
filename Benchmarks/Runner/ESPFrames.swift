import CBaseline
import CKernel
import Glibc
import Memory

/// How long packets are, as IPv4 counts.
enum ESPLengths {
  case fixed(UInt32)
  /// 64, 594 and 1420 bytes, seven to four to one, in no order that a branch predictor would learn soon.
  case mixed

  static let all: [ESPLengths] = [.fixed(64), .fixed(256), .fixed(512), .fixed(1420), .mixed]

  var name: String {
    switch self {
    case .fixed(let length): "\(length)"
    case .mixed: "IMIX"
    }
  }

  func lengths(count: Int) -> [UInt32] {
    switch self {
    case .fixed(let length): return Array(repeating: length, count: count)
    case .mixed:
      let dozen: [UInt32] = [64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1420]
      var all = (0..<count).map { dozen[$0 % 12] }
      var state: UInt64 = 1
      for index in stride(from: count - 1, to: 0, by: -1) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        all.swapAt(index, Int(state >> 33) % (index + 1))
      }
      return all
    }
  }
}

/// A thousand frames that are sealed or opened in place, and made anew before each pass. What is restored is the same
/// for whoever works on them; CBaselineESP.h says why it is done so.
final class ESPFrames {
  static let count = 1024
  /// An odd number of cache lines, like the arena's frames.
  private static let frameStride = 2112
  private static let offset = 192
  private static let pristineStride = 1536

  let gateway: OpaquePointer
  let peer: OpaquePointer
  let frames: UnsafeMutablePointer<baseline_frame>
  let associations: UnsafeMutablePointer<UInt32>
  private let sas: Int
  private let lengths: [UInt32]
  /// The frames lie in an arena like all others, so that references can name them.
  let packets: PacketMemory
  /// The same frames, as the pipeline names them.
  let refs: UnsafeMutablePointer<PacketRef>
  private let memory: UnsafeMutablePointer<UInt8>
  private let pristine: UnsafeMutablePointer<UInt8>
  private var sealedLengths: [UInt32] = []
  private let verdicts: UnsafeMutablePointer<UInt8>

  /// SAs in turn need several passes.
  var passes: Int { max(1, sas / Self.count) }

  init?(sas: Int, _ lengths: ESPLengths) {
    guard let gateway = baseline_esp_create(UInt32(sas), 0, 0), let peer = baseline_esp_create(UInt32(sas), 0, 1),
      let packets = try? PacketMemory(Self.sizes, near: nil),
      let pristine = hauberk_map_aligned(Self.hugePages(max(sas, Self.count) * Self.pristineStride))
    else { return nil }
    self.gateway = gateway
    self.peer = peer
    self.sas = sas
    self.lengths = lengths.lengths(count: Self.count)
    self.packets = packets
    memory = packets.addresses.address(start: 0).assumingMemoryBound(to: UInt8.self)
    refs = .allocate(capacity: Self.count)
    refs.initialize(repeating: PacketRef(position: 0, offset: 0, length: 0), count: Self.count)
    self.pristine = pristine.assumingMemoryBound(to: UInt8.self)
    frames = .allocate(capacity: Self.count)
    frames.initialize(repeating: baseline_frame(), count: Self.count)
    associations = .allocate(capacity: Self.count)
    associations.initialize(repeating: 0, count: Self.count)
    verdicts = .allocate(capacity: Int(BASELINE_BURST))
    verdicts.initialize(repeating: 0, count: Int(BASELINE_BURST))
    for pass in 0..<passes { sealAhead(pass) }
  }

  deinit {
    baseline_esp_destroy(gateway)
    baseline_esp_destroy(peer)
    packets.deallocate()
    refs.deallocate()
    munmap(pristine, Self.hugePages(max(sas, Self.count) * Self.pristineStride))
    frames.deallocate()
    associations.deallocate()
    verdicts.deallocate()
  }

  private static let sizes: PacketMemorySizes = {
    var sizes = PacketMemorySizes()
    sizes.frames = count
    sizes.largeFrames = 4
    return sizes
  }()

  /// What the baseline calls a frame, as the pipeline calls it.
  private func name(_ index: Int) {
    let frame = frames[index]
    let start = index * Self.frameStride
    refs[index] = PacketRef(
      position: UInt32(start) / FrameAddresses.unit,
      offset: UInt16(frame.data - (memory + start)), length: frame.length)
  }

  private static func hugePages(_ bytes: Int) -> Int {
    let page = Int(HAUBERK_HUGE_PAGE_BYTES)
    return (bytes + page - 1) / page * page
  }

  private func association(_ pass: Int, _ index: Int) -> UInt32 { UInt32((pass * Self.count + index) % sas) }

  private func sealAhead(_ pass: Int) {
    for index in 0..<Self.count {
      baseline_esp_fill(
        gateway, frames + index, memory + index * Self.frameStride + Self.offset, lengths[index],
        association(pass, index), UInt32(index))
    }
    for first in stride(from: 0, to: Self.count, by: Int(BASELINE_BURST)) {
      _ = baseline_esp_seal(gateway, frames + first, UInt32(BASELINE_BURST), verdicts)
    }
    for index in 0..<Self.count {
      let copy = pristine + (pass * Self.count + index) * Self.pristineStride
      copy.update(from: frames[index].data, count: Int(frames[index].length))
      sealedLengths.append(frames[index].length)
    }
  }

  /// Packets to seal.
  func restorePlain(_ pass: Int) {
    for index in 0..<Self.count {
      let association = association(pass, index)
      associations[index] = association
      baseline_esp_restore(
        gateway, frames + index, memory + index * Self.frameStride + Self.offset, lengths[index], association,
        UInt32(index))
      name(index)
    }
  }

  /// Packets to open, whose numbers begin again whenever all have been opened.
  func restoreSealed(_ pass: Int) {
    for index in 0..<Self.count {
      associations[index] = association(pass, index)
      let slot = pass % passes * Self.count + index
      let length = sealedLengths[slot]
      let start = memory + index * Self.frameStride + Self.offset - Int(BASELINE_ESP_GROWTH)
      start.update(from: pristine + slot * Self.pristineStride, count: Int(length))
      frames[index] = baseline_frame(data: start, length: length)
      name(index)
    }
  }
}
