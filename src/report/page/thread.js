// @ts-check
// Shows a conversation, the main one or an agent's: its turns, what of them is shown, and the list of its prompts.
'use strict';

/** @typedef {'all' | 'open' | 'talk' | 'prompts'} Filter */

/** @type {[Filter, string][]} */
const FILTERS = [['all', 'everything'], ['open', 'everything, unfolded'], ['talk', 'no tool calls'], ['prompts', 'only prompts']];

/** How many items, and how many pixels, a block of a conversation has at most. */
const BLOCK_ITEMS = 12;
const BLOCK_HEIGHT = 1100;

/** What of a conversation is shown. It holds for all of them, until the reader changes it. */
let filter = /** @type {Filter} */ ('all');

/** @param {Report} report @param {number} item @param {Filter} by */
function passes(report, item, by) {
  const kind = report.kinds[item];
  if (by === 'prompts') return 'pkx'.includes(kind);
  if (by === 'talk') return 'pakxi'.includes(kind);
  return true;
}

/** Guesses how tall an item is, in pixels. @param {Report} report @param {number} item */
function guessHeight(report, item) {
  const kind = report.kinds[item];
  if (kind === 'i') return 340;
  if (kind === 'x') return 70;
  if (isFoldable(report, item)) {
    const inside = filter === 'open' ? 140 + Math.min(report.lines?.[item] ?? 0, FIRST_OUTPUT) * 19 : 0;
    return (report.agents.has(item) ? 66 : 37) + inside;
  }
  const bytes = Math.min(report.bytes[item], report.bytes[item] > LONG_TEXT ? LONG_TEXT / 4 : LONG_TEXT);
  const lines = Math.max(Math.min(report.lines?.[item] ?? 1, bytes / 8), bytes / 90);
  return 70 + lines * 22;
}

class ThreadView {
  /**
   * @param {Report} report @param {number} thread
   * @param {(filter: Filter) => void} refilter draws the view again
   */
  constructor(report, thread, refilter) {
    this.report = report;
    this.thread = thread;
    const { from, count: many } = report.threads[thread];
    this.items = [];
    for (let item = from; item < from + many; item += 1) if (passes(report, item, filter)) this.items.push(item);
    this.host = make('div');
    this.feed = new Feed(this.host, this.blocks(), 'turns', { role: 'feed', class: 'feed', 'aria-label': `Turns of ${threadTitle(report.threads[thread])}` });
    const left = many - this.items.length;
    this.toolbar = make('div', { class: 'toolbar' },
      choice('Show', FILTERS, filter, value => refilter(/** @type {Filter} */ (value))),
      make('span', { class: 'dim' }, left ? `${number(this.items.length)} of ${count(many, 'item')}` : count(many, 'item')));
    if (!this.items.length) add(this.host, make('p', { class: 'dim' }, many ? 'Nothing of this kind.' : 'This conversation is empty.'));
  }

  /** @returns {Block[]} */
  blocks() {
    const { report, items } = this;
    /** @type {Block[]} */
    const blocks = [];
    for (let at = 0; at < items.length; ) {
      const from = at;
      let height = 0;
      for (; at < items.length && at - from < BLOCK_ITEMS && height < BLOCK_HEIGHT; at += 1) height += guessHeight(report, items[at]);
      const to = at;
      blocks.push({ from, to, height, fill: () => this.fill(from, to) });
    }
    return blocks;
  }

  /** @param {number} from @param {number} to */
  async fill(from, to) {
    const nodes = document.createDocumentFragment();
    // What lies in several chunks is unpacked side by side.
    for (let at = from; at < to; at += 1) if (!isFoldable(this.report, this.items[at])) this.report.fetch(this.items[at]);
    for (let at = from; at < to; at += 1) {
      nodes.append(await turn(this.report, this.items[at], { place: at + 1, of: this.items.length, before: this.items[at - 1], open: filter === 'open' }));
    }
    return nodes;
  }

  /** Shows the first page of turns. */
  start() {
    if (this.items.length) this.feed.show(0);
  }

  /**
   * Shows an item at the top of the screen.
   * @param {number} item
   * @returns {Promise<HTMLElement | null>} its element; none if it is not among those that are shown
   */
  async reach(item) {
    const place = lowerBound(this.items, item);
    if (this.items[place] !== item) return null;
    return this.feed.reach(place, `r${item}`);
  }

  /** The prompts, as links. @returns {HTMLElement | null} */
  contents() {
    const { report } = this;
    const { from, count: many } = report.threads[this.thread];
    const entries = [];
    for (let item = from; item < from + many; item += 1) {
      for (const name of report.checkpoints.get(item) ?? []) entries.push({ item, name });
      if (report.kinds[item] === 'p' || report.compactions.has(item)) entries.push({ item, name: '' });
    }
    if (entries.length < 2) return null;
    const list = make('ol', { class: 'contents' });
    for (let at = 0; at < entries.length; at += 100) {
      const part = entries.slice(at, at + 100);
      const fill = () => {
        const nodes = document.createDocumentFragment();
        for (const { item, name } of part) add(nodes, name ? this.checkpoint(item, name) : this.entry(item));
        return nodes;
      };
      if (entries.length <= 100) add(list, fill());
      else add(list, make('li', { class: 'group' }, lazily(make('ol', { class: 'slot' }), part.length * 30, fill)));
    }
    const prompts = entries.filter(({ item, name }) => !name && report.kinds[item] === 'p').length;
    return sidebar(count(prompts, 'prompt'), list);
  }

  /** @param {number} item @param {string} name */
  checkpoint(item, name) {
    return make('li', { class: 'mark' }, make('a', { href: `#r${item}` }, shown(`Checkpoint: ${name}`)), moment(this.report.time[item]));
  }

  /** @param {number} item */
  entry(item) {
    const { report } = this;
    const isPrompt = report.kinds[item] === 'p';
    // The mark of a compaction has no words; the summary behind it has.
    const text = report.aboutOf(item) || (isPrompt ? 'Prompt' : report.kinds[item + 1] === 'k' ? report.aboutOf(item + 1) : '');
    return make('li', { class: isPrompt ? null : 'mark' },
      make('a', { href: `#r${item}` }, isPrompt ? text : `Compaction${text ? `: ${text}` : ''}`), moment(report.time[item]));
  }
}

/** @param {ArrayLike<number>} list sorted @param {number} value */
function lowerBound(list, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What stands beside a part. On a narrow screen it is folded above it. @param {string} title @param {...Child} children */
function sidebar(title, ...children) {
  const details = make('details', { class: 'side' }, make('summary', {}, title), make('nav', { 'aria-label': title }, ...children));
  details.open = window.matchMedia('(min-width: 900px)').matches;
  return details;
}

/** Marks the entry of the list that stands for what is on the screen. @param {Element | null} list @param {string} href */
function markCurrent(list, href) {
  if (!list) return;
  const now = list.querySelector(`a[href="${href}"]`);
  for (const old of list.querySelectorAll('a[aria-current]')) if (old !== now) old.removeAttribute('aria-current');
  if (!now || now.hasAttribute('aria-current')) return;
  now.setAttribute('aria-current', 'true');
  const side = now.closest('.side');
  if (!side) return;
  const box = now.getBoundingClientRect();
  const frame = side.getBoundingClientRect();
  if (box.top < frame.top || box.bottom > frame.bottom) side.scrollTop += box.top - frame.top - frame.height / 3;
}
