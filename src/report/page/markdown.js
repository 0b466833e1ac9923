// @ts-check
// Markdown as nodes, never as HTML: what is not Markdown is text, tags included. Images are named, not fetched.
//
// It reads what agents write: headings, lists, quotes, tables, fences, emphasis, code and links. Each line is looked at a
// bounded number of times, and nesting has an end, so that no text takes long.
'use strict';

/** How deep quotes and lists may nest. What is deeper is shown as its text. */
const DEEPEST = 8;

/** A text above this many bytes is shown as it is. */
const LONGEST_MARKDOWN = 400_000;

/** @param {string} text @param {string[]} [colors] of its first lines @returns {DocumentFragment} */
function markdown(text, colors = []) {
  const nodes = document.createDocumentFragment();
  if (text.length > LONGEST_MARKDOWN) add(nodes, make('pre', { class: 'plain' }, text));
  else blocks(text.replace(/\r\n?/g, '\n').split('\n'), nodes, 0, colors);
  return nodes;
}

/** A line with more characters is text: nobody writes a heading or a fence like that, and looking for one takes long. */
const LONGEST_MARK = 600;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const UNDERLINE = /^ {0,3}(={2,99}|-{2,99}) {0,9}$/;
const RULE = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const TABLE_RULE = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

/** @param {string[]} lines @param {Node} into @param {number} depth @param {string[]} [colors] of the lines */
function blocks(lines, into, depth, colors = []) {
  if (depth > DEEPEST) {
    add(into, make('pre', { class: 'plain' }, lines.join('\n')));
    return;
  }
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const isShort = line.length <= LONGEST_MARK;
    if (!line.trim()) {
      at += 1;
      continue;
    }
    const fence = isShort ? FENCE.exec(line) : null;
    if (fence) {
      at = codeBlock(lines, at, fence, into, colors);
      continue;
    }
    const heading = isShort ? HEADING.exec(line) : null;
    if (heading) {
      // The title and the part stand above: the headings of a text begin below those of the turns.
      const level = /** @type {'h4' | 'h5' | 'h6'} */ (`h${Math.min(6, heading[1].length + 3)}`);
      add(into, inline(make(level), heading[2] ?? ''));
      at += 1;
    } else if (isShort && RULE.test(line)) {
      add(into, make('hr'));
      at += 1;
    } else if (QUOTE.test(line)) {
      const inner = [];
      for (; at < lines.length && lines[at].trim() && (QUOTE.test(lines[at]) || !startsBlock(lines[at])); at += 1) {
        inner.push(lines[at].replace(QUOTE, ''));
      }
      const quote = make('blockquote');
      blocks(inner, quote, depth + 1);
      add(into, quote);
    } else if (BULLET.test(line)) {
      at = list(lines, at, into, depth);
    } else if (line.includes('|') && at + 1 < lines.length && lines[at + 1].includes('-') && lines[at + 1].length <= LONGEST_MARK && TABLE_RULE.test(lines[at + 1])
      && cells(line).length === cells(lines[at + 1]).length) {
      at = table(lines, at, into);
    } else if (/^(?: {4}|\t)/.test(line)) {
      const inner = [];
      for (; at < lines.length && (/^(?: {4}|\t)/.test(lines[at]) || !lines[at].trim()); at += 1) inner.push(lines[at].replace(/^(?: {4}|\t)/, ''));
      add(into, make('pre', { class: 'code' }, make('code', {}, inner.join('\n').trimEnd())));
    } else {
      const inner = [];
      for (; at < lines.length && lines[at].trim() && (!inner.length || !(startsBlock(lines[at]) || UNDERLINE.test(lines[at]))); at += 1) inner.push(lines[at].trim());
      const underline = inner.length === 1 && at < lines.length ? UNDERLINE.exec(lines[at]) : null;
      if (underline) {
        at += 1;
        add(into, inline(make(underline[1][0] === '=' ? 'h4' : 'h5'), inner[0]));
        continue;
      }
      add(into, inline(make('p'), inner.join('\n')));
    }
  }
}

