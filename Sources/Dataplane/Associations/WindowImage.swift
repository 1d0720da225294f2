/// What of a replay window goes along with a work set: the highest number, and which below it have not been seen. By
/// number and not by place, so that windows of other sizes understand it.
struct WindowImage: Equatable {
  /// 64 numbers, of which some have not been seen. The first word ends in the highest number; a number's bit in `missing`
  /// is the higher, the higher the number is.
  struct Gap: Equatable {
    var word: UInt16
    var missing: UInt64
  }

  var highest: UInt64
  var lost: UInt64 = 0
  /// The newest first. What is left of the last one counts as seen, whether it was or not.
  var gaps: [Gap] = []

  /// The newest part: who sends in order has none at all.
  static let mostGaps = 128
  static let mostWords = ReplayWindow.sizes.upperBound / 64
}

extension ReplayWindow {
  func image(mostGaps: Int) -> WindowImage {
    var image = WindowImage(highest: highest, lost: lost)
    var word = 0
    while word < size / 64, image.gaps.count < mostGaps {
      let missing = ~seen(endingWith: highest &- UInt64(64 * word))
      if missing != 0 { image.gaps.append(WindowImage.Gap(word: UInt16(word), missing: missing)) }
      word += 1
    }
    return image
  }

  /// Whether its numbers can be this window's.
  func fits(_ image: WindowImage) -> Bool {
    isExtended || image.highest <= UInt64(UInt32.max)
  }

  var isExtended: Bool { head.pointee.isExtended }

  /// As the image has it, unless that is older than what this window knows itself: numbers do not go back.
  func take(_ image: WindowImage) {
    guard isClosed || highest <= image.highest else { return }
    head.pointee.isClosed = false
    head.pointee.highest = image.highest
    head.pointee.lost = image.lost
    words.update(repeating: .max, count: size / 64)
    for gap in image.gaps where Int(gap.word) < size / 64 {
      forget(gap.missing, endingWith: image.highest &- UInt64(64 * Int(gap.word)))
    }
  }

  private func place(_ number: UInt64) -> UnsafeMutablePointer<UInt64> {
    words + Int((number & head.pointee.mask) >> 6)
  }

  /// The last of 64 numbers has the highest bit. In a ring of 64 the two words are one.
  private func seen(endingWith number: UInt64) -> UInt64 {
    let beyond = 63 - number & 63
    let upper = place(number).pointee << beyond
    return beyond == 0 ? upper : upper | place(number &- 63).pointee >> (64 - beyond)
  }

  /// Everything at and before the start counts as seen.
  private func forget(_ missing: UInt64, endingWith number: UInt64) {
    var missing = missing
    if number > highest { return }
    if number < 64 { missing &= ~(.max >> number) }
    let beyond = 63 - number & 63
    place(number).pointee &= ~(missing >> beyond)
    if beyond > 0 { place(number &- 63).pointee &= ~(missing << (64 - beyond)) }
  }
}
