// @ts-check
// Starts the page: its bar, its parts, their addresses, the keyboard and printing.
'use strict';

/** @type {[string, string][]} */
const PARTS = [
  ['overview', 'Overview'], ['conversation', 'Conversation'], ['agents', 'Agents'], ['edits', 'Edits'], ['tasks', 'Tasks'],
  ['grants', 'Grants'], ['timeline', 'Time line'], ['replay', 'Replay'],
];

/** A session below this many bytes is in the page as a whole, so that the browser's own search finds everything. */
const SMALL = 1_500_000;

/** More than this is not printed in one go. */
const PRINTABLE = 20_000_000;

class App {
  /** @param {Report} report @param {HTMLElement} main */
  constructor(report, main) {
    this.report = report;
    this.main = main;
    this.part = '';
    this.thread = -1;
    /** The address that what is on the screen belongs to. */
    this.address = '';
    /** How often something was asked for. What was asked for later stops what is under way. */
    this.asked = 0;
    /** @type {ThreadView | EditsView | Replay | null} */
    this.view = null;
    this.find = new Find(report, (hash, text) => this.go(hash, text), () => this.thread);
    main.querySelector('.noscript')?.remove();
    (main.querySelector('.lead') ?? main.querySelector('h1'))?.after(figures(report));
    /** The nodes of the overview. They stay where they are until the reader leaves it: what is drawn is not drawn again. */
    this.overview = [...main.childNodes];
    for (const time of main.querySelectorAll('time')) time.dataset.day = '1';
    this.status = make('p', { class: 'status', role: 'status' });
    this.shortcuts = remembered('keys') !== 'off';
    keepAll = report.totalBytes < SMALL;
  }

  start() {
    this.setTheme(remembered('theme') ?? 'system');
    localTime = remembered('time') === 'local';
    const tabs = make('nav', { class: 'tabs', 'aria-label': 'Parts' }, ...PARTS.map(([part, title]) => make('a', { href: `#${part}`, id: `tab-${part}` }, title)));
    this.bar = make('header', { class: 'bar' },
      make('a', { href: '#static', class: 'skip' }, 'To the text'),
      make('a', { href: '#overview', class: 'name', title: shownText(this.report.index.title) }, this.report.index.title),
      tabs,
      make('div', { class: 'tools' }, this.find.field, this.menu()));
    this.main.before(this.bar);
    this.main.after(this.find.panel);
    this.main.className = 'part';
    this.main.tabIndex = -1;
    document.documentElement.classList.add('live');
    /** @type {HTMLElement} */ (this.bar.querySelector('.skip')).addEventListener('click', event => {
      event.preventDefault();
      this.main.focus();
    });
    setLocalTime(localTime);
    history.scrollRestoration = 'manual';
    window.addEventListener('hashchange', () => void this.route());
    document.addEventListener('keydown', event => this.key(event));
    window.addEventListener('beforeprint', () => notePrint(this));
    window.addEventListener('afterprint', () => this.main.querySelector('.print-note')?.remove());
    let scrolled = 0;
    window.addEventListener('scroll', () => {
      clearTimeout(scrolled);
      scrolled = window.setTimeout(() => this.noteReading(), 150);
    }, { passive: true });
    document.addEventListener('DOMContentLoaded', () => {
      if (!isWhole()) this.say('This file is cut short: a part of the session is missing at its end.', true);
    });
    void this.route().then(() => this.goOn());
  }

  /** After a page that follows a running session was loaded again: goes to its end, if the reader was there. */
  goOn() {
    if (!this.report.index.live || sessionStorage.getItem('snap-report-end') !== '1') return;
    const { items } = this.view instanceof ThreadView ? this.view : { items: [] };
    const last = items[items.length - 1];
    if (this.view instanceof ThreadView && last !== undefined) void this.view.reach(last);
  }

