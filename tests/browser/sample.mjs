// Makes sample pages: `node sample.mjs small|hostile|empty|long|large FILE [MB]`.
import { Page } from './page.mjs';

const START = 1_790_000_000;

const ANSWER = `I found the cause. \`parse_date\` takes the **first** match of the pattern, so \`2026-01-02T03:04\` loses its time.

## What I will change

1. Anchor the pattern at both ends.
2. Return an error in place of \`None\`, so that the caller sees *why*.
   - The message names the column.
   - Old callers keep working.
3. Add tests.

| Input | Before | After |
| :--- | :---: | ---: |
| \`2026-01-02\` | date | date |
| \`2026-01-02T03:04\` | date | date and time |
| \`soon\` | nothing | error |

> The format is described in [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339), see also https://example.com/dates?q=1.

\`\`\`rust
pub fn parse_date(text: &str) -> Result<Date, DateError> {
    let found = PATTERN.captures(text).ok_or(DateError::Shape)?;
    Ok(Date { year: found[1].parse()?, month: found[2].parse()? })
}
\`\`\`

- [x] read the code
- [ ] write the tests

That is ~~all~~ nearly all.`;

const TEST_OUTPUT = `\u001b[1mrunning 4 tests\u001b[0m
test dates::short ... \u001b[32mok\u001b[0m
test dates::with_time ... \u001b[31mFAILED\u001b[0m
test dates::soon ... \u001b[32mok\u001b[0m

thread 'dates::with_time' panicked at src/dates.rs:41:5:
assertion failed: \`(left == right)\`
  left: \`2026-01-02T00:00\`,
 right: \`2026-01-02T03:04\`
test result: FAILED. 3 passed; 1 failed`;

const DIFF = `@@ -12 +12 @@ pub fn parse_date
     /// Reads a date.
-    let found = PATTERN.\ue000find\ue001(text)\ue000?\ue001;
+    let found = PATTERN.\ue000captures\ue001(text)\ue000.ok_or(DateError::Shape)?\ue001;
     let year = found[1].parse()?;
+    let month = found[2].parse()?;
@@ -40 +41 @@ mod tests
 #[test]
-fn dates() {
-    assert_eq!(parse_date("2026-01-02"), Some(day(2)));
-}
+fn a_date_with_a_time_keeps_the_time() {
+    assert_eq!(parse_date("2026-01-02T03:04"), Ok(minute(3, 4)));
+}
\\ No newline at end of file
`;

/** Colours of its lines: a comment, twice a keyword, a function, and one that goes over a changed word. */
const COLORS = '\n%2c\n%$k\n%$k*0f\n%$k\n';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAADAAAAAYCAIAAAAzn+mUAAAAOklEQVR4nO3OMQ0AIADAMMC/5yFjRxMFfXpn5sBbB4JAEASCIBAEgSAIBEEgCAJBEAiCQBAEgv4Q+gBE+gIvQ0CGXQAAAABJRU5ErkJggg==';

