// @ts-check
// Shows a diff: as one column or side by side, with the changed words emphasised.
'use strict';

/** One line of a diff. @typedef {{kind: ' ' | '+' | '-' | '@' | '\\', text: string, old: number, new: number, colors?: string}} DiffLine */

/** How many lines stand in one table. */
const LINES_A_TABLE = 200;

/** How many lines of a file are shown at first. */
const FIRST_LINES = 600;

/** How many more a press of the button brings. */
const MORE_LINES = 20_000;

const LINE_HEIGHT = 20;

/**
 * Reads the lines of a diff. Line numbers come from the heads of its hunks.
 * @param {string} text
 * @returns {DiffLine[]}
 */
function diffLines(text) {
  /** @type {DiffLine[]} */
  const lines = [];
  let old = 0;
  let now = 0;
  const all = text.split('\n');
  if (all[all.length - 1] === '') all.pop();
  for (const line of all) {
    const kind = line[0];
    if (kind === '@') {
      const head = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line);
      old = head ? Number(head[1]) : old;
      now = head ? Number(head[2]) : now;
      lines.push({ kind: '@', text: line, old: 0, new: 0 });
    } else if (kind === '+') {
      lines.push({ kind, text: line.slice(1), old: 0, new: now });
      now += 1;
    } else if (kind === '-') {
      lines.push({ kind, text: line.slice(1), old, new: 0 });
      old += 1;
    } else if (kind === '\\') {
      lines.push({ kind, text: line.slice(2), old: 0, new: 0 });
    } else {
      lines.push({ kind: ' ', text: line.slice(1), old, new: now });
      old += 1;
      now += 1;
    }
  }
  return lines;
}

/** What the letters of colours mean. @type {Record<string, string>} */
const CLASSES = { c: 'comment', s: 'string', n: 'constant', k: 'keyword', t: 'type', f: 'function', m: 'field' };

/**
 * Makes what adds the parts of a line, one after the other, with its colours: docs/report.md says how those are written.
 * @param {string} colors
 * @returns {(to: Node, part: string) => void}
 */
function painter(colors) {
  let step = 0;
  /** Characters of the step at hand without a colour, and with one. */
  let [plain, colored] = [0, 0];
  return (to, part) => {
    for (let at = 0; at < part.length; ) {
      while (!plain && !colored && step + 2 < colors.length) {
        [plain, colored] = [colors.charCodeAt(step) - 33, colors.charCodeAt(step + 1) - 33];
        step += 3;
      }
      const piece = part.slice(at, at + (plain || colored || part.length));
      const name = !plain && colored ? CLASSES[colors[step - 1]] : '';
      add(to, name ? make('span', { class: name }, piece) : piece);
      at += piece.length;
      if (plain) plain -= piece.length;
      else if (colored) colored -= piece.length;
    }
  };
}

/**
 * Adds a line's text: a changed word stands between marks, which don't count for colours.
 * @param {Node} into @param {string} text @param {'+' | '-' | ' '} kind @param {string} colors
 */
function addWords(into, text, kind, colors) {
  if (!colors && !/[\ue000-\ue002]/.test(text)) {
    add(into, text);
    return;
  }
  const put = painter(colors);
  const name = kind === '+' ? 'ins' : 'del';
  text.split('\ue000').forEach((part, place) => {
    const end = place ? part.indexOf('\ue001') : -1;
    if (end >= 0) {
      const word = make(name);
      put(word, unmarked(part.slice(0, end)));
      add(into, word);
    }
    put(into, unmarked(end >= 0 ? part.slice(end + 1) : part));
  });
}

/** Characters of the text that look like marks are written as a third one and a digit. @param {string} text */
function unmarked(text) {
  return text.replace(/\ue002([012])/g, (_, digit) => String.fromCharCode(0xe000 + Number(digit)));
}

/** @param {number} line */
function lineNumber(line) {
  // As an attribute, so that it is not copied with the text, and not read out at every line.
  return make('td', { class: 'at', 'data-at': line || '' });
}

/** @param {string} sign @param {DiffLine} line @param {'+' | '-' | ' '} kind */
function lineText(sign, { text, colors }, kind) {
  const cell = make('td', { class: kind === '+' ? 'line added' : kind === '-' ? 'line removed' : 'line' });
  cell.append(make('span', { class: 'sign' }, sign));
  addWords(cell, text, kind, colors ?? '');
  return cell;
}

