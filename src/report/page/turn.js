// @ts-check
// Shows one item of a conversation: a prompt, an answer, a call of a tool, or what lies between them.
'use strict';

/** What each kind of item is called. @type {Record<string, string>} */
const KINDS = { p: 'Prompt', a: 'Answer', t: 'Thinking', c: 'Tool call', s: 'Note', k: 'Compaction', x: 'Compaction', i: 'Image' };

/** A text with more bytes is folded at first. */
const LONG_TEXT = 24_000;

/** How many lines of an output are shown at first, and how many a block of the others has. */
const FIRST_OUTPUT = 200;
const OUTPUT_BLOCK = 400;

/** A line of an output is shown up to this many characters at first. */
const LONG_LINE = 4000;

/** What the reader has unfolded, by item. It stays unfolded when the item is drawn again. @type {Set<number>} */
const unfolded = new Set();

/** @param {Report} report @param {number} item */
function isFoldable(report, item) {
  return 'tcsk'.includes(report.kinds[item]);
}

/**
 * Shows an item.
 * @param {Report} report @param {number} item @param {{place: number, of: number, before?: number, open?: boolean}} where `before` is the item above it
 * @returns {Promise<HTMLElement>}
 */
async function turn(report, item, { place, of, before, open = false }) {
  const kind = report.kinds[item];
  const article = make('article', {
    id: `r${item}`, class: `turn ${turnClass(report, item)}`, tabindex: -1,
    'aria-posinset': place, 'aria-setsize': of, 'aria-labelledby': `h${item}`,
  });
  add(article, newDay(report, item, before));
  if (isFoldable(report, item)) {
    add(article, foldable(report, item));
    const details = article.querySelector('details');
    if (open && details) await unfold(details);
  } else if (kind === 'x') add(article, make('p', { class: 'fold cut-line' }, make('b', { id: `h${item}` }, 'Compaction'), ' ', report.aboutOf(item), turnPlace(report, item)));
  else if (kind === 'i') add(article, turnHead(report, item), await picture(report, item));
  else add(article, turnHead(report, item), await prose(report, item));
  return article;
}

/** The day, where it is not that of the item above. @param {Report} report @param {number} item @param {number} [before] */
function newDay(report, item, before) {
  if (!report.time[item] || (before !== undefined && !report.time[before])) return null;
  const day = (/** @type {number} */ of) => new Date(report.time[of] * 1000).toISOString().slice(0, 10);
  if (before !== undefined && day(before) === day(item)) return null;
  return make('p', { class: 'day' }, make('span', {}, day(item)));
}

/** @param {Report} report @param {number} item */
function turnClass(report, item) {
  const names = { p: 'prompt', a: 'answer', t: 'thinking', c: 'call', s: 'note', k: 'compaction', x: 'compaction', i: 'image' };
  const name = names[/** @type {keyof typeof names} */ (report.kinds[item])] ?? 'note';
  return report.failed.has(item) ? `${name} failed` : name;
}

/** @param {Report} report @param {number} item @param {Child} [extra] */
function turnHead(report, item, extra) {
  const kind = report.kinds[item];
  const label = report.labelOf(item);
  const words = kind === 'p' ? 'You' : kind === 'a' ? 'Claude' : kind === 'i' ? 'Image' : KINDS[kind];
  const name = make('h3', { id: `h${item}` }, kind === 'p' && label && !/^(prompt|user)$/i.test(label) ? label : words);
  const model = kind === 'a' ? report.string(report.model, item) : '';
  return make('header', {}, name, model ? make('span', { class: 'dim' }, model) : null, extra, turnPlace(report, item));
}

/** The time of an item, and its address. @param {Report} report @param {number} item */
function turnPlace(report, item) {
  return make('span', { class: 'place' }, moment(report.time[item]),
    make('a', { href: `#r${item}`, class: 'anchor', 'aria-label': `link to this turn, ${number(item + 1)}` }, `#${item + 1}`));
}

/** The text of a prompt or an answer. @param {Report} report @param {number} item */
async function prose(report, item) {
  const body = make('div', { class: 'prose' });
  if (report.emptied.has(item)) add(body, make('p', { class: 'dim' }, 'This text was left out of the page.'));
  if (!report.bytes[item]) return body;
  const text = await report.textOf(item);
  const colors = await report.colorsAt(report.colors.get(item));
  if (text.length <= LONG_TEXT || unfolded.has(item)) {
    add(body, text.length > LONGEST_MARKDOWN ? output(text) : markdown(text, colors));
    return body;
  }
  const cut = text.lastIndexOf('\n', LONG_TEXT / 4);
  add(body, markdown(text.slice(0, cut > 1000 ? cut : LONG_TEXT / 4), colors));
  add(body, button(`Show all ${count(report.lines?.[item] ?? 0, 'line')}, ${size(report.bytes[item])}`, () => {
    unfolded.add(item);
    keepSlots(body);
    body.replaceChildren(text.length > LONGEST_MARKDOWN ? output(text) : markdown(text, colors));
  }, { class: 'more', 'data-left': `The rest of ${count(report.lines?.[item] ?? 0, 'line')} is not printed` }));
  return body;
}

