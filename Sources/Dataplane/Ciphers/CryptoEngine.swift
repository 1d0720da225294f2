import CCrypto
package import Contract

package struct CryptoError: Error, CustomStringConvertible {
  package let description: String
}

/// Who computes. Chosen once, at start, and shown.
package struct CryptoEngine: Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    case openSSL = "openssl"
    case ipsecMB = "ipsec-mb"

    var number: Int32 {
      switch self {
      case .openSSL: Int32(HAUBERK_ENGINE_OPENSSL)
      case .ipsecMB: Int32(HAUBERK_ENGINE_IPSEC_MB)
      }
    }

    /// Whether it was built in, and this processor can run it.
    package var isHere: Bool {
      hauberk_crypto_start()
      return hauberk_engine_is_here(number)
    }
  }

  package let kind: Kind
  /// How many threads will use its keys, each with a lane of its own.
  package let lanes: Int

  /// The fastest engine that is here, or the one that is forced.
  package init(forced: Kind? = nil, lanes: Int) throws(CryptoError) {
    precondition(lanes >= 1 && lanes <= Int(HAUBERK_MOST_LANES), "1...64 lanes")
    if let forced, !forced.isHere {
      throw CryptoError(description: "the engine \(forced.rawValue) is not here: \(Self.words(forced))")
    }
    kind = forced ?? (Kind.ipsecMB.isHere ? .ipsecMB : .openSSL)
    self.lanes = lanes
  }

  /// Name, version, and which instructions of the processor it uses.
  package var name: String { Self.words(kind) }

  /// Why all lanes share one copy of the engine's code; nil: they need not. Known once the lanes are made.
  package var copyRefusal: String? { hauberk_engine_copy_refusal(kind.number).map { String(cString: $0) } }

  private static func words(_ kind: Kind) -> String {
    hauberk_crypto_start()
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
      guard let start = text.baseAddress else { return kind.rawValue }
      text.initialize(repeating: 0)
      _ = hauberk_engine_words(kind.number, start, text.count)
      return String(cString: start)
    }
  }

  /// Who does the bursts of this suite: ipsec-mb does all. A single packet with an HMAC goes over OpenSSL even there.
  package func kind(for suite: CipherSuite) -> Kind { kind }

  package func lane(_ number: Int) throws(CryptoError) -> CryptoLane {
    precondition(number >= 0 && number < lanes, "no such lane")
    guard let lane = hauberk_lane_make(kind.number, UInt32(number)) else {
      throw CryptoError(description: "no memory for a lane of \(name)")
    }
    return CryptoLane(lane)
  }

  /// A key out of the keying material: cipher key, salt, integrity key. The caller wipes `material`.
  package func key(
    _ suite: CipherSuite, _ use: CipherKey.Use, material: UnsafeRawBufferPointer
  ) throws(CryptoError) -> CipherKey {
    guard material.count == suite.materialBytes else {
      throw CryptoError(
        description: "\(suite) takes \(suite.materialBytes) octets of keying material, not \(material.count)")
    }
    var form = hauberk_suite(
      cipher: suite.cipher.rawValue, integrity: suite.integrity.rawValue, key_bytes: UInt8(suite.keyBits / 8),
      salt_bytes: UInt8(suite.saltBytes), integrity_key_bytes: UInt8(suite.integrity.keyBytes),
      tag_bytes: UInt8(suite.tagBytes))
    let bytes = material.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard
      let key = hauberk_key_make(kind.number, &form, use.number, UInt32(lanes), bytes, material.count)
    else { throw CryptoError(description: "no memory for a key of \(suite)") }
    return CipherKey(key)
  }
}

/// What one thread needs to use keys. Two threads never share one.
package struct CryptoLane: BitwiseCopyable, @unchecked Sendable {
  let lane: OpaquePointer

  init(_ lane: OpaquePointer) { self.lane = lane }

  package func destroy() { hauberk_lane_destroy(lane) }

  /// Where the code of the engine lies that this lane calls: lanes that call the same code of ipsec-mb write to one line.
  package var code: UnsafeRawPointer? { hauberk_lane_code(lane) }

  /// Sixteen octets that nobody can predict, for CBC (RFC 3602, 3).
  @inline(__always)
  package func writeUnpredictableIV(to slot: UnsafeMutableRawPointer) -> Bool {
    hauberk_unpredictable_iv(lane, slot.assumingMemoryBound(to: UInt8.self))
  }
}
