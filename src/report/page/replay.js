// @ts-check
// The replay: the session step by step, with its files and tasks as they were at each step.
'use strict';

/** How many steps before the current one stay on the screen. */
const TRAIL = 6;

/** @type {[string, string][]} */
const SPEEDS = [['0.5', 'half speed'], ['1', 'normal'], ['2', 'twice'], ['5', '5 times'], ['20', '20 times']];

class Replay {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.withAgents = false;
    /** The items, in the order in which they happened. @type {Int32Array} */
    this.steps = this.order();
    this.place = 0;
    this.speed = 1;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.drawn = 0;
    this.stage = make('div', { class: 'stage', 'aria-label': 'The step, and those before it', role: 'region', tabindex: -1 });
    this.slider = make('input', { type: 'range', min: 0, max: Math.max(0, this.steps.length - 1), value: 0, 'aria-label': 'Step' });
    this.where = make('p', { class: 'where', role: 'status' });
    this.playButton = button('Play', () => this.toggle(), { class: 'primary' });
    this.side = make('div', { class: 'replay-side' });
    this.slider.addEventListener('input', () => this.goTo(Number(this.slider.value)));
    const controls = make('div', { class: 'controls', role: 'group', 'aria-label': 'Replay' },
      this.playButton,
      button('Step back', () => this.goTo(this.place - 1)),
      button('Step', () => this.goTo(this.place + 1)),
      button('Chapter back', () => this.chapter(-1)),
      button('Next chapter', () => this.chapter(1)),
      choice('Speed', SPEEDS, '1', value => (this.speed = Number(value))),
      report.threads.length > 1 ? checkbox('with agents', false, value => this.includeAgents(value)) : null);
    this.element = make('div', { class: 'replay' },
      make('div', { class: 'deck' }, controls, this.slider, this.chapterMarks(), this.where),
      make('div', { class: 'replay-body' }, this.stage, this.side));
  }

  /** @returns {Int32Array} */
  order() {
    const { report } = this;
    const main = report.threads[0] ?? { from: 0, count: report.count };
    if (!this.withAgents) return Int32Array.from({ length: main.count }, (_, place) => main.from + place);
    // An item without a time happened when the one before it did.
    const when = new Float64Array(report.count);
    for (let item = 0; item < report.count; item += 1) when[item] = report.time[item] || (item ? when[item - 1] : 0);
    return Int32Array.from({ length: report.count }, (_, item) => item).sort((one, other) => when[one] - when[other] || one - other);
  }

  /** @param {boolean} include */
  includeAgents(include) {
    const item = this.steps[this.place];
    this.withAgents = include;
    this.steps = this.order();
    this.slider.max = String(Math.max(0, this.steps.length - 1));
    this.element.querySelector('.chapters')?.replaceWith(this.chapterMarks());
    this.goTo(Math.max(0, this.steps.indexOf(item)));
  }

  /** Prompts, compactions and checkpoints on the way, as marks. */
  chapterMarks() {
    const marks = make('div', { class: 'chapters', 'aria-hidden': 'true' });
    const taken = new Set();
    this.steps.forEach((item, place) => {
      const kind = this.report.kinds[item];
      if (!this.report.isChapter(item)) return;
      const share = 5 * Math.round((200 * place) / Math.max(1, this.steps.length - 1));
      if (taken.has(share)) return;
      taken.add(share);
      const isCheckpoint = this.report.checkpoints.has(item);
      const mark = make('span', { class: isCheckpoint ? 'chapter checkpoint' : kind === 'p' ? 'chapter' : 'chapter compaction' });
      mark.style.left = `${share / 10}%`;
      marks.append(mark);
    });
    return marks;
  }

  start() {
    if (this.steps.length) this.goTo(0);
    else this.where.textContent = 'There is nothing to replay.';
  }

  toggle() {
    if (this.timer === undefined) this.play();
    else this.pause();
  }

  play() {
    if (this.place >= this.steps.length - 1) this.place = 0;
    this.playButton.textContent = 'Pause';
    const next = () => {
      this.timer = window.setTimeout(async () => {
        await this.goTo(this.place + 1);
        if (this.timer === undefined) return;
        if (this.place < this.steps.length - 1) next();
        else this.pause();
      }, this.pauseAfter(this.steps[this.place]) / this.speed);
    };
    next();
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.playButton.textContent = 'Play';
  }

  /** How long a step stays, in milliseconds: as long as it takes to glance at it. @param {number} item */
  pauseAfter(item) {
    const kind = this.report.kinds[item];
    if (!'pak'.includes(kind)) return 500;
    return Math.min(6000, 900 + this.report.bytes[item] * 6);
  }

  /** @param {1 | -1} by */
  chapter(by) {
    let place = this.place + by;
    while (place > 0 && place < this.steps.length - 1 && !this.report.isChapter(this.steps[place])) place += by;
    void this.goTo(place);
  }

  /** @param {string} key */
  key(key) {
    if (key === 'ArrowRight') void this.goTo(this.place + 1);
    else if (key === 'ArrowLeft') void this.goTo(this.place - 1);
    else if (key === ' ' && !(document.activeElement instanceof HTMLButtonElement)) this.toggle();
    else return false;
    return true;
  }

  /** @param {number} place */
  async goTo(place) {
    const { report, steps } = this;
    this.place = Math.max(0, Math.min(steps.length - 1, place));
    const item = steps[this.place];
    if (item === undefined) return;
    this.drawn += 1;
    const drawn = this.drawn;
    this.slider.value = String(this.place);
    const thread = report.threads[report.threadOf(item)];
    const words = `Step ${number(this.place + 1)} of ${number(steps.length)}`;
    this.slider.setAttribute('aria-valuetext', words);
    const saved = report.checkpoints.get(item);
    this.where.replaceChildren(words, saved ? shown(`, after the checkpoint ${saved.at(-1)}`) : '', ', ', moment(report.time[item], true) ?? 'time unknown', thread && thread.kind !== 'main' ? shown(`, ${threadTitle(thread)}`) : '',
      ', ', make('a', { href: `#r${item}` }, 'in the conversation'));
    const trail = [];
    for (let at = Math.max(0, this.place - TRAIL); at <= this.place; at += 1) {
      const article = await turn(report, steps[at], { place: at + 1, of: steps.length, before: at > Math.max(0, this.place - TRAIL) ? steps[at - 1] : undefined });
      // The same turn may be in another part of the page: an address leads there, not here.
      article.removeAttribute('id');
      trail.push(article);
    }
    if (this.drawn !== drawn) return;
    const last = trail[trail.length - 1];
    last.classList.add('now');
    last.setAttribute('aria-current', 'step');
    const details = last.querySelector('details');
    if (details) await unfold(details);
    unfolded.delete(item);
    if (this.drawn !== drawn) return;
    this.stage.replaceChildren(...trail);
    this.drawSide();
    const deck = this.element.querySelector('.deck')?.getBoundingClientRect().bottom ?? 0;
    const { top, height } = last.getBoundingClientRect();
    const room = window.innerHeight - deck;
    if (top < deck || top + Math.min(height, room) > window.innerHeight) window.scrollBy(0, top - deck - Math.max(12, room - height - 12 > 0 ? room - height - 12 : 12));
  }

  /** The files and the tasks, as they were at this step. */
  drawSide() {
    const { report, steps } = this;
    /** @type {Map<string, {times: number, last: number, failed: boolean}>} */
    const files = new Map();
    const at = new Set();
    for (let place = 0; place <= this.place; place += 1) {
      const item = steps[place];
      at.add(item);
      const file = report.kinds[item] === 'c' ? report.fileOf(item) : '';
      if (!file) continue;
      const old = files.get(file);
      files.delete(file);
      files.set(file, { times: (old?.times ?? 0) + 1, last: item, failed: report.failed.has(item) });
    }
    const newest = [...files].reverse().slice(0, 30);
    const list = make('ul', { class: 'contents' }, ...newest.map(([path, { times, last }]) => {
      const edit = report.edits.findIndex(one => one.path === path);
      return make('li', { class: last === steps[this.place] ? 'now' : null },
        make('a', { href: edit >= 0 ? `#e${edit}` : `#r${last}`, title: shownText(path) }, path.slice(path.lastIndexOf('/') + 1) || path),
        make('span', { class: 'dim' }, `${report.labelOf(last)}${times > 1 ? `, ${number(times)} times` : ''}`));
    }));
    const tasks = report.tasks.map(task => ({ task, move: (task.moves ?? []).filter(({ item }) => item !== null && at.has(item)).at(-1) })).filter(({ move }) => move);
    this.side.replaceChildren(
      make('h3', {}, count(files.size, 'file'), ' so far'),
      newest.length ? list : make('p', { class: 'dim' }, 'None yet.'),
      files.size > newest.length ? make('p', { class: 'dim small' }, `${number(files.size - newest.length)} touched earlier`) : '',
      ...(report.tasks.length ? [make('h3', {}, 'Tasks'), tasks.length
        ? make('ul', { class: 'contents' }, ...tasks.slice(-30).map(({ task, move }) => make('li', {}, make('span', {}, task.subject), statusBadge(move?.status))))
        : make('p', { class: 'dim' }, 'None yet.')] : []));
  }
}
