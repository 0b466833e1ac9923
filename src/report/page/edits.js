// @ts-check
// Shows what was changed: the list of files, and their diffs.
'use strict';

/** @type {Record<string, string>} */
const STATUSES = { A: 'added', M: 'changed', D: 'removed', R: 'renamed', C: 'copied', T: 'type changed' };

/** Whether diffs are shown side by side. */
let pairs = remembered('diff') === 'pairs' || (remembered('diff') === null && window.innerWidth >= 1500);

class EditsView {
  /** @param {Report} report @param {() => void} redraw */
  constructor(report, redraw) {
    this.report = report;
    const { edits } = report;
    this.host = make('div');
    const sideBySide = pairs && window.innerWidth >= 700;
    this.feed = new Feed(this.host, edits.map((edit, place) => ({
      from: place, to: place + 1,
      height: 90 + Math.min(edit.lines ?? (edit.added + edit.removed) * 1.5, FIRST_LINES) * LINE_HEIGHT,
      fill: () => this.file(place, sideBySide),
    })), 'files', { class: 'edits' });
    let added = 0;
    let removed = 0;
    for (const edit of edits) {
      added += edit.added;
      removed += edit.removed;
    }
    this.toolbar = make('div', { class: 'toolbar' },
      make('span', {}, count(edits.length, 'file'), ' ', lineCounts(added, removed)),
      edits.length ? choice('Diff', [['one', 'unified'], ['pairs', 'side by side']], pairs ? 'pairs' : 'one', value => {
        pairs = value === 'pairs';
        remember('diff', value);
        redraw();
      }) : null);
    if (!edits.length) add(this.host, make('p', { class: 'dim' }, 'No edit was pending.'));
  }

  start() {
    if (this.report.edits.length) this.feed.show(0);
  }

  /** @param {number} place */
  async reach(place) {
    return this.feed.reach(place, `e${place}`);
  }

  /** @param {number} place @param {boolean} sideBySide @returns {Promise<HTMLElement>} */
  async file(place, sideBySide) {
    const { report } = this;
    const edit = report.edits[place];
    const section = make('section', { id: `e${place}`, class: 'file', tabindex: -1, 'aria-labelledby': `eh${place}` },
      make('header', {},
        make('h3', { id: `eh${place}` }, make('code', { class: 'path' }, edit.old_path && edit.old_path !== edit.path ? `${edit.old_path} → ${edit.path}` : edit.path)),
        make('span', { class: 'facts' }, make('span', { class: 'badge' }, STATUSES[edit.status] ?? edit.status),
          edit.mode ? make('span', { class: 'dim' }, `mode ${edit.mode}`) : null,
          edit.binary ? make('span', { class: 'dim' }, 'binary') : lineCounts(edit.added, edit.removed),
          make('a', { href: `#e${place}`, class: 'anchor', 'aria-label': `link to the edit of ${edit.path}` }, '#'))),
      this.callers(edit));
    for (const note of edit.notes ?? []) add(section, make('p', { class: 'file-note' }, note));
    if (edit.left_out) add(section, make('p', { class: 'file-note' }, 'Its lines were left out of the page.'));
    else if (edit.bytes) add(section, diffView(await report.textOfEdit(edit), sideBySide, await report.colorsAt(edit.colors)));
    else if (!edit.notes?.length) add(section, make('p', { class: 'file-note' }, edit.binary ? 'Binary content is not shown.' : 'No line changed.'));
    return section;
  }

  /** The calls that made an edit. @param {Edit} edit */
  callers(edit) {
    const { report } = this;
    const items = edit.items ?? [];
    const line = make('p', { class: 'callers' });
    if (!items.length) {
      add(line, report.index.calls_left_out
        ? 'No call on this page names this file. Calls were left out of the page.'
        : 'No call names this file: a command, or somebody else, changed it.');
      return line;
    }
    add(line, 'Made by ');
    items.slice(0, 12).forEach((item, place) => {
      const thread = report.threads[report.threadOf(item)];
      add(line, place ? ', ' : '', make('a', { href: `#r${item}` }, `${report.labelOf(item) || 'call'} #${item + 1}`),
        thread && thread.kind !== 'main' ? ` (${threadTitle(thread)})` : '');
    });
    if (items.length > 12) add(line, ` and ${count(items.length - 12, 'other call')}`);
    return line;
  }

  /** The list of files. */
  contents() {
    const { edits } = this.report;
    if (edits.length < 2) return null;
    const list = make('ul', { class: 'contents files' });
    const draw = (/** @type {string} */ text) => {
      const wanted = text.toLowerCase();
      const shownEdits = edits.map((_, place) => place).filter(place => edits[place].path.toLowerCase().includes(wanted));
      list.replaceChildren();
      for (let at = 0; at < shownEdits.length; at += 100) {
        const part = shownEdits.slice(at, at + 100);
        const fill = () => {
          const nodes = document.createDocumentFragment();
          for (const place of part) add(nodes, fileEntry(edits[place], place));
          return nodes;
        };
        if (shownEdits.length <= 100) add(list, fill());
        else add(list, make('li', { class: 'group' }, lazily(make('ul', { class: 'slot' }), part.length * 28, fill)));
      }
      if (!shownEdits.length) add(list, make('li', { class: 'dim' }, 'No such file.'));
    };
    draw('');
    const field = make('input', { type: 'search', placeholder: 'Filter files', 'aria-label': 'Filter files', autocomplete: 'off' });
    field.addEventListener('input', () => draw(field.value));
    return sidebar(count(edits.length, 'file'), edits.length > 8 ? field : null, list);
  }
}

/** @param {Edit} edit @param {number} place */
function fileEntry(edit, place) {
  const cut = edit.path.lastIndexOf('/') + 1;
  return make('li', {},
    make('a', { href: `#e${place}`, title: shownText(edit.path) },
      make('span', { class: `status status-${/^[A-Z]$/.test(edit.status) ? edit.status : 'M'}`, title: STATUSES[edit.status] ?? '' }, edit.status),
      make('span', { class: 'name' }, edit.path.slice(cut), cut ? make('span', { class: 'folder' }, ` ${edit.path.slice(0, cut - 1)}`) : null)),
    edit.binary ? null : lineCounts(edit.added, edit.removed));
}

/** @param {number} added @param {number} removed */
function lineCounts(added, removed) {
  if (!added && !removed) return null;
  return make('span', { class: 'counts' }, added ? make('span', { class: 'plus' }, `+${number(added)}`) : null, added && removed ? ' ' : null,
    removed ? make('span', { class: 'minus' }, `−${number(removed)}`) : null);
}