  /** Theme, clock, keys, printing. */
  menu() {
    const body = make('div', { class: 'menu-body' },
      choice('Colours', [['system', 'as the system'], ['light', 'light'], ['dark', 'dark']], remembered('theme') ?? 'system', value => this.setTheme(value)),
      choice('Times', [['utc', 'UTC'], ['local', 'local']], localTime ? 'local' : 'utc', value => {
        remember('time', value);
        setLocalTime(value === 'local');
      }),
      checkbox('Shortcuts of one key', this.shortcuts, value => {
        this.shortcuts = value;
        remember('keys', value ? 'on' : 'off');
      }),
      make('dl', { class: 'keys' }, ...[['/', 'search'], ['j, k', 'next, previous turn or file'], ['n, p', 'next, previous prompt'], ['o', 'unfold or fold'], ['1 to 8', 'the parts'], ['Esc', 'close']]
        .flatMap(([key, what]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, what)])),
      button('Print this part', () => void this.print()));
    const details = make('details', { class: 'menu' }, make('summary', {}, 'Options'), body);
    details.addEventListener('focusout', event => {
      if (event.relatedTarget instanceof Node && !details.contains(event.relatedTarget)) details.open = false;
    });
    return details;
  }

  /** @param {string} theme */
  setTheme(theme) {
    remember('theme', theme);
    if (theme === 'system') document.documentElement.removeAttribute('data-theme');
    else document.documentElement.setAttribute('data-theme', theme);
  }

  /** @param {string} text @param {boolean} [stays] */
  say(text, stays = false) {
    this.status.textContent = text;
    this.status.classList.toggle('problem', stays);
    if (!this.status.isConnected) this.main.before(this.status);
  }

  /** Goes to a place, and marks a text there. @param {string} hash @param {string} [text] */
  go(hash, text) {
    if (location.hash !== hash) history.pushState(null, '', hash);
    void this.route(text);
  }

  /** Shows what the address asks for. @param {string} [text] what to mark there */
  async route(text) {
    const { report } = this;
    // A reader who comes back, or loads the page again, goes on where it was left.
    this.address = location.hash;
    this.asked += 1;
    const { asked } = this;
    const noted = history.state?.at;
    const hash = typeof noted === 'string' && !text ? noted : location.hash.slice(1);
    const place = /^([rae])(\d+)$/.exec(hash);
    const at = place ? Number(place[2]) : -1;
    if (place?.[1] === 'r' && at < report.count) {
      const thread = report.threadOf(at);
      if (thread >= 0) await this.showItem(thread, at, () => this.asked === asked, text);
    } else if (place?.[1] === 'a' && at > 0 && at < report.threads.length) {
      this.showThread(at);
      window.scrollTo(0, 0);
    } else if (place?.[1] === 'e' && at < report.edits.length) {
      if (this.part !== 'edits') this.show('edits');
      if (this.view instanceof EditsView) {
        const element = await this.view.reach(at);
        if (this.asked !== asked) return;
        if (element && text) await showMatch(element, text);
        element?.focus({ preventScroll: true });
      }
    } else {
      const part = PARTS.some(([name]) => name === hash) ? hash : 'overview';
      if (part === 'conversation') this.showThread(0);
      else this.show(part);
      const inside = part === 'overview' && hash ? this.main.querySelector(`[id="${CSS.escape(hash)}"]`) : null;
      if (inside) inside.scrollIntoView();
      else window.scrollTo(0, 0);
    }
  }

  /** @param {number} thread @param {number} item @param {() => boolean} isWanted still @param {string} [text] */
  async showItem(thread, item, isWanted, text) {
    if (this.thread !== thread || !(this.view instanceof ThreadView)) this.showThread(thread);
    let element = await /** @type {ThreadView} */ (this.view).reach(item);
    if (!isWanted()) return;
    if (!element) {
      filter = 'all';
      this.thread = -1;
      this.showThread(thread);
      element = await /** @type {ThreadView} */ (this.view).reach(item);
    }
    if (!element || !isWanted()) return;
    const details = element.querySelector('details');
    if (details && this.report.kinds[item] === 'c') await unfold(details);
    if (text) await showMatch(element, text);
    element.focus({ preventScroll: true });
  }

  /** @param {number} thread */
  showThread(thread) {
    const { report } = this;
    const isMain = thread === 0;
    const about = report.threads[thread];
    if (!about) {
      this.view = null;
      this.draw('conversation', 'Conversation', null, null, make('p', { class: 'dim' }, 'There is no conversation in this page.'));
      return;
    }
    if (this.thread === thread && this.view instanceof ThreadView) return;
    const view = new ThreadView(report, thread, value => {
      const item = this.firstVisible();
      filter = value;
      this.thread = -1;
      this.showThread(thread);
      if (item >= 0 && this.view instanceof ThreadView) void this.view.reach(this.view.items[lowerBound(this.view.items, item)] ?? -1);
    });
    this.view = view;
    this.draw(isMain ? 'conversation' : 'agents', isMain ? 'Conversation' : threadTitle(about), view.toolbar,
      isMain ? view.contents() : agentsSidebar(report, thread),
      isMain ? null : make('div', { class: 'agent-head' }, statusBadge(about.status), about.type ? make('span', { class: 'dim' }, about.type) : null,
        about.about && about.about !== threadTitle(about) ? make('p', {}, about.about) : null, make('p', { class: 'dim small' }, count(about.count, 'item'), startedBy(report, thread))),
      view.host);
    this.thread = thread;
    view.start();
  }

  /** @param {string} part */
  show(part) {
    const { report } = this;
    const title = PARTS.find(([name]) => name === part)?.[1] ?? '';
    this.view = null;
    if (part === 'overview') {
      this.leave();
      if (!this.overview[0]?.isConnected) this.main.replaceChildren(...this.overview);
      this.mark('overview');
    } else if (part === 'agents') {
      this.draw(part, title, null, null, agentsPart(report));
    } else if (part === 'edits') {
      const view = new EditsView(report, () => {
        const old = document.querySelector('.file:focus, .file:focus-within') ?? document.querySelector('.file');
        this.show('edits');
        if (old && this.view instanceof EditsView) void this.view.reach(Number(old.id.slice(1)));
      });
      this.draw(part, title, view.toolbar, view.contents(), view.host);
      this.view = view;
      view.start();
    } else if (part === 'tasks') {
      this.draw(part, title, null, null, tasksPart(report));
    } else if (part === 'grants') {
      this.draw(part, 'Grants, and what is not here', null, null, grantsPart(report));
    } else if (part === 'timeline') {
      this.draw(part, title, null, null, timelinePart(report));
    } else if (part === 'replay') {
      const view = new Replay(report);
      this.draw(part, title, null, null, view.element);
      this.view = view;
      view.start();
    }
  }

  /** @param {string} part @param {string} title @param {Node | null} toolbar @param {Node | null} side @param {...Child} content */
  draw(part, title, toolbar, side, ...content) {
    this.leave();
    this.main.replaceChildren(make('section', { class: `part part-${part}`, 'aria-labelledby': 'part-title' },
      make('header', { class: 'part-head' }, make('h2', { id: 'part-title' }, title), toolbar),
      make('div', { class: side ? 'with-side' : 'alone' }, side, make('div', { class: 'content' }, ...content))));
    this.mark(part);
  }

  leave() {
    this.thread = -1;
    if (this.view instanceof Replay) this.view.pause();
  }

  /** @param {string} part */
  mark(part) {
    if (this.part === part) return;
    this.part = part;
    this.main.classList.toggle('overview', part === 'overview');
    for (const tab of document.querySelectorAll('.tabs a')) {
      if (tab.id === `tab-${part}`) tab.setAttribute('aria-current', 'page');
      else tab.removeAttribute('aria-current');
    }
    const title = PARTS.find(([name]) => name === part)?.[1];
    document.title = shownText(part === 'overview' ? this.report.index.title : `${title} · ${this.report.index.title}`);
    const tab = document.getElementById(`tab-${part}`);
    const row = tab?.parentElement;
    if (tab && row) row.scrollLeft = tab.offsetLeft - row.clientWidth / 2 + tab.offsetWidth / 2;
  }

  /** The first turn or file on the screen. */
  firstVisible() {
    const under = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) + 16;
    for (const element of this.main.querySelectorAll('.turn, .file')) {
      const { bottom } = element.getBoundingClientRect();
      if (bottom > under) return Number(element.id.slice(1));
    }
    return -1;
  }

  /** Notes where the reader is, for the way back, and marks it in the list beside the text. */
  noteReading() {
    const at = this.firstVisible();
    // Between a new address and its event, the old part is still there.
    if (at < 0 || location.hash !== this.address) return;
    const side = this.main.querySelector('.side');
    if (this.view instanceof EditsView) {
      markCurrent(side, `#e${at}`);
      history.replaceState({ at: `e${at}` }, '');
    }
    if (!(this.view instanceof ThreadView)) return;
    history.replaceState({ at: `r${at}` }, '');
    if (this.thread !== 0) return;
    let prompt = at;
    while (prompt > 0 && !this.report.isChapter(prompt)) prompt -= 1;
    markCurrent(side, `#r${prompt}`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === 'Escape') {
      if (!this.find.panel.hidden) {
        if (this.find.panel.contains(document.activeElement)) this.find.field.focus();
        this.find.close();
      }
      const menu = document.querySelector('details.menu[open]');
      if (menu instanceof HTMLDetailsElement) menu.open = false;
      return;
    }
    if (!this.shortcuts || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable) return;
    const part = /^[1-8]$/.test(event.key) ? PARTS[Number(event.key) - 1][0] : null;
    if (event.key === '/') this.find.field.focus();
    else if (part) location.hash = `#${part}`;
    else if (event.key === 'j' || event.key === 'k') this.step(event.key === 'j' ? 1 : -1);
    else if (event.key === 'n' || event.key === 'p') this.stepPrompt(event.key === 'n' ? 1 : -1);
    else if (event.key === 'o') this.toggle();
    else if (this.view instanceof Replay && this.view.key(event.key)) event.preventDefault();
    else return;
    if (event.key !== 'o') event.preventDefault();
  }

  /** The turn or file that has the focus, or the first on the screen. */
  current() {
    const focused = document.activeElement?.closest('.turn, .file');
    return focused ? Number(focused.id.slice(1)) : this.firstVisible();
  }

  /** @param {1 | -1} by */
  step(by) {
    const at = this.current();
    const isFocused = Boolean(document.activeElement?.closest('.turn, .file'));
    if (this.view instanceof EditsView) {
      const next = isFocused ? at + by : at;
      if (next >= 0 && next < this.report.edits.length) void this.view.reach(next).then(element => element?.focus({ preventScroll: true }));
    } else if (this.view instanceof ThreadView) {
      const { items } = this.view;
      const next = items[lowerBound(items, at) + (isFocused ? by : 0)];
      if (next !== undefined) void this.view.reach(next).then(element => element?.focus({ preventScroll: true }));
    }
  }

  /** @param {1 | -1} by */
  stepPrompt(by) {
    if (!(this.view instanceof ThreadView)) return;
    const { items } = this.view;
    for (let place = lowerBound(items, this.current()) + by; place >= 0 && place < items.length; place += by) {
      if (this.report.kinds[items[place]] !== 'p') continue;
      void this.view.reach(items[place]).then(element => element?.focus({ preventScroll: true }));
      return;
    }
  }

  toggle() {
    const details = document.getElementById(`r${this.current()}`)?.querySelector('details');
    if (details) details.open = !details.open;
  }

  /** Fills the part on the screen, and prints it. */
  async print() {
    const { report } = this;
    const thread = report.threads[this.thread];
    let bytes = 0;
    const isPrinted = (/** @type {number} */ item) => !isFoldable(report, item) || filter === 'open' || unfolded.has(item);
    if (thread) for (let item = thread.from; item < thread.from + thread.count; item += 1) bytes += isPrinted(item) ? report.bytes[item] : 0;
    if (this.part === 'edits') for (const edit of report.edits) bytes += edit.bytes;
    if (bytes > PRINTABLE) {
      this.say(`This part holds ${size(bytes)} of text, too much to print at once. Show only the prompts, or print from an agent's conversation.`);
      return;
    }
    this.say('Filling the part for print');
    await fillAll(this.main, (done, of) => this.say(`Filling the part for print: ${number(done)} of ${number(of)}`));
    // What is said and what was edited is printed in full. An output has its first lines, and says how many are left.
    const rest = () => /** @type {HTMLElement[]} */ ([...this.main.querySelectorAll('.prose > button.more, .diff-box > button.more')]);
    for (let left = rest(); left.length; left = rest()) {
      for (const press of left) press.click();
      await fillAll(this.main);
    }
    this.status.remove();
    window.print();
    releaseAll(this.main);
  }
}

