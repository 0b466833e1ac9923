// @ts-check
// The search: its field, its list of hits, and the way to each of them.
'use strict';

/** How many hits are listed at a time. */
const LISTED = 100;

/** How many characters are looked for at least: one letter is in every line. */
const SHORTEST = 2;

class Find {
  /**
   * @param {Report} report
   * @param {(hash: string, text: string) => void} go
   * @param {() => number} currentThread the conversation on the screen, or -1
   */
  constructor(report, go, currentThread) {
    this.report = report;
    this.go = go;
    this.currentThread = currentThread;
    this.search = new Search(report);
    this.scope = 'all';
    this.text = '';
    this.shown = 0;
    /** @type {Found[]} */
    this.found = [];
    /** @type {number | undefined} */
    this.timer = undefined;
    this.field = make('input', {
      type: 'search', id: 'find-field', placeholder: 'Search everything', 'aria-label': 'Search everything',
      'aria-controls': 'find', autocomplete: 'off', spellcheck: 'false', 'aria-keyshortcuts': '/',
    });
    this.counts = make('p', { class: 'find-counts', role: 'status', 'aria-live': 'polite' });
    this.list = make('ol', { class: 'found' });
    this.more = make('div', {});
    this.panel = make('section', { id: 'find', class: 'find', 'aria-label': 'Search results', hidden: true },
      make('div', { class: 'find-head' }, this.counts,
        choice('In', [['all', 'everything'], ['thread', 'this conversation'], ['talk', 'prompts and answers'], ['edits', 'edits']], 'all', value => {
          this.scope = value;
          this.start();
        }),
        button('Close', () => this.close(), { class: 'quiet' })),
      this.list, this.more,
      make('p', { class: 'dim small' }, 'Looks in prompts, answers, thinking, calls and their outputs, agents, edits, tasks and grants, folded or not. The browser\'s own search finds only what is near the screen.'));
    this.field.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.start(), 160);
    });
    this.field.addEventListener('keydown', event => {
      if (event.key === 'Enter') {
        event.preventDefault();
        clearTimeout(this.timer);
        this.panel.hidden = this.field.value.trim() === '';
        if (this.text === this.field.value) /** @type {HTMLElement | null} */ (this.list.querySelector('a'))?.focus();
        else this.start();
      } else if (event.key === 'ArrowDown') {
        event.preventDefault();
        this.panel.hidden = this.text.trim() === '';
        /** @type {HTMLElement | null} */ (this.list.querySelector('a'))?.focus();
      }
    });
    this.panel.addEventListener('keydown', event => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      const links = [...this.list.querySelectorAll('a')];
      const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
      if (at < 0) return;
      event.preventDefault();
      const next = links[at + (event.key === 'ArrowDown' ? 1 : -1)];
      (next ?? this.field).focus();
    });
  }

  close() {
    this.panel.hidden = true;
    this.search.stop();
  }

  /** @param {number} owner an item, or -1 - edit */
  within(owner) {
    const { report, scope } = this;
    if (scope === 'edits') return owner < 0;
    if (scope === 'talk') return owner >= 0 && 'pa'.includes(report.kinds[owner]);
    if (scope === 'thread') {
      const thread = report.threads[Math.max(0, this.currentThread())];
      return owner >= 0 && owner >= thread.from && owner < thread.from + thread.count;
    }
    return true;
  }

  start() {
    const text = this.field.value.trim();
    this.text = this.field.value;
    this.search.stop();
    delete this.panel.dataset.took;
    this.list.replaceChildren();
    this.more.replaceChildren();
    this.found = [];
    this.shown = 0;
    this.panel.hidden = text === '';
    if (text.length < SHORTEST) {
      this.counts.textContent = text ? `Type at least ${SHORTEST} characters.` : '';
      return;
    }
    const extra = this.scope === 'all' ? this.elsewhere(text) : [];
    for (const { hash, where, words } of extra) add(this.list, this.entry(hash, where, words, '', '', '', 0));
    const names = this.namesWith(text);
    this.counts.textContent = 'Searching';
    const begun = performance.now();
    let told = begun;
    void this.search.run(text, owner => this.within(owner), progress => {
      this.found = progress.found;
      const finished = progress.done === progress.of;
      if (finished) {
        this.withNames(names);
        this.panel.dataset.took = String(Math.round(performance.now() - begun));
      }
      if (!finished && performance.now() - told < 200 && this.shown) return;
      told = performance.now();
      this.extend(this.shown < LISTED ? LISTED - this.shown : 0, text);
      const places = Math.max(progress.places, this.found.length) + extra.length;
      this.counts.textContent = `${count(progress.hits, 'hit')} in ${count(places, 'place')}${finished ? '' : `, ${Math.round((100 * progress.done) / progress.of)} % searched`}`
        + (progress.error ? '. Some of the text cannot be read.' : '');
    }).catch(error => {
      this.counts.textContent = error instanceof Error ? error.message : String(error);
    });
  }

  /** The items whose file or tool has a text in its name. @param {string} text @returns {number[]} */
  namesWith(text) {
    const { report } = this;
    const wanted = text.toLowerCase();
    const strings = new Set();
    report.strings.forEach((string, place) => string.toLowerCase().includes(wanted) && strings.add(place));
    const items = [];
    for (let item = 0; item < report.count; item += 1) {
      if ((report.file && strings.has(report.file[item])) || (report.label && strings.has(report.label[item]))) {
        if (this.within(item)) items.push(item);
      }
    }
    return items;
  }

  /** Adds items that are found by a name alone. @param {number[]} items */
  withNames(items) {
    const have = new Set(this.found.map(({ owner }) => owner));
    const also = items.filter(item => !have.has(item)).map(item => ({ owner: item, hits: 0, before: '', match: '', after: '' }));
    if (!also.length) return;
    this.found = [...this.found, ...also];
  }

  /** What the index itself says: tasks, grants, files. @param {string} text */
  elsewhere(text) {
    const { index, tasks, edits, threads } = this.report;
    const wanted = text.toLowerCase();
    /** @type {{hash: string, where: string, words: string}[]} */
    const hits = [];
    const look = (/** @type {string} */ hash, /** @type {string} */ where, /** @type {string} */ words) => {
      if (words.toLowerCase().includes(wanted) && hits.length < 50) hits.push({ hash, where, words: words.slice(0, 300) });
    };
    tasks.forEach(task => look('#tasks', 'Task', `${task.subject} ${task.description ?? ''}`));
    threads.forEach((thread, place) => thread.kind !== 'main' && look(`#a${place}`, 'Agent', `${thread.name} ${thread.about ?? ''}`));
    edits.forEach((edit, place) => look(`#e${place}`, 'File', edit.path));
    (index.grants ?? []).forEach(grant => look('#grants', 'Grant', grant.text));
    (index.decisions ?? []).forEach(decision => look('#grants', 'Decision', decision.text));
    (index.not_saved ?? []).forEach(line => look('#grants', 'Not saved', line));
    return hits;
  }

  /** Lists more hits. @param {number} many @param {string} text */
  extend(many, text) {
    const { report } = this;
    const end = Math.min(this.found.length, this.shown + many);
    for (; this.shown < end; this.shown += 1) {
      const { owner, hits, before, match, after } = this.found[this.shown];
      const thread = owner >= 0 ? report.threads[report.threadOf(owner)] : null;
      const where = owner < 0
        ? report.edits[-1 - owner].path
        : `#${owner + 1} ${report.labelOf(owner) || KINDS[report.kinds[owner]]}${thread && thread.kind !== 'main' ? `, ${threadTitle(thread)}` : ''}`;
      const words = hits ? before.replace(/\s+/g, ' ') : report.fileOf(owner) || report.aboutOf(owner);
      add(this.list, this.entry(owner < 0 ? `#e${-1 - owner}` : `#r${owner}`, where, words, match, after.replace(/\s+/g, ' '), text, hits));
    }
    const left = this.found.length - this.shown;
    this.more.replaceChildren();
    if (left) add(this.more, button(`Show ${number(Math.min(left, LISTED))} of ${number(left)} more`, () => this.extend(LISTED, text), { class: 'more' }));
  }

  /** @param {string} hash @param {string} where @param {string} before @param {string} match @param {string} after @param {string} text @param {number} hits */
  entry(hash, where, before, match, after, text, hits) {
    const link = make('a', { href: hash },
      make('span', { class: 'where' }, where, hits > 1 ? make('span', { class: 'dim' }, ` ${number(hits)} hits`) : null),
      make('span', { class: 'words' }, before, match ? make('mark', {}, match) : null, after));
    link.addEventListener('click', event => {
      event.preventDefault();
      for (const old of this.list.querySelectorAll('[aria-current]')) old.removeAttribute('aria-current');
      link.setAttribute('aria-current', 'true');
      if (window.innerWidth < 900) this.panel.hidden = true;
      this.go(hash, text);
    });
    return make('li', {}, link);
  }
}

