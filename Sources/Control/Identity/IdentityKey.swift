internal import CCrypto

/// An Ed25519 key, held ready: nothing is parsed for a message.
@safe
final class IdentityKey: Sendable {
  /// Never changes, and OpenSSL lets any thread use it.
  private nonisolated(unsafe) let handle: OpaquePointer
  let publicOctets: [UInt8]

  /// Takes the handle over.
  init(_ handle: OpaquePointer) {
    unsafe self.handle = unsafe handle
    var octets = [UInt8](repeating: 0, count: Int(HAUBERK_PUBLIC_KEY_BYTES))
    _ = unsafe hauberk_identity_key_octets(handle, &octets)
    publicOctets = octets
  }

  /// A public one. Nil for octets that are none.
  convenience init?(publicOctets octets: [UInt8]) {
    guard octets.count == Int(HAUBERK_PUBLIC_KEY_BYTES), let handle = unsafe hauberk_identity_key_from_octets(octets)
    else { return nil }
    unsafe self.init(handle)
  }

  /// The public key of a PEM text.
  convenience init?(publicPEM text: [UInt8]) {
    let handle = unsafe text.withUnsafeBytes { text in
      unsafe hauberk_identity_key_from_pem(text.baseAddress?.assumingMemoryBound(to: CChar.self), text.count)
    }
    guard let handle = unsafe handle else { return nil }
    unsafe self.init(handle)
  }

  /// A new one, with its private half.
  static func made() -> IdentityKey? {
    guard let handle = unsafe hauberk_identity_key_make() else { return nil }
    return unsafe IdentityKey(handle)
  }

  deinit { unsafe hauberk_identity_key_free(handle) }

  func signature(of octets: [UInt8]) -> [UInt8]? {
    var signature = [UInt8](repeating: 0, count: Int(HAUBERK_SIGNATURE_BYTES))
    return unsafe hauberk_identity_sign(handle, octets, octets.count, &signature) ? signature : nil
  }

  func isRight(_ signature: [UInt8], of octets: [UInt8]) -> Bool {
    guard signature.count == Int(HAUBERK_SIGNATURE_BYTES) else { return false }
    return unsafe hauberk_identity_verify(handle, octets, octets.count, signature)
  }

  /// The private half, for the file that it is to lie in.
  func privatePEM() throws(IdentityRefusal) -> String {
    var text = [CChar](repeating: 0, count: 1024)
    defer { unsafe hauberk_wipe(&text, text.count) }
    let length = unsafe hauberk_identity_key_pem(handle, &text, text.count)
    guard length > 0 else { throw IdentityRefusal(.key, "OpenSSL writes no private key on this machine") }
    return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// For C that signs with it.
  func withHandle<Value>(_ body: (OpaquePointer) -> Value) -> Value { unsafe body(handle) }
}
