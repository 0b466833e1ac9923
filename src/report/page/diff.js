// @ts-check
// Shows a diff: as one column or side by side, with the changed words emphasised.
'use strict';

/** One line of a diff. @typedef {{kind: ' ' | '+' | '-' | '@' | '\\', text: string, old: number, new: number}} DiffLine */

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

/** Adds a line's text: a changed word stands between marks. @param {Node} into @param {string} text @param {'+' | '-' | ' '} kind */
function addWords(into, text, kind) {
  if (!/[\ue000-\ue002]/.test(text)) {
    add(into, text);
    return;
  }
  const name = kind === '+' ? 'ins' : 'del';
  text.split('\ue000').forEach((part, place) => {
    const end = place ? part.indexOf('\ue001') : -1;
    if (end >= 0) add(into, make(name, {}, unmarked(part.slice(0, end))));
    add(into, unmarked(end >= 0 ? part.slice(end + 1) : part));
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

/** @param {string} sign @param {string} text @param {'+' | '-' | ' '} kind */
function lineText(sign, text, kind) {
  const cell = make('td', { class: kind === '+' ? 'line added' : kind === '-' ? 'line removed' : 'line' });
  cell.append(make('span', { class: 'sign' }, sign));
  addWords(cell, text, kind);
  return cell;
}

/** @param {DiffLine[]} lines @param {boolean} sideBySide @returns {HTMLElement} */
function diffTable(lines, sideBySide) {
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
        body.append(make('tr', {}, lineNumber(line.old), lineText(' ', line.text, ' '), lineNumber(line.new), lineText(' ', line.text, ' ')));
        at += 1;
      } else {
        at = sideBySideRun(lines, at, body);
      }
    }
  } else {
    for (const line of lines) {
      if (line.kind === '@' || line.kind === '\\') whole(line);
      else body.append(make('tr', {}, lineNumber(line.old), lineNumber(line.new), lineText(line.kind, line.text, line.kind)));
    }
  }
  const columns = sideBySide
    ? [make('col', { class: 'at' }), make('col'), make('col', { class: 'at' }), make('col')]
    : [make('col', { class: 'at' }), make('col', { class: 'at' }), make('col')];
  return make('table', { class: sideBySide ? 'diff pair' : 'diff' }, make('colgroup', {}, ...columns), body);
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
      lineNumber(left?.old ?? 0), left ? lineText('-', left.text, '-') : make('td', { class: 'none' }),
      lineNumber(right?.new ?? 0), right ? lineText('+', right.text, '+') : make('td', { class: 'none' })));
  }
  for (const note of notes) add(body, make('tr', { class: 'note' }, make('td', { colspan: 4 }, note.text)));
  return at;
}

/**
 * A diff of any length: the first lines, and the others on demand.
 * @param {string} text @param {boolean} sideBySide
 * @returns {HTMLElement}
 */
function diffView(text, sideBySide) {
  const lines = diffLines(text);
  const box = make('div', { class: 'diff-box' });
  let shownLines = 0;
  const more = (/** @type {number} */ many) => {
    const end = Math.min(lines.length, shownLines + many);
    for (; shownLines < end; ) {
      const part = lines.slice(shownLines, Math.min(end, shownLines + LINES_A_TABLE));
      const fill = () => diffTable(part, sideBySide);
      box.append(shownLines < LINES_A_TABLE ? fill() : lazily(make('div', { class: 'slot' }), part.length * LINE_HEIGHT, fill));
      shownLines += part.length;
    }
    const left = lines.length - shownLines;
    if (!left) return;
    const next = button(`Show the next ${number(Math.min(left, MORE_LINES))} of ${count(left, 'line')} that follow`, () => {
      keepSlots(box);
      next.remove();
      more(MORE_LINES);
    }, { class: 'more' });
    box.append(next);
  };
  more(FIRST_LINES);
  return box;
}
