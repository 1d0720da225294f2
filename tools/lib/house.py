"""house.py ORDER < MANIFEST: the rules of the house that no compiler checks. Run by tools/lint.

ORDER is the order of Dataplane's folders; MANIFEST is what `swift package dump-package` prints. Prints one line per
violation, `file:line: what`, and exits with 1 if there is one.
"""
import json
import pathlib
import re
import sys

MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 60
# What carries words between the planes.
BRIDGES = {"hauberk", "Membership"}
SKIPPED = {".build", ".git", ".out", "__pycache__", ".swiftpm"}
CODE = {".swift", ".c", ".h", ".py", ".sh"}
# What can reach a socket, a file, a clock or randomness.
IMPURE = {"Glibc", "Musl", "Foundation", "FoundationEssentials", "FoundationNetworking", "Dispatch", "CKernel", "CPcap",
          "CNuma", "CXDP", "Service"}
# What the standard library brings of that without an import.
CHANCE = re.compile(r"\bSystemRandomNumberGenerator\b|\.random\(|\.(?:shuffle|shuffled|randomElement)\(|"
                    r"\b(?:Continuous|Suspending)Clock\b|\bHasher\b")

problems = []


def report(path, line, text):
    problems.append((str(path), line, text))


def line_of(text, position):
    return text.count("\n", 0, position) + 1


TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|#"""(?s:.*?)"""#|"""(?s:.*?)"""|#"[^\n]*?"#|"(?:\\.|[^"\\\n])*"', re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """The text with comments and literals blanked, every line and column where it was."""
    return TOKENS.sub(blank, text)


def all_files():
    for path in sorted(pathlib.Path(".").rglob("*")):
        if path.is_file() and not path.is_symlink() and not SKIPPED.intersection(path.parts):
            data = path.read_bytes()
            if b"\0" not in data[:8192]:
                yield path, data.decode("utf-8", "replace")


def is_code(path, text):
    return path.suffix in CODE or (not path.suffix and text.startswith("#!"))


# Layers


IMPORT = re.compile(r"^(?:@\w+(?:\(\w+\))?\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?"
                    r"import\s+(?:(?:struct|class|enum|func|protocol|typealias|let|var)\s+)?(\w+)", re.M)