/**
 * Says on paper what is not there: what was far from the screen, and what is folded.
 * @param {App} app
 */
function notePrint({ main, view, report }) {
  main.querySelector('.print-note')?.remove();
  const folded = main.querySelectorAll('.turn details:not([open])').length;
  const lines = [];
  if (view instanceof ThreadView || view instanceof EditsView) {
    const all = view instanceof ThreadView ? view.items.length : report.edits.length;
    const here = main.querySelectorAll(view instanceof ThreadView ? '.turn' : '.file').length;
    const what = view instanceof ThreadView ? 'turn' : 'file';
    if (here < all) lines.push(`Only what is near the screen is printed: ${number(here)} of ${count(all, what)}. "Print this part" under "Options" prints all.`);
  }
  if (folded) lines.push(`${count(folded, 'tool call, thought or note', 'tool calls, thoughts and notes')} ${folded === 1 ? 'is' : 'are'} folded: of each, one line is printed. "everything, unfolded" under "Show" prints their text.`);
  if (lines.length) main.querySelector('.content')?.prepend(make('p', { class: 'print-note' }, lines.join(' ')));
}

/** Follows a session that still runs. @param {{url: string, version: string}} live */
function follow({ url, version }) {
  window.setInterval(async () => {
    try {
      const now = await (await fetch(url, { cache: 'no-store' })).text();
      if (now === version) return;
      const atEnd = window.innerHeight + window.scrollY > document.documentElement.scrollHeight - 200;
      sessionStorage.setItem('snap-report-end', atEnd ? '1' : '');
      location.reload();
    } catch {
      // The server has ended. The page stays as it is.
    }
  }, 2000);
}

// Everything else in the page is defined by then, in whatever order the files were joined.
queueMicrotask(() => {
  const main = document.getElementById('static');
  if (!main) return;
  try {
    const report = new Report(readIndex());
    const app = new App(report, main);
    app.start();
    if (report.index.live) follow(report.index.live);
    Object.assign(window, { snapReport: { app, report } });
  } catch (error) {
    main.prepend(make('p', { class: 'problem' }, `This page cannot be shown: ${error instanceof Error ? error.message : error}`));
  }
});
