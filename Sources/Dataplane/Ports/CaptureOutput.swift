import CPcap
import Glibc
package import Memory

/// What was kept, as a pcap file of the input's link type and time stamps.
package final class CaptureOutput {
  package enum Target: Sendable {
    case path(String)
    case standardOutput

    package var name: String {
      switch self {
      case .path(let path): path
      case .standardOutput: "standard output"
      }
    }
  }

  private let target: Target
  private let memory: PacketMemory
  private let file: UnsafeMutablePointer<FILE>
  private let pcap: OpaquePointer
  private let dumper: OpaquePointer
  private let hasNanoseconds: Bool
  /// Packets were made or changed here: what they were on another wire says nothing any more.
  private let hasOwnLengths: Bool
  package private(set) var fault: CaptureError?

  package init(
    _ target: Target, linkNumber: Int32, snapshotLength: Int32, hasNanoseconds: Bool, hasOwnLengths: Bool = false,
    memory: PacketMemory
  ) throws(CaptureError) {
    self.target = target
    self.memory = memory
    self.hasNanoseconds = hasNanoseconds
    self.hasOwnLengths = hasOwnLengths
    let opened: UnsafeMutablePointer<FILE>? =
      switch target {
      case .path(let path): fopen(path, "we")
      case .standardOutput: fdopen(dup(1), "w")
      }
    guard let file = opened else { throw Self.error(target) }
    setvbuf(file, nil, _IOFBF, 1 << 20)
    let precision = UInt32(hasNanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO)
    guard let pcap = pcap_open_dead_with_tstamp_precision(linkNumber, snapshotLength, precision),
      let dumper = pcap_dump_fopen(pcap, file)
    else { throw Self.error(target) }
    self.file = file
    self.pcap = pcap
    self.dumper = dumper
  }

  private static func error(_ target: Target) -> CaptureError {
    // A reader that stops reading is not worth a sentence.
    if errno == EPIPE { return CaptureError(kind: .unwritable, description: "") }
    return CaptureError(
      kind: .unwritable, description: "cannot write \(target.name): \(String(cString: strerror(errno)))")
  }

  package func write(_ ref: PacketRef) {
    guard fault == nil else { return }
    let header = memory.header(of: ref).pointee
    var record = pcap_pkthdr()
    record.ts.tv_sec = Int(header.seconds)
    record.ts.tv_usec = Int(hasNanoseconds ? header.nanoseconds : header.nanoseconds / 1000)
    record.caplen = ref.length
    record.len = hasOwnLengths ? ref.length : header.wireLength
    let bytes = memory.address(of: ref).assumingMemoryBound(to: UInt8.self)
    pcap_dump(UnsafeMutableRawPointer(dumper).assumingMemoryBound(to: UInt8.self), &record, bytes)
  }

  /// libpcap does not say when a write fails; the file does.
  package func check() {
    if fault == nil, ferror(file) != 0 { fault = Self.error(target) }
  }

  package func close() {
    if fault == nil, fflush(file) != 0 { fault = Self.error(target) }
    pcap_dump_close(dumper)
    pcap_close(pcap)
  }
}
