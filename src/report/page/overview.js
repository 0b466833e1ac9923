// @ts-check
// The parts that need no chunk: the overview, the agents, the tasks, and what was granted.
'use strict';

/** @type {Record<string, string>} */
const TASK_STATUSES = { in_progress: 'in progress', pending: 'open', completed: 'done' };

/** The figures at the top of the overview, each a way to its part. @param {Report} report */
function figures(report) {
  const { threads, edits, tasks, index } = report;
  const agents = threads.filter(thread => thread.kind === 'agent').length;
  let prompts = 0;
  let calls = 0;
  const main = threads[0];
  for (let item = 0; item < report.count; item += 1) {
    if (report.kinds[item] === 'c') calls += 1;
    else if (report.kinds[item] === 'p' && main && item < main.from + main.count) prompts += 1;
  }
  const done = tasks.filter(task => task.status === 'completed').length;
  let added = 0;
  let removed = 0;
  for (const edit of edits) {
    added += edit.added;
    removed += edit.removed;
  }
  const figure = (/** @type {string} */ hash, /** @type {string} */ value, /** @type {string} */ name, /** @type {Child} */ extra = null) =>
    make('li', {}, make('a', { href: hash }, make('b', {}, value), make('span', {}, name), extra));
  const grants = (index.grants?.length ?? 0) + (index.decisions?.length ?? 0);
  return make('ul', { class: 'figures' },
    figure('#conversation', number(prompts), prompts === 1 ? 'prompt' : 'prompts'),
    figure('#timeline', number(calls), calls === 1 ? 'tool call' : 'tool calls', report.failed.size ? make('small', {}, `${number(report.failed.size)} failed`) : null),
    figure('#agents', number(agents), agents === 1 ? 'agent' : 'agents'),
    figure('#edits', number(edits.length), edits.length === 1 ? 'edited file' : 'edited files', edits.length ? make('small', {}, lineCounts(added, removed)) : null),
    figure('#tasks', tasks.length ? `${number(done)}/${number(tasks.length)}` : '0', tasks.length ? 'tasks done' : 'tasks'),
    figure('#grants', number(grants), grants === 1 ? 'grant or decision' : 'grants and decisions'));
}

// Agents

/** The agents below a conversation. @param {Report} report @param {number} parent */
function childrenOf(report, parent) {
  return report.threads.map((_, place) => place).filter(place => place !== parent && place > 0 && parentOf(report, place) === parent);
}

/** @param {Report} report @param {number} thread */
function parentOf(report, thread) {
  const parent = report.threads[thread].parent?.thread;
  // A parent that does not stand before its child would make a ring.
  return parent !== undefined && parent >= 0 && parent < thread ? parent : 0;
}

/**
 * @param {Report} report
 * @param {(thread: number) => Node} entry
 * @returns {HTMLElement}
 */
function agentTree(report, entry) {
  /** @type {Map<number, number[]>} */
  const below = new Map();
  for (let place = 1; place < report.threads.length; place += 1) {
    const parent = parentOf(report, place);
    below.set(parent, [...(below.get(parent) ?? []), place]);
  }
  const level = (/** @type {number} */ parent, /** @type {number} */ depth) => {
    const list = make('ul', { class: depth ? 'tree' : 'tree top' });
    for (const place of below.get(parent) ?? []) {
      const item = make('li', {}, entry(place));
      if (below.has(place)) {
        if (depth < 12) add(item, level(place, depth + 1));
        else add(item, make('p', { class: 'dim' }, 'Agents nested deeper are listed by search.'));
      }
      add(list, item);
    }
    return list;
  };
  return level(0, 0);
}

/** @param {string | null | undefined} status */
function statusBadge(status) {
  if (!status) return null;
  const kind = /^(done|completed)$/.test(status) ? 'good' : /^(failed|stopped|interrupted)$/.test(status) ? 'bad' : '';
  return make('span', { class: `badge ${kind}` }, TASK_STATUSES[status] ?? status);
}

/** @param {Report} report */
function agentsPart(report) {
  if (report.threads.length < 2) return make('p', { class: 'dim' }, 'The session started no agent.');
  return agentTree(report, place => {
    const thread = report.threads[place];
    const last = thread.from + thread.count - 1;
    const took = thread.count ? report.time[last] - report.time[thread.from] : 0;
    return make('div', { class: 'agent' },
      make('a', { href: `#a${place}` }, threadTitle(thread)),
      thread.type ? make('span', { class: 'dim' }, thread.type) : null,
      thread.kind === 'aside' ? make('span', { class: 'badge' }, 'side conversation') : statusBadge(thread.status),
      thread.about && thread.about !== threadTitle(thread) ? make('p', {}, thread.about) : null,
      make('p', { class: 'dim small' }, threadTitle(thread) !== thread.name ? `${thread.name}, ` : '', count(thread.count, 'item'), took > 0 ? `, ${duration(took)}` : '', startedBy(report, place),
        thread.evidence ? `, ${thread.evidence}` : ''));
  });
}

/** @param {Report} report @param {number} place */
function startedBy(report, place) {
  const parent = report.threads[place].parent;
  if (!parent || parent.item === null || parent.item === undefined || parent.item < 0) return null;
  const from = report.threads[parent.thread];
  return make('span', {}, ', started in ', make('a', { href: `#r${parent.item}` }, `${!from ? 'a conversation' : from.kind === 'main' ? 'the conversation' : threadTitle(from)} #${parent.item + 1}`));
}

