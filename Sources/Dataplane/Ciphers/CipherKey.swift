package import CCrypto

/// A key, expanded and ready: the address of memory that is locked, left out of dumps, and wiped by `destroy`.
///
/// A trivial value without a description: there is nothing in it to print but an address.
package struct CipherKey: BitwiseCopyable, @unchecked Sendable {
  /// What it is for. An SA has one direction, and a key that seals opens nothing.
  package enum Use: Sendable {
    case seal, open

    var number: Int32 {
      switch self {
      case .seal: Int32(HAUBERK_USE_SEAL)
      case .open: Int32(HAUBERK_USE_OPEN)
      }
    }
  }

  let key: OpaquePointer

  init(_ key: OpaquePointer) { self.key = key }

  /// When no thread uses it any more.
  package func destroy() { hauberk_key_destroy(key) }

  /// The nonce's first four octets, in the order of the wire; 0 where the suite has no salt.
  package var salt: UInt32 { hauberk_key_salt(key) }
}

/// One payload and what belongs to it: what `seal` and `open` work on.
///
///     | AAD: SPI, sequence number, (IV) | payload, in place | suffix: four octets, not sent | tag |
///
/// With an HMAC the AAD takes in the IV; with GMAC as well (RFC 4543, 3.3); with other AEADs it does not.
package struct CipherText: BitwiseCopyable {
  /// A slot of 16 octets, written as one: ipsec-mb reads it as one, and would wait for two halves to meet.
  var nonce: UnsafeRawPointer
  var aad: UnsafeRawPointer
  var aadLength: Int
  var payload: UnsafeMutableRawPointer
  var length: Int
  var tag: UnsafeMutableRawPointer
  var suffix: UnsafeRawPointer?

  @inline(__always)
  package init(
    nonce: UnsafeRawPointer, aad: UnsafeRawPointer, aadLength: Int, payload: UnsafeMutableRawPointer, length: Int,
    tag: UnsafeMutableRawPointer, suffix: UnsafeRawPointer? = nil
  ) {
    self.nonce = nonce
    self.aad = aad
    self.aadLength = aadLength
    self.payload = payload
    self.length = length
    self.tag = tag
    self.suffix = suffix
  }
}

extension CryptoLane {
  /// Encrypts in place and writes the tag. False, with the text as it was, when key and text do not fit.
  @inline(__always)
  package func seal(_ text: CipherText, with key: CipherKey) -> Bool {
    hauberk_seal(
      lane, key.key, octets(text.nonce), octets(text.aad), text.aadLength, octets(text.payload), text.length,
      octets(text.tag), text.suffix?.assumingMemoryBound(to: UInt8.self))
  }

  /// Checks the tag and decrypts in place. False when the tag is wrong: then no plaintext is left.
  @inline(__always)
  package func open(_ text: CipherText, with key: CipherKey) -> Bool {
    hauberk_open(
      lane, key.key, octets(text.nonce), octets(text.aad), text.aadLength, octets(text.payload), text.length,
      octets(text.tag), text.suffix?.assumingMemoryBound(to: UInt8.self))
  }

  @inline(__always)
  private func octets(_ pointer: UnsafeRawPointer) -> UnsafePointer<UInt8> {
    pointer.assumingMemoryBound(to: UInt8.self)
  }

  @inline(__always)
  private func octets(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8> {
    pointer.assumingMemoryBound(to: UInt8.self)
  }
}

extension CryptoLane {
  /// Each packet for itself: `is_good` says how it went. Mixed keys and suites.
  @inline(__always)
  package func seal(_ packets: UnsafeMutablePointer<hauberk_packet>, count: Int) {
    hauberk_seal_burst(lane, packets, count)
  }

  @inline(__always)
  package func open(_ packets: UnsafeMutablePointer<hauberk_packet>, count: Int) {
    hauberk_open_burst(lane, packets, count)
  }
}

extension CryptoLane {
  @inline(__always)
  func sealPlain(_ jobs: UnsafeMutablePointer<hauberk_job>, count: Int) { hauberk_seal_plain(lane, jobs, count) }

  @inline(__always)
  func openPlain(_ jobs: UnsafeMutablePointer<hauberk_job>, count: Int) { hauberk_open_plain(lane, jobs, count) }
}

extension CipherKey {
  /// Whether its packets may be plain jobs: not 0, and what the job has to say of the key.
  var plainKind: UInt16 { hauberk_key_plain_kind(key) }
}
