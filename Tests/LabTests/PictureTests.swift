import CLI
import Testing

@testable import Lab

/// The screen, as it stands.
@Suite struct PictureTests {
  /// Three members, of which the first has been killed a moment ago.
  private func view() throws -> LabView {
    var view = try LabView(LabOptions([]))
    view.second = 12.34
    view.members = (1...3).map { number in
      var member = LabView.Member()
      (member.number, member.state, member.isAlive) = (number, number == 1 ? "killed" : "running", number != 1)
      (member.role, member.sets) = (["", "master", "member"][number - 1], [0, 512, 512][number - 1])
      if number > 1 { member.leaseMilliseconds = [148.4, 171][number - 2] }
      return member
    }
    view.members[2].loss = 0.0125
    view.members[2].cut = [.inside]
    (view.master, view.term) = (2, 7)
    view.work = (0..<1024).map { $0 < 512 ? 2 : 3 }
    (view.total.sent, view.total.lost, view.lastSecond.sent) = (24_000, 0, 2000)
    var account = ProbeAccount(rate: 1000, flows: 4, now: 0)
    for number in 0..<100 as Range<UInt64> where account.send(number * 1_000_000) != nil {
      if number >= 40 { account.came(number) }
    }
    account.judge(10_000_000_000)
    view.since = ("kill 1", 2.4, account.total)
    view.events = [LabView.Event(second: 9.94, text: "member 1, the master, is killed")]
    return view
  }

  private func text(_ view: LabView, rows: Int, columns: Int) -> String {
    LabPicture(view: view, rows: rows, columns: columns, isColoured: false).lines.map { line in
      let text = LabPicture.text(line, isColoured: false)
      return String(text.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }

  @Test func `members, probes, the map and what has happened`() throws {
    let map = (0..<16).map { row in
      Format.right("\(row * 64)", 4) + "  " + String(repeating: row < 8 ? "2" : "3", count: 64)
    }
    #expect(
      text(try view(), rows: 40, columns: 100) == """
        hauberk lab  12.3 s  member 2 is master, term 7  2000/s in 32 flows, pace normal

        member  state      role      sets     lease    loss
             1  killed     -            0         -       -
             2  running    master     512    148 ms       -   ██████████
             3  running    member     512    171 ms   1.3 %   inside cable pulled

        probes                             sent    lost   twice   outage
        last second                       2 000       0       0        -
        since kill 1, 2 s                   100      40       0    40 ms  in 4 flows
        all                              24 000       0       0        -

        \(map.joined(separator: "\n"))
              a character is a work set, and says whose it is; ~ is on its way, . is nobody's

            9.9 s  member 1, the master, is killed
        """)
  }

  @Test(arguments: [(1, 1), (5, 20), (12, 40), (22, 80), (24, 200), (60, 250)])
  func `a picture is never larger than the terminal`(_ rows: Int, _ columns: Int) throws {
    for count in [3, 16] {
      var view = try view()
      view.events = (0..<100).map { LabView.Event(second: Double($0), text: String(repeating: "x", count: 300)) }
      view.members = (0..<count).map { view.members[$0 % 3] }
      for isHelping in [false, true] {
        view.isHelping = isHelping
        let lines = LabPicture(view: view, rows: rows, columns: columns, isColoured: count == 3).lines
        #expect(lines.count <= rows && !lines.isEmpty)
        #expect(lines.allSatisfy { $0.map(\.text).joined().count <= columns })
      }
    }
  }

  @Test func `where there is less room the map is wider, or two sets are one character, or it is not there`() throws {
    var view = try view()
    (view.work[5], view.work[300], view.pending) = (3, nil, [1000])
    #expect(text(view, rows: 40, columns: 80).contains("   0  222223222"))
    #expect(text(view, rows: 40, columns: 80).contains("22.22") && text(view, rows: 40, columns: 80).contains("33~33"))
    let wide = text(view, rows: 24, columns: 140).split(separator: "\n")
    #expect(wide.contains("   0  22222" + "3" + String(repeating: "2", count: 122)))
    #expect(
      text(view, rows: 22, columns: 80).contains("a larger terminal")
        && !text(view, rows: 22, columns: 80).contains("222"))
    let low = LabPicture(view: view, rows: 22, columns: 80, isColoured: true).lines
    let map = low.filter { $0.dropFirst().first?.text.first == "▀" }
    #expect(map.count == 8 && map.allSatisfy { $0.dropFirst().map(\.text).joined().count == 64 })
    #expect(map[0][2] == LabPicture.Piece(text: "▀", ink: .pair(3, 2)) && low.count == 21)
    #expect(low.last?.map(\.text).joined().contains("is killed") == true)
  }

  @Test func `colours change no letter, and without them there is nothing but letters`() throws {
    let lines = try LabPicture(view: view(), rows: 40, columns: 100, isColoured: true).lines
    let coloured = lines.map { LabPicture.text($0, isColoured: true) }.joined(separator: "\n")
    let plain = lines.map { LabPicture.text($0, isColoured: false) }.joined(separator: "\n")
    #expect(coloured.contains("\u{1b}[") && !plain.contains("\u{1b}"))
    #expect(coloured.replacing(/\u{1b}\[[0-9;]*m/, with: "") == plain)
    let frame = try LabScreen.frame(view(), "kill", rows: 24, columns: 80, isColoured: false)
    #expect(frame.hasSuffix("\u{1b}[24;1H> kill\u{1b}[K\u{1b}[?25h"))
  }
}
