"""C++ text as tools/tidy needs it: without comments, its string literals, its functions. A reader of tokens, not a compiler."""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<delimiter>[^()\s\\"]{0,16})\(.*?\)(?P=delimiter)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z_])\'(?:\\.|[^\'\\\n])+\'', re.S)
CONTROL = re.compile(r'\b(if|for|while|switch|catch)\b\s*(constexpr\s*)?$')


@dataclass
class Function:
    name: str
    line: int
    lines: int
    parameters: int
    nesting: int


@dataclass
class Source:
    path: str
    text: str
    code: str = ''                                # comments and contents of literals blanked, same length
    literals: list = field(default_factory=list)  # (offset, end, content)

    def __post_init__(self):
        out, at = [], 0
        for match in TOKEN.finditer(self.text):
            token = match.group(0)
            out.append(self.text[at:match.start()])
            blank = re.sub(r'[^\n]', ' ', token)
            if token.startswith(('"', 'R"')):
                body = token[1:-1] if token[0] == '"' else token[3 + len(match['delimiter']):-2 - len(match['delimiter'])]
                self.literals.append((match.start(), match.end(), body))
                blank = '"' + blank[1:-1] + '"'
            elif token[0] == "'":
                blank = "'" + blank[1:-1] + "'"
            out.append(blank)
            at = match.end()
        out.append(self.text[at:])
        # Preprocessor lines have no scopes, but may hold braces.
        self.code = ''.join(out)
        self.scopes = re.sub(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), self.code, flags=re.M)

    def line(self, offset):
        return self.text.count('\n', 0, offset) + 1

    def includes(self):
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', self.text, re.M):
            yield self.line(match.start()), match[1], match[2]

    def functions(self):
        return list(_functions(self))


def _matching(code, at):
    """The offset of the bracket that closes the one at `at`."""
    pairs = {'(': ')', '{': '}', '[': ']'}
    open_, close = code[at], pairs[code[at]]
    depth = 0
    for i in range(at, len(code)):
        if code[i] == open_:
            depth += 1
        elif code[i] == close:
            depth -= 1
            if depth == 0:
                return i
    return len(code) - 1


def _count_parameters(text):
    text = text.strip()
    if text in ('', 'void'):
        return 0
    depth = count = 0
    for i, c in enumerate(text):
        if c in '([{<':
            depth += 1
        elif c in ')]}' or (c == '>' and text[i - 1] != '-'):
            depth -= 1
        elif c == ',' and depth == 0:
            count += 1
    return count + 1


def _head(chunk):
    """(name, parameters) of the function that a scope's head declares, or None."""
    chunk = re.sub(r'\b(public|private|protected)\s*:(?!:)', ' ', chunk)
    chunk = re.sub(r'\[\[.*?\]\]|__attribute__\s*\(\(.*?\)\)', ' ', chunk, flags=re.S)
    if re.search(r'(^|[^=!<>])=([^=]|$)', re.sub(r'\(.*', '', chunk, flags=re.S)) and 'operator' not in chunk:
        return None
    match = re.search(r'(operator\s*(?:\(\s*\)|[^\s\w(]+|\w+)|[\w:~]+)\s*\(', chunk)
    if not match or match[1] in ('if', 'for', 'while', 'switch', 'catch', 'alignas', 'decltype', 'noexcept', 'requires'):
        return None
    close = _matching(chunk, match.end() - 1)
    return match[1], chunk[match.end():close]


def _nesting(body):
    """The deepest nesting of control structures with braces."""
    stack, depth, deepest = [], 0, 0
    for i, c in enumerate(body):
        if c == '{':
            before = body[:i].rstrip()
            control = bool(re.search(r'\b(else|do|try)$', before))
            if before.endswith(')'):
                level, k = 0, len(before) - 1
                while k >= 0:
                    level += (before[k] == ')') - (before[k] == '(')
                    if level == 0:
                        break
                    k -= 1
                control = bool(CONTROL.search(before[:k]))
            stack.append(control)
            depth += control
            deepest = max(deepest, depth)
        elif c == '}' and stack:
            depth -= stack.pop()
    return deepest


def _functions(source):
    code = source.scopes
    at, start, names = 0, 0, []
    while at < len(code):
        c = code[at]
        if c == '(':
            at = _matching(code, at)
        elif c == ';':
            start = at + 1
        elif c == '}':
            if names:
                names.pop()
            start = at + 1
        elif c == '{':
            chunk = code[start:at]
            end = _matching(code, at)
            if re.search(r'\b(namespace|extern\s*"\s*")', chunk) and '(' not in chunk:
                names.append('')
            elif re.search(r'\b(class|struct|union)\b', re.sub(r'<[^<>]*>', '', chunk)) and not re.search(r'\)\s*(const|noexcept|override|final|\s)*$', chunk):
                match = re.search(r'\b(?:class|struct|union)\s+(?:\w+\(.*?\)\s+)?(\w+)', re.sub(r'template\s*<[^{]*?>\s*(?=class|struct)', '', chunk))
                names.append(match[1] if match else '')
            else:
                head = _head(chunk) if '(' in chunk else None
                initialiser = head and re.search(r'\)\s*(noexcept\s*)?:[^:]', chunk) and re.search(r'[\w>]\s*$', chunk) \
                    and re.match(r'\s*[,{]', code[end + 1:]) and not re.search(r'\b(const|override|final|noexcept|try)\s*$', chunk)
                if initialiser:
                    at = end + 1
                    continue
                if head:
                    first = start + len(chunk) - len(chunk.lstrip())
                    name = '::'.join([n for n in names if n] + [head[0]])
                    if head[0] in ('TEST', 'TEST_F', 'TEST_P'):
                        name = '.'.join(part.strip() for part in head[1].split(','))
                    yield Function(name, source.line(first), source.line(end) - source.line(first) + 1, _count_parameters(head[1]),
                                   _nesting(code[at + 1:end]))
                at = end
                start = end + 1
                at += 1
                continue
            start = at + 1
        at += 1