/** A session with one of each. */
export function small(file) {
  const page = new Page('Dates with a time lose their time');
  page.index.about = [['Saved', '2026-09-21 16:40 UTC'], ['By', 'kim'], ['Where', '~/work/importer'], ['Branch', 'fix/dates'], ['Client', '2.1.332'], ['Model', 'claude-opus-4-5'], ['Mode', 'acceptEdits']];
  page.thread({ name: 'Conversation' });
  let time = START;
  const go = seconds => (time += seconds);
  page.item('s', { label: 'hook', text: 'SessionStart: 3 rules of the project were read', about: 'SessionStart', time });
  page.item('p', { text: 'The importer drops the time of dates such as `2026-01-02T03:04`. Find out why and fix it.\n\nKeep the old behaviour for plain dates.', time: go(5) });
  page.item('t', { text: 'The pattern may not be anchored. I should look at `src/dates.rs` first.', time: go(4) });
  page.item('c', { label: 'Grep', about: 'parse_date', input: 'pattern: parse_date\npath: src', text: 'src/dates.rs:12\nsrc/import.rs:88', time: go(2) });
  page.item('c', { label: 'Read', file: 'src/dates.rs', input: 'src/dates.rs', text: Array.from({ length: 320 }, (_, n) => `${n + 1}\tlet line_${n} = ${n};`).join('\n'), time: go(1) });
  page.item('c', { label: 'Bash', about: 'cargo test dates', input: 'cargo test dates', text: TEST_OUTPUT, failed: true, took: 14, time: go(15) });
  page.item('a', { text: ANSWER, colors: `${'\n'.repeat(ANSWER.split('\n').indexOf('```rust') + 1)}!$k"#k"+f\n%$k\n%#t\n`, time: go(20) });
  const create = page.item('c', { label: 'TaskCreate', about: 'Anchor the pattern', input: 'subject: Anchor the pattern', text: 'Task #1 created', time: go(3) });
  const second = page.item('c', { label: 'TaskCreate', about: 'Tests for dates', input: 'subject: Tests for dates', text: 'Task #2 created', time: go(3) });
  const call = page.item('c', { label: 'Agent', about: 'Find every caller of parse_date', input: 'subagent_type: Explore\nprompt:\nFind every caller of parse_date.', text: 'There are three callers.', agent: 1, took: 65, time: go(65) });
  const edited = page.item('c', { label: 'Edit', file: 'src/dates.rs', form: 'd', input: DIFF, text: 'The file has been updated.', time: go(9) });
  const started = page.item('c', { label: 'TaskUpdate', about: '#1 in progress', input: 'taskId: 1\nstatus: in_progress', text: 'Updated task #1', time: go(2) });
  page.item('i', { label: 'image/png', about: 'screenshot.png', text: PNG, time: go(2) });
  page.item('x', { time: go(5) });
  page.item('k', { label: 'automatic, 155,000 tokens', about: 'automatic, 155,000 tokens', text: 'Summary: the pattern was **anchored**; tests are to be written.', time: go(6) });
  page.item('p', { text: 'Now the tests. Name them as sentences.', time: go(4000) });
  const done = page.item('c', { label: 'TaskUpdate', about: '#1 done', input: 'taskId: 1\nstatus: completed', text: 'Updated task #1', time: go(2) });
  page.item('c', { label: 'Bash', about: 'cargo test', input: 'cargo test', text: '', open: true, time: go(20) });
  page.item('a', { text: 'All 5 tests pass. The file `notes/dates.md` says what changed.', time: go(31) });
  page.thread({ name: 'Find callers', kind: 'agent', type: 'Explore', about: 'Find every caller of parse_date', status: 'done', parent: { thread: 0, item: call } });
  page.item('p', { text: 'Find every caller of parse_date.', time: START + 60 });
  page.item('c', { label: 'Grep', about: 'parse_date\\(', input: 'pattern: parse_date\\(', text: 'src/import.rs:88\nsrc/export.rs:7\ntests/dates.rs:3', time: START + 80 });
  page.item('a', { text: 'There are **three** callers: the needle_of_the_agent is in `src/export.rs`.', time: START + 110 });
  page.thread({ name: 'Check the exporter', kind: 'agent', type: 'general-purpose', about: 'Does the exporter depend on it?', status: 'running', parent: { thread: 1, item: null } });
  page.item('p', { text: 'Does the exporter depend on it?', time: START + 90 });
  page.edit({ path: 'src/dates.rs', text: DIFF, items: [edited], colors: COLORS });
  page.edit({ path: 'notes/dates.md', status: 'A', text: '@@ -0 +1 @@\n+# Dates\n+\n+A date may have a time.\n' });
  page.edit({ path: 'src/import/columns.rs', old_path: 'src/columns.rs', status: 'R', text: '@@ -3 +3 @@\n-use crate::\ue000dates\ue001;\n+use crate::\ue000import::dates\ue001;\n' });
  page.edit({ path: 'assets/logo.png', binary: true, status: 'M', notes: ['Binary, 4,120 bytes, was 3,990 bytes.'] });
  page.edit({ path: 'run.sh', mode: '100644 → 100755' });
  page.index.tasks = [
    { id: '1', subject: 'Anchor the pattern', description: 'At both ends.', status: 'completed', blocked_by: [], owner: null, moves: [{ item: create, status: 'pending' }, { item: started, status: 'in_progress' }, { item: done, status: 'completed' }] },
    { id: '2', subject: 'Tests for dates', description: 'Names are sentences.', status: 'in_progress', blocked_by: ['1'], owner: 'main', moves: [{ item: second, status: 'pending' }] },
    { id: '3', subject: 'Release notes', description: null, status: 'pending', blocked_by: ['1', '2'], owner: null, moves: [] },
  ];
  page.index.grants = [{ text: 'Bash(cargo test:*)', scope: 'session', source: 'answer to a question' }, { text: 'acceptEdits', scope: 'mode', source: 'shift+tab' }];
  page.index.decisions = [{ item: edited, text: 'Edit src/dates.rs', scope: 'session', decision: 'allowed', time: null }];
  page.index.not_saved = ['2 background commands, which ended with the client'];
  page.index.left_out = ['Records of the client that are no part of the talk: 12. Include them with --raw.'];
  page.index.size = { context: [[1, 12000], [6, 88000], [12, 155000], [15, 22000], [18, 31000]], changed: [[edited, 6, 4]] };
  page.write(file);
}

/** A session of a given size, of made-up words. */
export function large(file, megabytes) {
  let seed = 7;
  const random = below => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % below;
  };
  const WORDS = Array.from({ length: 4000 }, (_, n) => ['ka', 'lo', 'mi', 're', 'su', 'ta', 'ne', 'vo'][n % 8] + (n * 7919).toString(36));
  const words = many => Array.from({ length: many }, () => WORDS[random(WORDS.length)]).join(' ');
  const lines = many => Array.from({ length: many }, (_, n) => `${n + 1}\t${words(5 + random(8))}`).join('\n');
  const page = new Page(`A made-up session of ${megabytes} MB`);
  page.index.about = [['Where', '~/work/large'], ['Client', '2.1.332']];
  page.thread({ name: 'Conversation' });
  const wanted = megabytes * 1e6;
  let made = 0;
  let time = START;
  let agents = 0;
  const files = Array.from({ length: 600 }, (_, n) => `src/${WORDS[n % 40]}/${WORDS[n]}.rs`);
  const calls = new Map();
  const round = (thread, first) => {
    const put = (kind, options) => {
      made += (options.text?.length ?? 0) + (options.input?.length ?? 0);
      time += 1 + random(20);
      return page.item(kind, { ...options, time });
    };
    if (first) put('p', { text: words(30 + random(200)) });
    put('t', { text: words(60) });
    for (let call = random(6); call >= 0; call -= 1) {
      const path = files[random(files.length)];
      if (random(3) === 0) {
        const item = put('c', { label: 'Edit', file: path, form: 'd', input: `@@ -1 +1 @@\n-${words(9)}\n+${words(9)}\n`, text: 'The file has been updated.' });
        calls.set(path, [...(calls.get(path) ?? []), item]);
      } else if (random(2)) {
        put('c', { label: 'Read', file: path, input: path, text: lines(100 + random(260)) });
      } else {
        const command = `cargo test ${words(2)}`;
        put('c', { label: 'Bash', about: command, input: command, text: lines(20 + random(random(40) ? 80 : 6000)), failed: random(12) === 0 });
      }
    }
    put('a', { text: `${words(40)}\n\n## ${words(3)}\n\n- ${words(9)}\n- ${words(12)} \`${words(1)}\`\n\n\`\`\`rust\n${lines(8)}\n\`\`\`\n\n${words(120)}` });
    if (random(60) === 0) put('k', { label: 'automatic', about: 'automatic, 155,000 tokens', text: words(300) });
  };
  const parents = [];
  while (made < wanted * 0.55) {
    round(0, random(3) === 0);
    if (random(14) === 0) {
      time += 5;
      parents.push(page.item('c', { label: 'Agent', about: words(5), input: words(40), text: words(50), agent: (agents += 1), time }));
    }
    if (random(300) === 0) time += 4 * 3600;
  }
  const edits = files.slice(0, 420);
  for (const parent of parents) {
    if (made > wanted * 0.9) break;
    page.thread({ name: `agent ${page.index.threads.length}`, kind: 'agent', type: 'general-purpose', about: words(6), status: 'done', parent: { thread: 0, item: parent } });
    for (let rounds = 3 + random(8); rounds >= 0; rounds -= 1) round(1, false);
  }
  page.index.agents = page.index.agents.filter(([, thread]) => thread < page.index.threads.length);
  page.item('a', { text: 'The needle_at_the_end is here.', time });
  edits.forEach((path, n) => {
    const many = n === 7 ? 30000 : 20 + random(400);
    const text = Array.from({ length: many }, (_, line) => (line % 40 === 0 ? `@@ -${line + 1} +${line + 1} @@ fn ${words(1)}` : ' +-'[random(3)] + words(6 + random(5)))).join('\n');
    page.edit({ path, text, items: (calls.get(path) ?? []).slice(0, 40) });
  });
  for (let n = 0; n < page.kinds.length; n += Math.ceil(page.kinds.length / 1500)) page.index.size.context.push([n, 20000 + ((n * 37) % 140000)]);
  page.index.size.changed = [...calls.values()].flat().sort((one, other) => one - other).slice(0, 2000).map(item => [item, 1 + random(40), random(20)]);
  page.write(file);
}

/** Things that must neither run, nor be fetched, nor mislead. Each payload calls `__pwn` if it runs. */
export const PAYLOADS = [
  '<script>__pwn("script")</script>', '</script><script>__pwn("closed")</script>', '<img src=x onerror=__pwn("img")>', '<svg onload=__pwn("svg")><animate onbegin=__pwn("svg2")>',
  '<iframe srcdoc="<script>parent.__pwn(1)</script>"></iframe>', '"><img src=x onerror=__pwn("attribute")>', "' onpointerover='__pwn(1)' style='position:fixed;inset:0", '<style>*{display:none}</style>',
  '<a href="javascript:__pwn(1)">x</a>', '[x](javascript:__pwn(1))', '[x](  javascript:__pwn(1))', '[x](java\tscript:__pwn(1))', '[x](data:text/html,<script>__pwn(1)</script>)', '[x](vbscript:x)', '[x](file:///etc/passwd)',
  '[x](//evil.test/a)', '[x](https://user:pass@evil.test/)', '![i](http://evil.test/i.png)', '![i](data:image/svg+xml,<svg onload=__pwn(1)>)', '<javascript:__pwn(1)>', '<link rel=stylesheet href=http://evil.test/a.css>',
  '```x" onanimationstart="__pwn()" style="animation:spin 1s\ncode\n```', '{{constructor.constructor("__pwn(1)")()}}', '${__pwn(1)}', '<math><mi xlink:href="javascript:__pwn(1)">', '<base href=http://evil.test/>', '<meta http-equiv=refresh content="0;url=http://evil.test">',
  'a\u202egpj.exe', 'zero\u200bwidth \u2066isolate\u2069 \ufeff', 'nul\u0000bell\u0007esc\u001b[31mred\u001b]0;title\u0007', 'marks \ue000 \ue001 \ue0020', '\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67', '&lt;b&gt;&amp;', '__proto__', 'constructor', 'c0', 'index', 'end', 'static',
];

export function hostile(file) {
  const page = new Page(`Hostile ${PAYLOADS[0]} \u202etitle`);
  page.index.about = PAYLOADS.map(text => [text, text]);
  page.thread({ name: PAYLOADS[2], about: PAYLOADS[3] });
  for (const text of PAYLOADS) {
    page.item('x', { label: text, about: text, time: START });
    for (const kind of 'patsk') page.item(kind, { text: `${text}\n\n${text} and **${text}** and \`${text}\`\n\n- ${text}\n> ${text}\n\n| ${text} | b |\n| - | - |\n| ${text} | ${text} |`, label: text, about: text, file: text, time: START });
    page.item('c', { label: text, file: text, about: text, input: text, text, failed: true, time: START });
    page.item('c', { label: 'Edit', file: text, about: text, form: 'd', input: `@@ ${text}\n-${text}\n+${text}\n`, text, time: START });
  }
  page.item('i', { label: 'image/svg+xml', text: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="__pwn(1)"><script>__pwn(1)</script></svg>').toString('base64') });
  page.item('i', { label: 'image/png', text: Buffer.from('<html><script>__pwn(1)</script>').toString('base64') });
  page.item('i', { label: 'image/png', text: 'not base64 <img src=x onerror=__pwn(1)>' });
  page.item('a', { text: '> '.repeat(20000) + 'deep' });
  page.item('a', { text: Array.from({ length: 3000 }, (_, n) => `${' '.repeat(n)}- deep`).join('\n') });
  page.item('a', { text: '['.repeat(30000) + ']('.repeat(3000) });
  page.item('a', { text: '*a **b _c ~~'.repeat(6000) });
  page.item('a', { text: '`'.repeat(2) + ' ``` ` '.repeat(5000) });
  page.item('a', { text: '|'.repeat(9000) + '\n' + '|-'.repeat(4000) });
  const blank = ' '.repeat(20000);
  for (const text of [`# a${blank}b`, `\`\`\`${blank}\``, `a|b\n-${blank}x`, `[a](b${blank}`, `- ${blank}x`, `> ${blank}x`, `https://e.test/${')'.repeat(1900)}x `.repeat(10), '[a]('.repeat(5000), '- '.repeat(9000), `**${'_a'.repeat(9000)}`]) page.item('a', { text });
  page.item('a', { text: 'x'.repeat(200000) });
  page.item('s', { text: 'y'.repeat(300000), label: 'one line', about: 'one long line' });
  page.item('a', { text: '\u0301'.repeat(20000) });
  for (const text of PAYLOADS) {
    page.thread({ name: text, kind: 'agent', type: text, about: text, status: text, evidence: text, parent: { thread: page.index.threads.length - 1, item: 0 } });
    page.item('p', { text, about: text });
  }
  // A tree that bites its tail, and numbers that lead nowhere.
  page.index.threads[2].parent = { thread: 3, item: 999999 };
  page.index.threads[3].parent = { thread: 2, item: -5 };
  page.index.agents.push([1, 999], [6, 1]);
  page.index.threads[1].parent = { thread: 0, item: 6 };
  for (const text of PAYLOADS) {
    page.edit({ path: text, old_path: text, status: text, mode: text, notes: [text], text: `@@ -1 +1 @@ ${text}\n-${text}\n+${text}\n \ue000${text}\n`, items: [6, 99999] });
    page.index.tasks.push({ id: text, subject: text, description: text, status: text, blocked_by: [text, 'none'], owner: text, moves: [{ item: 1, status: text }, { item: null, status: text }] });
    page.index.grants.push({ text, scope: text, source: text });
    page.index.decisions.push({ item: null, text, scope: text, decision: text, time: text });
    page.index.not_saved.push(text);
    page.index.left_out.push(text);
  }
  page.index.size = { context: [[0, 1], [5, 100]], changed: [[3, 5, 2]] };
  page.write(file);
}

/** A snapshot without a session. */
export function empty(file) {
  new Page('Nothing').write(file);
}

/** So many turns that a browser could not scroll through them at once. */
export function long(file) {
  const page = new Page('A very long talk');
  page.thread({ name: 'Conversation' });
  for (let turn = 0; turn < 120000; turn += 1) page.item('pa'[turn % 2], { text: `Turn ${turn} says this.`, time: START + turn });
  page.write(file);
}

const SAMPLES = { small, hostile, empty, long, large };
const [kind, file, megabytes] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename) {
  if (file && Object.hasOwn(SAMPLES, kind)) SAMPLES[kind](file, Number(megabytes ?? 100));
  else {
    console.error('usage: node sample.mjs small|hostile|empty|long|large FILE [MB]');
    process.exit(2);
  }
}