/** @param {string} line */
function startsBlock(line) {
  if (line.length > LONGEST_MARK) return QUOTE.test(line) || /^ {0,3}[-*+] +\S/.test(line);
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || /^ {0,3}(?:[-*+]|1[.)])\s+\S/.test(line);
}

/** @param {string[]} lines @param {number} at @param {RegExpExecArray} fence @param {Node} into @param {string[]} colors of the lines */
function codeBlock(lines, at, fence, into, colors) {
  const indent = /^ */.exec(lines[at])?.[0].length ?? 0;
  const close = new RegExp(`^ {0,3}${fence[1][0]}{${fence[1].length},}\\s*$`);
  const inner = [];
  let next = at + 1;
  for (; next < lines.length && !close.test(lines[next]); next += 1) {
    inner.push(lines[next].replace(new RegExp(`^ {0,${indent}}`), ''));
  }
  const language = fence[2].trim();
  const code = make('code');
  if (/^(diff|patch)\b/i.test(language)) colourDiff(inner, code);
  else if (indent || !colors.slice(at + 1, next).some(Boolean)) add(code, inner.join('\n'));
  else inner.forEach((line, place) => painter(colors[at + 1 + place] ?? '')(code, place + 1 < inner.length ? `${line}\n` : line));
  add(into, make('div', { class: 'fence' }, language ? make('span', { class: 'language' }, language) : null,
    make('pre', { class: 'code' }, code)));
  return next + 1;
}

/** @param {string[]} lines @param {Node} into */
function colourDiff(lines, into) {
  for (const line of lines) {
    const kind = line[0] === '+' ? 'added' : line[0] === '-' ? 'removed' : line.startsWith('@@') ? 'hunk' : '';
    if (kind) add(into, make('span', { class: kind }, line), '\n');
    else add(into, `${line}\n`);
  }
}

/** @param {string[]} lines @param {number} at @param {Node} into @param {number} depth */
function list(lines, at, into, depth) {
  const first = /** @type {RegExpExecArray} */ (BULLET.exec(lines[at]));
  const ordered = /\d/.test(first[2]);
  const start = ordered ? parseInt(first[2], 10) : 1;
  const element = ordered ? make('ol', { start: start === 1 ? null : start }) : make('ul');
  const base = first[1].length;
  let next = at;
  while (next < lines.length) {
    const bullet = BULLET.exec(lines[next]);
    if (!bullet || bullet[1].length > base + 3 || /\d/.test(bullet[2]) !== ordered) break;
    const indent = bullet[0].length - (bullet[3].length > 4 ? bullet[3].length - 1 : 0);
    const inner = [lines[next].slice(bullet[0].length)];
    let blank = false;
    for (next += 1; next < lines.length; next += 1) {
      const line = lines[next];
      const spaces = /^ */.exec(line)?.[0].length ?? 0;
      if (!line.trim()) {
        blank = true;
        inner.push('');
        continue;
      }
      if (spaces >= Math.min(indent, base + 2) && spaces > base) inner.push(line.slice(Math.min(spaces, indent)));
      else if (!blank && !startsBlock(line) && !BULLET.test(line)) inner.push(line.trim());
      else break;
      blank = false;
    }
    const item = make('li');
    const task = /^\[([ xX])\]\s+/.exec(inner[0]);
    if (task) {
      const done = task[1] !== ' ';
      inner[0] = inner[0].slice(task[0].length);
      item.className = 'to-do';
      add(item, make('span', { class: 'box', role: 'img', 'aria-label': done ? 'done' : 'open' }, done ? '\u2611' : '\u2610'));
    }
    while (inner.length && !inner[inner.length - 1]) inner.pop();
    if (inner.length === 1) inline(item, inner[0]);
    else blocks(inner, item, depth + 1);
    add(element, item);
  }
  add(into, element);
  return next;
}