/** How many digits the largest line number has, and at least three: tables of one diff are as wide. @param {DiffLine[]} lines */
function digitsOf(lines) {
  let most = 100;
  for (const { old, new: now } of lines) most = Math.max(most, old, now);
  return String(most).length;
}

/** @param {DiffLine[]} lines @param {boolean} sideBySide @param {number} digits @returns {HTMLElement} */
function diffTable(lines, sideBySide, digits) {
  const body = make('tbody');
  const wide = sideBySide ? 4 : 3;
  const whole = (/** @type {DiffLine} */ line) =>
    body.append(make('tr', { class: line.kind === '@' ? 'hunk' : 'note' }, make('td', { colspan: wide }, line.text)));
  if (sideBySide) {
    for (let at = 0; at < lines.length; ) {
      const line = lines[at];
      if (line.kind === '@' || line.kind === '\\') {
        whole(line);
        at += 1;
      } else if (line.kind === ' ') {
        body.append(make('tr', {}, lineNumber(line.old), lineText(' ', line, ' '), lineNumber(line.new), lineText(' ', line, ' ')));
        at += 1;
      } else {
        at = sideBySideRun(lines, at, body);
      }
    }
  } else {
    for (const line of lines) {
      if (line.kind === '@' || line.kind === '\\') whole(line);
      else body.append(make('tr', {}, lineNumber(line.old), lineNumber(line.new), lineText(line.kind, line, line.kind)));
    }
  }
  const columns = sideBySide
    ? [make('col', { class: 'at' }), make('col'), make('col', { class: 'at' }), make('col')]
    : [make('col', { class: 'at' }), make('col', { class: 'at' }), make('col')];
  const table = make('table', { class: sideBySide ? 'diff pair' : 'diff' }, make('colgroup', {}, ...columns), body);
  table.style.setProperty('--digits', String(digits));
  return table;
}

/** @param {DiffLine[]} lines @param {number} at @param {Node} body */
function sideBySideRun(lines, at, body) {
  const removed = /** @type {DiffLine[]} */ ([]);
  const added = /** @type {DiffLine[]} */ ([]);
  const notes = /** @type {DiffLine[]} */ ([]);
  for (; at < lines.length && '-+\\'.includes(lines[at].kind); at += 1) {
    const list = lines[at].kind === '-' ? removed : lines[at].kind === '+' ? added : notes;
    list.push(lines[at]);
  }
  for (let place = 0; place < Math.max(removed.length, added.length); place += 1) {
    const left = removed[place];
    const right = added[place];
    add(body, make('tr', {},
      lineNumber(left?.old ?? 0), left ? lineText('-', left, '-') : make('td', { class: 'none' }),
      lineNumber(right?.new ?? 0), right ? lineText('+', right, '+') : make('td', { class: 'none' })));
  }
  for (const note of notes) add(body, make('tr', { class: 'note' }, make('td', { colspan: 4 }, note.text)));
  return at;
}

/**
 * A diff of any length: the first lines, and the others on demand.
 * @param {string} text @param {boolean} sideBySide @param {string[]} colors of its first lines
 * @returns {HTMLElement}
 */
function diffView(text, sideBySide, colors) {
  const lines = diffLines(text);
  colors.slice(0, lines.length).forEach((of, place) => (lines[place].colors = of));
  const digits = digitsOf(lines);
  const box = make('div', { class: 'diff-box' });
  let shownLines = 0;
  const more = (/** @type {number} */ many) => {
    const end = Math.min(lines.length, shownLines + many);
    for (; shownLines < end; ) {
      const part = lines.slice(shownLines, Math.min(end, shownLines + LINES_A_TABLE));
      const fill = () => diffTable(part, sideBySide, digits);
      box.append(shownLines < LINES_A_TABLE ? fill() : lazily(make('div', { class: 'slot' }), part.length * LINE_HEIGHT, fill));
      shownLines += part.length;
    }
    const left = lines.length - shownLines;
    if (!left) return;
    const next = button(`Show the next ${number(Math.min(left, MORE_LINES))} of ${count(left, 'line')} that follow`, () => {
      keepSlots(box);
      next.remove();
      more(MORE_LINES);
    }, { class: 'more', 'data-left': `${count(left, 'line')} more of this file, not printed` });
    box.append(next);
  };
  more(FIRST_LINES);
  return box;
}
