import Testing
import Wire

@testable import CLI

/// What `hauberk identity` takes.
@Suite struct IdentityOptionTests {
  private func refusal(_ words: String) -> String? {
    do {
      _ = try IdentityOptions(words.split(separator: " ").map(String.init))
      return nil
    } catch {
      return error.code == .usage ? error.description : "another: \(error)"
    }
  }

  @Test func `each action has options of its own`() throws {
    guard
      case .unit(let order) = try IdentityOptions(
        [
          "unit", "--authority", "a", "--number", "63", "--address", "192.0.2.1", "--address=2001:db8::1", "--out",
          "u.pem",
        ])
    else {
      Issue.record("no unit")
      return
    }
    #expect(order.number == 63 && order.addresses.count == 2 && order.days == 365 && !order.isForced)
    #expect(order.publicKey == nil && order.file == "u.pem" && order.authority == "a")
    guard
      case .authority("n", "d", 3650, true) = try IdentityOptions([
        "--force", "authority", "--cluster", "n", "--out", "d",
      ])
    else {
      Issue.record("no authority")
      return
    }
    guard case .revoke("a", .serial("0aff")) = try IdentityOptions(["revoke", "--authority", "a", "--serial", "0AFF"])
    else {
      Issue.record("no revocation")
      return
    }
    #expect(refusal("show f --json") == nil && refusal("revoke --authority a --number 0") == nil)
  }

  @Test func `what does not belong to an action is refused`() {
    #expect(refusal("")?.contains("authority, unit, revoke, show") == true)
    #expect(refusal("shw f")?.contains("did you mean 'show'?") == true)
    #expect(refusal("show f --force")?.contains("--force") == true)
    #expect(refusal("show f g") != nil && refusal("show") != nil && refusal("revoke x --authority a --number 1") != nil)
    #expect(refusal("revoke --authority a --number 1 --serial 00") != nil && refusal("revoke --authority a") != nil)
    #expect(refusal("unit --authority a --number 3 --out u")?.contains("--address") == true)
    #expect(refusal("unit --authority a --number 64 --address 192.0.2.1 --out u")?.contains("0 to 63") == true)
    #expect(refusal("unit --authority a --number 3 --address x --out u")?.contains("'x'") == true)
    #expect(refusal("authority --cluster n --out d --days 0") != nil)
  }
}