/** @param {Report} report @param {number} item */
async function picture(report, item) {
  const name = report.aboutOf(item) || 'image of the conversation';
  const types = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
  let bytes;
  try {
    bytes = fromBase64((await report.textOf(item)).trim());
  } catch {
    return make('p', { class: 'problem' }, 'This image cannot be read.');
  }
  const type = imageType(bytes);
  if (!types.includes(type)) return make('p', { class: 'problem' }, `This image is of a kind that is not shown (${report.labelOf(item)}).`);
  const address = URL.createObjectURL(new Blob([bytes], { type }));
  const image = make('img', { alt: name, loading: 'lazy' });
  image.addEventListener('load', () => URL.revokeObjectURL(address));
  image.addEventListener('error', () => image.replaceWith(make('p', { class: 'problem' }, 'This image is damaged.')));
  image.src = address;
  return make('figure', {}, image, make('figcaption', {}, `${name}, ${size(bytes.length)}`));
}

/** Says what an image is by its first bytes: a label may lie. @param {Uint8Array} bytes */
function imageType(bytes) {
  const begins = (/** @type {number[]} */ ...start) => start.every((byte, place) => bytes[place] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png';
  if (begins(0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (begins(0x47, 0x49, 0x46, 0x38)) return 'image/gif';
  if (begins(0x52, 0x49, 0x46, 0x46) && bytes[8] === 0x57 && bytes[9] === 0x45 && bytes[10] === 0x42 && bytes[11] === 0x50) return 'image/webp';
  return '';
}

/** What fills a folded item. @type {WeakMap<Element, () => Promise<void>>} */
const fillers = new WeakMap();

/** Unfolds an item, and waits for its text. @param {HTMLDetailsElement} details */
async function unfold(details) {
  details.open = true;
  await fillers.get(details)?.();
}

/** A folded item: its line, and its text on demand. @param {Report} report @param {number} item */
function foldable(report, item) {
  const details = make('details', {});
  const body = make('div', { class: 'body' });
  add(details, summaryOf(report, item), body);
  /** @type {Promise<void> | null} */
  let filled = null;
  const fill = () => {
    filled ??= (async () => {
      try {
        body.replaceChildren(await bodyOf(report, item));
      } catch (error) {
        body.replaceChildren(make('p', { class: 'problem' }, error instanceof Error ? error.message : String(error)));
      }
    })();
    return filled;
  };
  fillers.set(details, fill);
  details.addEventListener('toggle', () => {
    if (details.open) {
      unfolded.add(item);
      void fill();
    } else {
      unfolded.delete(item);
    }
  });
  if (unfolded.has(item)) details.open = true;
  const nodes = document.createDocumentFragment();
  // The address stands beside the summary: a button must not hold a link.
  add(nodes, make('div', { class: 'fold' }, details, turnPlace(report, item)), agentLink(report, item));
  return nodes;
}

/** @param {Report} report @param {number} item */
function summaryOf(report, item) {
  const kind = report.kinds[item];
  const summary = make('summary', {});
  const head = make('h3', { id: `h${item}` });
  const label = report.labelOf(item);
  const about = report.aboutOf(item);
  const file = report.fileOf(item);
  if (kind === 'c') add(head, make('b', {}, label || 'Tool'));
  else if (kind === 'k') add(head, make('b', {}, 'Compaction'), ' ', about ? '' : label);
  else if (kind === 't') add(head, make('b', {}, 'Thinking'));
  else add(head, make('b', {}, label || KINDS[kind]));
  if (file) add(head, ' ', make('code', { class: 'path' }, file));
  if (about && about !== file) add(head, ' ', kind === 'c' ? make('code', {}, about) : make('span', {}, about));
  add(summary, head, make('span', { class: 'facts' },
    report.failed.has(item) ? make('span', { class: 'badge bad' }, 'failed') : null,
    report.open.has(item) ? make('span', { class: 'badge' }, 'no result') : null,
    report.emptied.has(item) ? make('span', { class: 'badge' }, 'left out') : null,
    (report.took?.[item] ?? 0) >= 10 ? make('span', { class: 'dim' }, duration(report.took?.[item] ?? 0)) : null,
    report.lines?.[item] ? make('span', { class: 'dim' }, count(report.lines[item], 'line')) : null));
  return summary;
}

/** @param {Report} report @param {number} item */
function agentLink(report, item) {
  const thread = report.agents.get(item);
  const agent = thread === undefined ? null : report.threads[thread];
  if (!agent) return null;
  return make('p', { class: 'follow' }, make('a', { href: `#a${thread}` }, `Conversation of the agent: ${threadTitle(agent)}`),
    make('span', { class: 'dim' }, ` ${count(agent.count, 'item')}${agent.status ? `, ${agent.status}` : ''}`));
}

/** @param {Report} report @param {number} item @returns {Promise<Node>} */
async function bodyOf(report, item) {
  const nodes = document.createDocumentFragment();
  if (report.emptied.has(item)) add(nodes, make('p', { class: 'dim' }, 'Its text was left out of the page.'));
  if (!report.bytes[item]) {
    if (report.kinds[item] === 't') add(nodes, make('p', { class: 'dim' }, 'The client keeps no text of this thinking.'));
    else if (!report.emptied.has(item)) add(nodes, make('p', { class: 'dim' }, 'No text.'));
    return nodes;
  }
  if (report.kinds[item] !== 'c') {
    const text = await report.textOf(item);
    add(nodes, written(report.formOf(item), text, await report.colorsAt(report.colors.get(item))));
    return nodes;
  }
  const { input, output: result } = await report.callOf(item);
  if (input) add(nodes, make('h4', { class: 'small' }, 'Input'), written(report.formOf(item), input, await report.colorsAt(report.colors.get(item))));
  if (result) add(nodes, make('h4', { class: 'small' }, report.failed.has(item) ? 'Output, failed' : 'Output'), output(result));
  else add(nodes, make('p', { class: 'dim' }, report.open.has(item) ? 'The call has no result.' : 'No output.'));
  const edits = report.editsOf.get(item);
  if (edits) {
    add(nodes, make('p', { class: 'follow' }, 'Changes that are pending: ',
      ...edits.flatMap((edit, place) => [place ? ', ' : '', make('a', { href: `#e${edit}` }, report.edits[edit].path)])));
  }
  return nodes;
}

/** Shows a text as what it is. @param {string} form @param {string} text @param {string[]} colors of its first lines */
function written(form, text, colors) {
  if (form === 'd') return diffView(text, false, colors);
  return form === 'm' && text.length < LONGEST_MARKDOWN ? make('div', { class: 'prose' }, markdown(text, colors)) : output(text);
}

/**
 * A plain text of any length: its first lines, and the others on demand.
 * @param {string} text
 * @returns {HTMLElement}
 */
function output(text) {
  const box = make('div', { class: 'output' });
  const lines = text.replace(/\r\n/g, '\n').replace(/\n$/, '').split('\n');
  const coloured = text.includes('\u001b[');
  const block = (/** @type {string[]} */ part, /** @type {boolean} */ whole) => {
    const pre = make('pre');
    const cut = whole ? part : part.map(line => (line.length > LONG_LINE ? `${line.slice(0, LONG_LINE)}…` : line));
    if (coloured) ansi(cut.join('\n'), pre);
    else add(pre, cut.join('\n'));
    return pre;
  };
  const head = lines.slice(0, FIRST_OUTPUT);
  const isCut = lines.length > FIRST_OUTPUT || head.some(line => line.length > LONG_LINE);
  add(box, block(head, !isCut));
  if (!isCut) return box;
  const wrapper = make('div', {}, box);
  const all = button(`Show all ${count(lines.length, 'line')}, ${size(new Blob([text]).size)}`, () => {
    keepSlots(box);
    box.replaceChildren();
    for (let at = 0; at < lines.length; at += OUTPUT_BLOCK) {
      const part = lines.slice(at, at + OUTPUT_BLOCK);
      box.append(lines.length <= OUTPUT_BLOCK ? block(part, true) : lazily(make('div', { class: 'slot' }), part.length * 19, () => block(part, true)));
    }
    all.remove();
  }, { class: 'more', 'data-left': `The rest of ${count(lines.length, 'line')} is not printed` });
  wrapper.append(all);
  return wrapper;
}

/** The colours of a terminal. Its other commands are shown as text. @param {string} text @param {Node} into */
function ansi(text, into) {
  let style = { colour: '', bold: false };
  let from = 0;
  const put = (/** @type {number} */ end) => {
    if (end <= from) return;
    const part = text.slice(from, end);
    const names = [style.colour, style.bold ? 'bold' : ''].filter(Boolean).join(' ');
    add(into, names ? make('span', { class: names }, part) : part);
  };
  for (const match of text.matchAll(/\u001b\[([\d;]*)m/g)) {
    put(match.index);
    from = match.index + match[0].length;
    for (const code of match[1].split(';').map(Number)) {
      if (code === 0) style = { colour: '', bold: false };
      else if (code === 1) style = { ...style, bold: true };
      else if (code === 22) style = { ...style, bold: false };
      else if (code === 39) style = { ...style, colour: '' };
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style = { ...style, colour: `ansi${code % 10}` };
      else if (code === 38 || code === 48) break;
    }
  }
  put(text.length);
}
