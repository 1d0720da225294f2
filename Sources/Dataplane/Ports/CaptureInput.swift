import CPcap
import Glibc
package import Wire

/// Why a capture could not be opened or read to its end, in a sentence.
package struct CaptureError: Error, CustomStringConvertible {
  package enum Kind: Sendable { case unreadable, unwritable, damaged, filter }

  package let kind: Kind
  package let description: String
  /// The same in libpcap's words alone.
  let reason: String

  init(kind: Kind, description: String, reason: String = "") {
    self.kind = kind
    self.description = description
    self.reason = reason
  }

  /// libpcap has no code for it, only a word.
  var isTruncation: Bool { reason.split(separator: " ").contains { $0.hasPrefix("truncated") } }
}

/// One packet as libpcap hands it out, valid until the next one is read.
struct CapturedPacket {
  let bytes: UnsafeRawPointer
  let length: Int
  let wireLength: UInt32
  let seconds: Int64
  let nanoseconds: UInt32
}

/// A capture file as libpcap reads it: pcap or pcapng, gzip or not, from a path, standard input or memory.
package final class CaptureInput {
  package enum Source: @unchecked Sendable {
    case path(String)
    case standardInput
    /// Bytes that live as long as the process.
    case embedded(UnsafeRawBufferPointer, name: String)

    package var name: String {
      switch self {
      case .path(let path): path
      case .standardInput: "standard input"
      case .embedded(_, let name): name
      }
    }
  }

  package let source: Source
  package let link: LinkType
  /// What libpcap calls the link type, for the output.
  package let linkNumber: Int32
  package let snapshotLength: Int32
  package let hasNanoseconds: Bool
  private let input: OpaquePointer
  private let pcap: OpaquePointer
  /// The first packet, read ahead: a file that libpcap refuses at once is refused before any output is begun.
  private var ahead: CapturedPacket?
  /// Set when the packets ended before the file did.
  package private(set) var fault: CaptureError?

  package init(_ source: Source, filter: String? = nil) throws(CaptureError) {
    self.source = source
    let descriptor = try Self.descriptor(source)
    var error = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    var isEmpty = false
    guard let input = hauberk_capture_open(descriptor, &error, &isEmpty) else {
      let why = isEmpty ? "it is empty" : Self.text(error)
      throw CaptureError(kind: .unreadable, description: "cannot read \(source.name) as a capture: \(why)")
    }
    let pcap = hauberk_capture_pcap(input)!
    linkNumber = pcap_datalink(pcap)
    guard let link = LinkType(libpcap: linkNumber) else {
      let name = pcap_datalink_val_to_name(linkNumber).map { String(cString: $0) } ?? "number \(linkNumber)"
      let about = pcap_datalink_val_to_description(linkNumber).map { " (\(String(cString: $0)))" } ?? ""
      hauberk_capture_close(input)
      throw CaptureError(
        kind: .unreadable, description: "cannot read \(source.name): link type \(name)\(about) is not supported")
    }
    if let filter {
      do {
        try Self.install(filter, in: pcap)
      } catch {
        hauberk_capture_close(input)
        throw error
      }
    }
    self.input = input
    self.pcap = pcap
    self.link = link
    snapshotLength = pcap_snapshot(pcap)
    hasNanoseconds = hauberk_capture_has_nanoseconds(input)
    ahead = read()
    if let fault, !fault.isTruncation {
      throw CaptureError(kind: .unreadable, description: "cannot read \(source.name): \(fault.reason)")
    }
  }

  deinit { hauberk_capture_close(input) }

  /// One packet, valid until the next call; nil at the end, whether the file's or the readable part's.
  func next() -> CapturedPacket? {
    guard let packet = ahead else { return read() }
    ahead = nil
    return packet
  }

  private func read() -> CapturedPacket? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    guard fault == nil else { return nil }
    switch pcap_next_ex(pcap, &header, &bytes) {
    case 1:
      let header = header!.pointee
      return CapturedPacket(
        bytes: UnsafeRawPointer(bytes!), length: Int(header.caplen), wireLength: header.len,
        seconds: Int64(header.ts.tv_sec), nanoseconds: UInt32(truncatingIfNeeded: header.ts.tv_usec))
    case -1:
      note(String(cString: pcap_geterr(pcap)))
    default:
      if let stream = hauberk_capture_stream_fault(input) { note(String(cString: stream)) }
    }
    return nil
  }

  /// The next packet's bytes, valid until the one after.
  package func nextFrame() -> Bytes? {
    next().map { Bytes($0.bytes, count: $0.length) }
  }

  func refuse(length: Int) { note("a packet of \(length) bytes is longer than any frame") }

  private func note(_ why: String) {
    fault = CaptureError(
      kind: .damaged, description: "\(source.name) ends early: \(why)", reason: why)
  }

  private static func install(_ filter: String, in pcap: OpaquePointer) throws(CaptureError) {
    var program = bpf_program()
    let netmask: UInt32 = 0xffff_ffff  // PCAP_NETMASK_UNKNOWN
    guard pcap_compile(pcap, &program, filter, 1, netmask) == 0 else {
      throw CaptureError(
        kind: .filter, description: "the filter '\(filter)' is wrong: \(String(cString: pcap_geterr(pcap)))")
    }
    defer { pcap_freecode(&program) }
    guard pcap_setfilter(pcap, &program) == 0 else {
      throw CaptureError(
        kind: .filter, description: "the filter '\(filter)' is refused: \(String(cString: pcap_geterr(pcap)))")
    }
  }

  private static func descriptor(_ source: Source) throws(CaptureError) -> Int32 {
    switch source {
    case .standardInput:
      let descriptor = dup(0)
      guard descriptor >= 0 else {
        throw CaptureError(
          kind: .unreadable, description: "cannot read standard input: \(String(cString: strerror(errno)))")
      }
      return descriptor
    case .path(let path):
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      var status = stat()
      if descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        close(descriptor)
        throw CaptureError(kind: .unreadable, description: "cannot read \(path): it is a folder")
      }
      guard descriptor >= 0 else {
        throw CaptureError(
          kind: .unreadable, description: "cannot open \(path): \(String(cString: strerror(errno)))")
      }
      return descriptor
    case .embedded(let bytes, let name):
      // A file in memory, so that there is one way to read.
      let descriptor = hauberk_memory_file()
      guard descriptor >= 0, write(descriptor, bytes.baseAddress!, bytes.count) == bytes.count,
        lseek(descriptor, 0, SEEK_SET) == 0
      else {
        throw CaptureError(
          kind: .unreadable, description: "cannot hold \(name) in memory: \(String(cString: strerror(errno)))")
      }
      return descriptor
    }
  }

  private static func text(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