/**
 * Unfolds what a text stands in, marks it, and shows it.
 * @param {HTMLElement} root a turn or a file
 * @param {string} text
 */
async function showMatch(root, text) {
  const wanted = text.toLowerCase();
  const details = root.querySelector('details');
  if (details) await unfold(details);
  let ranges = rangesOf(root, wanted);
  for (let turns = 0; !ranges.length && turns < 20; turns += 1) {
    const more = /** @type {HTMLElement[]} */ ([...root.querySelectorAll('button.more')]);
    for (const press of more) press.click();
    for (const slot of root.querySelectorAll('.slot')) {
      await fillSlot(slot);
      ranges = rangesOf(slot, wanted);
      if (ranges.length) break;
    }
    if (!more.length) break;
    if (!ranges.length) ranges = rangesOf(root, wanted);
  }
  const highlights = /** @type {any} */ (CSS).highlights;
  if (highlights) {
    highlights.delete('found');
    if (ranges.length) highlights.set('found', new /** @type {any} */ (window).Highlight(...ranges));
  }
  const box = ranges[0]?.getBoundingClientRect();
  if (box && (box.top < 120 || box.bottom > window.innerHeight - 40)) window.scrollBy(0, box.top - window.innerHeight / 3);
}

/** Where a text stands, even if parts of it are emphasised. @param {Element} root @param {string} wanted in lower case @returns {Range[]} */
function rangesOf(root, wanted) {
  const nodes = /** @type {Node[]} */ ([]);
  const starts = /** @type {number[]} */ ([]);
  let all = '';
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    nodes.push(node);
    starts.push(all.length);
    all += node.nodeValue ?? '';
  }
  const low = all.toLowerCase();
  const point = (/** @type {number} */ at, /** @type {boolean} */ end) => {
    const place = Math.max(0, lowerBound(starts, end ? at : at + 1) - 1);
    return { node: nodes[place], at: Math.min(at - starts[place], (nodes[place].nodeValue ?? '').length) };
  };
  const ranges = [];
  for (let at = low.indexOf(wanted); at >= 0 && ranges.length < 500; at = low.indexOf(wanted, at + wanted.length)) {
    const range = document.createRange();
    const from = point(at, false);
    const to = point(at + wanted.length, true);
    range.setStart(from.node, from.at);
    range.setEnd(to.node, to.at);
    ranges.push(range);
  }
  return ranges;
}