def modules(floor):
    folder = pathlib.Path("Sources") / floor
    return {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()


def check_layers(swift):
    control, management = modules("Control"), modules("Management")
    above_ground = control | management | {"Dataplane"}
    for path, text, code in swift:
        if path.parts[0] != "Sources":
            continue
        floor, module = path.parts[1], path.parts[2]
        imports = [(match.group(1), line_of(code, match.start())) for match in IMPORT.finditer(code)]
        for name, line in imports:
            if floor == "Ground" and name in above_ground:
                report(path, line, f"Ground imports {name}: arrows only go down")
            if floor in ("Dataplane", "Control") and name in management:
                report(path, line, f"{floor} imports {name}: arrows only go down")
            if floor == "Dataplane" and name in control:
                report(path, line, f"Dataplane imports {name}: the planes meet in Contract alone")
            if floor == "Control" and name == "Dataplane":
                report(path, line, "Control imports Dataplane: the planes meet in Contract alone")
            if floor == "Control" and module != "Shell" and name in IMPURE:
                report(path, line, f"{module} imports {name}: only Control's Shell may be impure")
        if floor == "Control" and module != "Shell":
            for match in CHANCE.finditer(code):
                report(path, line_of(code, match.start()),
                       f"{module} uses {match.group()}: chance and clocks are brought by Control's Shell")
        names = {name for name, _ in imports}
        if floor == "Management" and module not in BRIDGES and "Dataplane" in names and names & control:
            report(path, 1, f"{module} knows both planes, which only {' and '.join(sorted(BRIDGES))} may")


TYPE = re.compile(r"^(?:@\w+(?:\([^)\n]*\))?[ \n]+)*(?:(?:public|package|internal|private|fileprivate|final|indirect)\s+)*"
                  r"(?:struct|class|enum|protocol|actor|typealias)\s+(\w+)", re.M)


def check_order(swift, order):
    home = {}
    inside = []
    for path, text, code in swift:
        if path.parts[:2] != ("Sources", "Dataplane"):
            continue
        if len(path.parts) < 4:
            report(path, 1, "lies in none of Dataplane's folders")
            continue
        folder = path.parts[2]
        if folder not in order:
            report(path, 1, f"the folder {folder} has no place in tools/lint's ORDER")
            continue
        place = order.index(folder)
        inside.append((path, code, place))
        for match in TYPE.finditer(code):
            name = match.group(1)
            # A name that two folders define belongs to the earlier one: this scan cannot tell them apart.
            home[name] = min(place, home.get(name, place))
    for path, code, place in inside:
        later = {name for name, of in home.items() if of > place}
        for match in re.finditer(r"(?<![.\w])[A-Z]\w*", code):
            if match.group() in later:
                report(path, line_of(code, match.start()),
                       f"{order[place]} mentions {match.group()} of {order[home[match.group()]]}, a later folder")
                later.discard(match.group())


# Memory edges


EDGE = re.compile(r"\bedge ([\w.\-]+): ([^;.\n]*)")
ORDERING = re.compile(r"atomicMemoryFence\(|\.(?:acquiringAndReleasing|releasing|acquiring|sequentiallyConsistent)\b|"
                      r"\b(?:memory_order|__ATOMIC)_(?:acquire|release|acq_rel|seq_cst|ACQUIRE|RELEASE|ACQ_REL|SEQ_CST)\b")


def kind_of(token):
    lower = token.lower()
    if "andreleasing" in lower or "acq_rel" in lower:
        return {"acquire", "release"}
    if "fence" in lower or "sequentially" in lower or "seq_cst" in lower:
        return {"fence"}
    return {"release"} if "releas" in lower else {"acquire"}


def edges_in(line):
    """Edge names to kinds, out of a line's comment."""
    if "//" not in line:
        return {}
    return {name: set(re.findall(r"release|acquire|fence", words))
            for name, words in EDGE.findall(line[line.index("//"):])}


def check_edges(files):
    ends = {}
    for path, text, code in files:
        if path.parts[0] != "Sources":
            continue
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            for name, kinds in edges_in(line).items():
                if not kinds:
                    report(path, number, f"the edge {name} says none of release, acquire, fence")
                for kind in kinds:
                    ends.setdefault(name, []).append((kind, path, number))
        for number, line in enumerate(code.split("\n"), 1):
            wanted = [kind_of(match.group()) for match in ORDERING.finditer(line)]
            if not wanted:
                continue
            named = set()
            for above in lines[max(0, number - 4):number]:
                for kinds in edges_in(above).values():
                    named |= kinds
            if any("fence" in kinds for kinds in wanted) and "atomicMemoryFence" in line:
                wanted = [{"fence"}]
            # An exchange may need only one of its two ends.
            if not all(kinds & named for kinds in wanted):
                what = "nothing" if not named else " and ".join(sorted(named))
                report(path, number, f"a memory ordering whose edge is not named: within three lines above, a comment "
                                     f"`edge NAME: {' or '.join(sorted(set.union(*wanted)))}; ...` ({what} found)")
    for name, found in sorted(ends.items()):
        kinds = [kind for kind, _, _ in found]
        if not ("release" in kinds and "acquire" in kinds) and kinds.count("fence") < 2:
            _, path, number = found[0]
            report(path, number, f"the edge {name} has one end only ({', '.join(sorted(set(kinds)))})")


# Sizes


FUNCTION = re.compile(r"^[ \t]*(?:@\w+(?:\([^)\n]*\))?\s+)*(?:[a-z]+(?:\([a-z]+\))?\s+)*?"
                      r"(?:func\s+([^\s(<]+)|(init)\b[?!]?(?=\s*[<(])|(deinit)\b|(subscript)\b(?=\s*[<(]))", re.M)
NOT_A_BODY = re.compile(r"\n\s*(?:\n|\}|@|#|(?:[a-z]+(?:\([a-z]+\))?\s+)*(?:func|var|let|init|case|static|subscript|struct|"
                        r"associatedtype)\b)")


def closing(code, start):
    """The place of the bracket that closes the one at `start`."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    opened, closed = code[start], pairs[code[start]]
    depth = 0
    for match in re.finditer(re.escape(opened) + "|" + re.escape(closed), code[start:]):
        depth += 1 if match.group() == opened else -1
        if depth == 0:
            return start + match.start()
    return len(code) - 1


def body_of(code, at):
    """The braces of the declaration that continues at `at`, or None for a requirement."""
    while at < len(code):
        character = code[at]
        if character == "{":
            return at, closing(code, at)
        if character == "(":
            at = closing(code, at)
        elif character == "}" or NOT_A_BODY.match(code, at):
            return None
        at += 1
    return None


def functions(path, code):
    if path.suffix == ".swift":
        for match in FUNCTION.finditer(code):
            body = body_of(code, match.end())
            if body:
                name = next(group for group in match.groups() if group)
                yield name, line_of(code, body[0]), line_of(code, body[1])
    elif path.suffix in (".c", ".h"):
        for match in re.finditer(r"^(?!struct|enum|union|typedef|extern)[A-Za-z_][^;{}\n]*(?:\n[^;{}\n]+)*\{", code, re.M):
            name = re.search(r"(\w+)\s*\(", match.group())
            if name:
                start = match.end() - 1
                yield name.group(1), line_of(code, start), line_of(code, closing(code, start))


def check_sizes(path, text, code):
    if re.search(r"(?://|#) long because:", text):
        return
    lines = text.count("\n")
    if lines > MOST_FILE_LINES:
        report(path, 1, f"{lines} lines, more than {MOST_FILE_LINES}: divide it, or say `long because:`")
    for name, first, last in functions(path, code):
        if last - first + 1 > MOST_FUNCTION_LINES:
            report(path, first, f"{name} has {last - first + 1} lines, more than {MOST_FUNCTION_LINES}")


# Words and text


# In two halves, so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
FORCED = re.compile(r"\btry!|\bas!|\bfatalError\(")


def check_words(path, text, code):
    for match in UNFINISHED.finditer(text):
        report(path, line_of(text, match.start()), f"{match.group()}: finish it, or say in words what is not done")
    if path.suffix == ".swift" and path.parts[0] != "Tests":
        for match in FORCED.finditer(code):
            report(path, line_of(code, match.start()), f"{match.group()} outside of tests")


def check_text(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            report(path, number, "a tab")
        if line != line.rstrip():
            report(path, number, "blanks at the end of the line")
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        report(path, line_of(text, len(text)), "a file ends in one newline")


# Memory safety


def check_safety(manifest):
    """Every Swift target marks what is unsafe, except those that Package.swift calls raw."""
    text = code_free(pathlib.Path("Package.swift").read_text())
    raw = {name for _, name, body in calls(text) if re.search(r"swiftSettings:\s*raw\b", body)}
    for helper in re.findall(r"func (\w+)\((?:[^{]|\n)*?\{[^}]*?swiftSettings:\s*raw\b", text):
        raw |= set(re.findall(r"\b" + helper + r'\("([\w-]+)"', text))
    for target in manifest["targets"]:
        name, kind = target["name"], target["type"]
        folder = pathlib.Path(target.get("path") or f"{'Tests' if kind == 'test' else 'Sources'}/{name}")
        if kind in ("test", "system") or not any(folder.rglob("*.swift")):
            continue
        strict = any("strictMemorySafety" in setting["kind"] for setting in target["settings"])
        if not strict and name not in raw:
            report("Package.swift", 1, f"{name} is neither raw nor strict about memory safety")
        if not strict and "Control" in folder.parts:
            report("Package.swift", 1, f"{name} is a control module without strict memory safety")
        if not strict and "Management" in folder.parts and name != "hauberk":
            report("Package.swift", 1, f"{name} is a management module without strict memory safety")


def code_free(text):
    return re.sub(r"//[^\n]*", "", text)


def calls(text):
    for match in re.finditer(r"\.(target|executableTarget)\(\s*name:\s*\"([\w-]+)\"", text):
        start = text.index("(", match.start())
        yield match.group(1), match.group(2), text[start:closing(text, start)]


FIELD = re.compile(r'\breader\.(?:field|optional)\(\s*"(\w+)"')


def check_fields(swift):
    """Every field of the configuration is told of."""
    page = pathlib.Path("docs/CONFIGURATION.md")
    told = page.read_text() if page.exists() else ""
    for path, text, _ in swift:
        if path.parent != pathlib.Path("Sources/Management/Config"):
            continue
        for match in FIELD.finditer(text):
            if not re.search(rf"(?:`|## ){match.group(1)}\b", told):
                report(path, line_of(text, match.start()), f"the field {match.group(1)!r} is not in {page}")


def main():
    order = sys.argv[1].split()
    files = []
    for path, text in all_files():
        check_text(path, text)
        if not is_code(path, text):
            continue
        code = code_of(text) if path.suffix in (".swift", ".c", ".h") else text
        check_words(path, text, code)
        check_sizes(path, text, code)
        files.append((path, text, code))
    swift = [entry for entry in files if entry[0].suffix == ".swift"]
    check_layers(swift)
    check_order(swift, order)
    check_fields(swift)
    check_edges([entry for entry in files if entry[0].suffix in (".swift", ".c", ".h")])
    check_safety(json.load(sys.stdin))
    for path, line, text in sorted(problems):
        print(f"{path}:{line}: {text}", file=sys.stderr)
    sys.exit(1 if problems else 0)


main()
