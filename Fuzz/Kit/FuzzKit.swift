/// What a driver does with some bytes: nothing comes back, and a broken claim traps.
public typealias FuzzTest = (UnsafePointer<UInt8>?, Int) -> Void

nonisolated(unsafe) private var test: FuzzTest = { _, _ in }

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// libFuzzer's own main wants this name. It is linked but not entered: SwiftPM makes the driver's main the program's.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  test(data, size)
  return 0
}

/// Runs libFuzzer with the program's arguments.
public func fuzz(_ body: @escaping FuzzTest) {
  test = body
  var count = CommandLine.argc
  var arguments = CommandLine.unsafeArgv
  _ = runDriver(&count, &arguments, testOneInput)
}

/// A copy in a heap block of just that size, so that the address sanitizer sees any read past the end.
public func withExactCopy(
  _ data: UnsafePointer<UInt8>?, _ size: Int, _ body: (UnsafeMutableRawPointer) -> Void
) {
  let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1)
  defer { block.deallocate() }
  if let data, size > 0 { block.copyMemory(from: data, byteCount: size) }
  body(block)
}

/// Keeps the compiler from leaving out reads whose result nobody wants.
public struct Sink {
  nonisolated(unsafe) private static var total: UInt64 = 0
  private var sum: UInt64 = 0

  public init() {}
  @inline(__always)
  public mutating func take(_ value: some BinaryInteger) {
    sum = sum &* 31 &+ UInt64(truncatingIfNeeded: value)
  }
  @inline(__always)
  public mutating func take(_ value: Bool) { take(value ? 1 : 0) }
  @inline(never)
  public func keep() { Self.total ^= sum }
}