/** @param {string} line */
function cells(line) {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  const found = [''];
  for (let at = 0; at < inner.length; at += 1) {
    if (inner[at] === '\\' && inner[at + 1] === '|') {
      found[found.length - 1] += '|';
      at += 1;
    } else if (inner[at] === '|') {
      found.push('');
    } else {
      found[found.length - 1] += inner[at];
    }
  }
  return found.map(cell => cell.trim());
}

/** @param {string[]} lines @param {number} at @param {Node} into */
function table(lines, at, into) {
  const sides = cells(lines[at + 1]).map(rule => (rule.endsWith(':') ? (rule.startsWith(':') ? 'middle' : 'right') : ''));
  const row = (/** @type {string} */ line, /** @type {'th' | 'td'} */ name) => {
    const element = make('tr');
    const texts = cells(line);
    sides.forEach((side, place) => add(element, inline(make(name, { class: side || null }), texts[place] ?? '')));
    return element;
  };
  const body = make('tbody');
  const head = make('thead', {}, row(lines[at], 'th'));
  let next = at + 2;
  for (; next < lines.length && lines[next].includes('|') && lines[next].trim(); next += 1) add(body, row(lines[next], 'td'));
  add(into, make('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'table' }, make('table', {}, head, body)));
  return next;
}

// Inside a line

const TOKEN = new RegExp(
  [
    '\\\\([!-/:-@[-`{-~])', // 1: an escaped character
    '(`+)', // 2: code begins
    '(!?\\[)', // 3: a link or an image begins
    '<(https?://[^\\s<>]{1,2000})>', // 4: an address in brackets
    '(https?://[^\\s<>"\'`]{1,2000})', // 5: a bare address
    '(\\*{1,3}|_{1,3}|~~)', // 6: emphasis begins or ends
  ].join('|'),
  'g',
);

/**
 * Adds a line of Markdown to an element.
 * @template {Node} E
 * @param {E} element
 * @param {string} text
 * @param {number} [depth]
 * @returns {E}
 */
function inline(element, text, depth = 0) {
  /** What is open: the mark and the element that collects. @type {{mark: string, node: Node}[]} */
  const open = [{ mark: '', node: element }];
  const put = (/** @type {Child} */ child) => add(open[open.length - 1].node, child);
  const token = new RegExp(TOKEN);
  let from = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    if (match.index > from) put(text.slice(from, match.index));
    from = token.lastIndex;
    const [whole, escaped, ticks, bracket, address, bare, mark] = match;
    if (escaped) {
      put(escaped);
    } else if (ticks) {
      const end = closingTicks(text, from, ticks);
      if (end < 0) put(whole);
      else {
        put(make('code', {}, text.slice(from, end).replace(/\n/g, ' ').replace(/^ (.*\S.*) $/, '$1')));
        from = end + ticks.length;
      }
    } else if (bracket) {
      const link = depth < 3 ? linkAt(text, from) : null;
      if (!link) put(whole);
      else {
        put(bracket === '!['
          ? make('span', { class: 'image-name' }, 'image: ', link.text || 'without a name', ' (', link.address, ')')
          : outsideLink(link.address, [inline(document.createDocumentFragment(), link.text, depth + 1)]));
        from = link.end;
      }
    } else if (address) {
      put(outsideLink(address, []));
    } else if (bare) {
      // Signs at the end belong to the sentence, and so does a bracket that was not opened in the address.
      let end = bare.length;
      let balance = (bare.match(/\(/g) ?? []).length - (bare.match(/\)/g) ?? []).length;
      for (; end > 8 && '.,;:!?*_~)]'.includes(bare[end - 1]); end -= 1) {
        if (bare[end - 1] !== ')') continue;
        if (balance >= 0) break;
        balance += 1;
      }
      const clean = bare.slice(0, end);
      put(outsideLink(clean, []));
      from = match.index + clean.length;
    } else if (mark) {
      emphasis(text, match.index, mark, open, put);
    }
    token.lastIndex = from;
  }
  if (from < text.length) put(text.slice(from));
  // What was opened and never closed was no emphasis.
  while (open.length > 1) unwrap(open);
  return element;
}

/** @param {string} text @param {number} at @param {string} mark @param {{mark: string, node: Node}[]} open @param {(child: Child) => void} put */
function emphasis(text, at, mark, open, put) {
  const before = text[at - 1] ?? ' ';
  const after = text[at + mark.length] ?? ' ';
  const isBlank = (/** @type {string} */ letter) => /\s/.test(letter);
  const isSign = (/** @type {string} */ letter) => /[\p{P}\p{S}]/u.test(letter);
  // The rules of CommonMark: a mark leans on the word that it stands at, and an underscore inside a word is a letter.
  const leansRight = !isBlank(after) && (!isSign(after) || isBlank(before) || isSign(before));
  const leansLeft = !isBlank(before) && (!isSign(before) || isBlank(after) || isSign(after));
  const opens = mark[0] === '_' ? leansRight && (!leansLeft || isSign(before)) : leansRight;
  const closes = mark[0] === '_' ? leansLeft && (!leansRight || isSign(after)) : leansLeft;
  const place = open.findLastIndex(one => one.mark === mark);
  if (place > 0 && closes) {
    while (open.length - 1 > place) unwrap(open);
    open.pop();
  } else if (opens && open.length < DEEPEST) {
    const name = mark === '~~' ? 'del' : mark.length === 1 ? 'em' : 'strong';
    const node = make(name);
    put(node);
    open.push({ mark, node: mark.length === 3 ? node.appendChild(make('em')) : node });
  } else {
    put(mark);
  }
}

/** @param {{mark: string, node: Node}[]} open */
function unwrap(open) {
  const last = open.pop();
  if (!last) return;
  const outer = last.mark.length === 3 && last.mark !== '~~' ? /** @type {Element} */ (last.node.parentElement) : /** @type {Element} */ (last.node);
  const inner = document.createDocumentFragment();
  inner.append(last.mark);
  while (last.node.firstChild) inner.append(last.node.firstChild);
  outer.replaceWith(inner);
}

/** @param {string} text @param {number} from @param {string} ticks */
function closingTicks(text, from, ticks) {
  // An unclosed run is looked for once in a bounded stretch, so that many of them cost no more than their length.
  const end = Math.min(text.length, from + 2000);
  for (let at = text.indexOf(ticks, from); at >= 0 && at < end; ) {
    let run = ticks.length;
    while (text[at + run] === '`') run += 1;
    if (run === ticks.length) return at;
    at = text.indexOf(ticks, at + run);
  }
  return -1;
}

/** @param {string} text @param {number} from after the bracket */
function linkAt(text, from) {
  let depth = 1;
  let at = from;
  for (const end = Math.min(text.length, from + 600); at < end && depth; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '[') depth += 1;
    else if (text[at] === ']') depth -= 1;
  }
  if (depth || text[at] !== '(') return null;
  const address = addressAt(text, at + 1);
  return address && { text: text.slice(from, at - 1), ...address };
}

/** Reads the address of a link, and its title, which is not shown. @param {string} text @param {number} from after the bracket */
function addressAt(text, from) {
  let depth = 0;
  let at = from;
  for (const end = Math.min(text.length, from + 1000); at < end && !/\s/.test(text[at]); at += 1) {
    if (text[at] === '(') depth += 1;
    else if (text[at] === ')' && (depth -= 1) < 0) break;
  }
  const address = text.slice(from, at).replace(/^<(.*)>$/, '$1');
  const rest = /^(?:\s{1,9}(?:"[^"]{0,300}"|'[^']{0,300}'))?\s{0,9}\)/.exec(text.slice(at, at + 400));
  return rest ? { address, end: at + rest[0].length } : null;
}