/** @param {Report} report @param {number} current */
function agentsSidebar(report, current) {
  const tree = agentTree(report, place => make('a', { href: `#a${place}`, 'aria-current': place === current ? 'true' : null, title: shownText(report.threads[place].about ?? '') },
    threadTitle(report.threads[place])));
  tree.classList.add('contents');
  return sidebar(count(report.threads.length - 1, 'agent'), make('p', {}, make('a', { href: '#agents' }, 'All agents')), tree);
}

// Tasks

/** @param {Report} report */
function tasksPart(report) {
  const { tasks } = report;
  const nodes = document.createDocumentFragment();
  if (!tasks.length) return add(nodes, make('p', { class: 'dim' }, 'The session had no tasks.')), nodes;
  const known = new Map(tasks.map(task => [task.id, task]));
  /** @type {Map<string, string[]>} */
  const blocks = new Map();
  for (const task of tasks) for (const id of task.blocked_by ?? []) blocks.set(id, [...(blocks.get(id) ?? []), task.id]);
  const statuses = [...new Set(['in_progress', 'pending', ...tasks.map(task => task.status).filter(status => status !== 'completed'), 'completed'])];
  for (const status of statuses) {
    const group = tasks.filter(task => task.status === status);
    if (!group.length) continue;
    add(nodes, make('section', { class: 'task-group' },
      make('h3', {}, TASK_STATUSES[status] ?? status, make('span', { class: 'dim' }, ` ${number(group.length)}`)),
      make('ul', { class: 'tasks' }, ...group.map(task => taskEntry(report, task, known, blocks)))));
  }
  return nodes;
}

/** @param {Report} report @param {Task} task @param {Map<string, Task>} known @param {Map<string, string[]>} blocks */
function taskEntry(report, task, known, blocks) {
  const names = (/** @type {string[]} */ ids) => ids.flatMap((id, place) => {
    const other = known.get(id);
    return [place ? ', ' : '', make('span', { title: other ? shownText(other.subject) : null }, `#${id}`, other?.status === 'completed' ? ' (done)' : '')];
  });
  const waits = task.blocked_by ?? [];
  const holds = blocks.get(task.id) ?? [];
  const moves = task.moves ?? [];
  return make('li', { class: 'task' },
    make('p', { class: 'subject' }, make('span', { class: 'dim' }, `#${task.id} `), make('b', {}, task.subject), ' ', statusBadge(task.status)),
    task.description ? make('p', { class: 'description' }, task.description) : null,
    task.owner || waits.length || holds.length ? make('p', { class: 'dim small' },
      task.owner ? `Owner: ${task.owner}. ` : '',
      ...(waits.length ? ['Waits for ', ...names(waits), '. '] : []),
      ...(holds.length ? ['Holds up ', ...names(holds), '.'] : [])) : null,
    moves.length ? make('p', { class: 'moves small' }, ...moves.flatMap((move, place) => [
      place ? ' → ' : '',
      move.item === null || move.item < 0 ? TASK_STATUSES[move.status] ?? move.status
        : make('a', { href: `#r${move.item}` }, TASK_STATUSES[move.status] ?? move.status),
      move.item === null || move.item < 0 ? null : make('span', { class: 'dim' }, ' ', moment(report.time[move.item]))])) : null);
}

// Grants

/** @param {Report} report */
function grantsPart(report) {
  const { grants = [], decisions = [], not_saved: notSaved = [], left_out: leftOut = [] } = report.index;
  const nodes = document.createDocumentFragment();
  const part = (/** @type {string} */ title, /** @type {string} */ none, /** @type {Node | null} */ content) =>
    add(nodes, make('section', {}, make('h3', {}, title), content ?? make('p', { class: 'dim' }, none)));
  const cell = (/** @type {Child} */ child, /** @type {string} */ name = '') => make('td', { class: name || null }, child);
  part('What was granted', 'Nothing was granted.', grants.length ? make('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'What was granted' }, make('table', {},
    make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'Grant'), make('th', { scope: 'col' }, 'Scope'), make('th', { scope: 'col' }, 'Where it comes from'))),
    make('tbody', {}, ...grants.map(grant => make('tr', {}, cell(make('code', {}, grant.text)), cell(grant.scope), cell(grant.source)))))) : null);
  part('What was decided', 'No decision is on record.', decisions.length ? make('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'What was decided' }, make('table', {},
    make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'When'), make('th', { scope: 'col' }, 'What'), make('th', { scope: 'col' }, 'Decision'), make('th', { scope: 'col' }, 'Scope'))),
    make('tbody', {}, ...decisions.map(decision => make('tr', {},
      cell(decision.item !== null && decision.item >= 0
        ? make('a', { href: `#r${decision.item}` }, moment(report.time[decision.item], true) ?? `#${decision.item + 1}`)
        : moment(Date.parse(decision.time ?? '') / 1000 || 0, true)),
      cell(make('code', {}, decision.text)), cell(decision.decision), cell(decision.scope)))))) : null);
  part('What was not saved', 'Nothing that is known of was left behind.', notSaved.length ? make('ul', {}, ...notSaved.map(line => make('li', {}, line))) : null);
  part('What this page leaves out', 'Nothing.', leftOut.length ? make('ul', {}, ...leftOut.map(line => make('li', {}, line))) : null);
  return nodes;
}
