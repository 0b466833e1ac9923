// @ts-check
// The time line: when what happened, how large the context was, and how many lines were changed.
'use strict';

/** The inner width of a chart, in its own units. */
const CHART_WIDTH = 1000;

/** A pause that is longer is drawn short, and named. In seconds. */
const LONG_PAUSE = 900;

/** How wide a long pause is drawn, as a share of the chart. */
const PAUSE_SHARE = 0.015;

/** How many lanes of agents are drawn. */
const MOST_LANES = 40;

/**
 * A scale of time in which long pauses are short.
 * @typedef {{x: (time: number) => number, pauses: {x: number, seconds: number}[], from: number, to: number}} Scale
 */

/** @param {number[]} times sorted @returns {Scale} */
function timeScale(times) {
  const from = times[0] ?? 0;
  const to = times[times.length - 1] ?? 0;
  /** @type {{start: number, end: number}[]} */
  let gaps = [];
  for (let at = 1; at < times.length; at += 1) {
    if (times[at] - times[at - 1] > LONG_PAUSE) gaps.push({ start: times[at - 1], end: times[at] });
  }
  // Only the longest are cut: otherwise a session of pauses has nothing else to show.
  gaps = gaps.sort((one, other) => other.end - other.start - one.end + one.start).slice(0, 20).sort((one, other) => one.start - other.start);
  const cut = gaps.reduce((sum, gap) => sum + gap.end - gap.start, 0);
  const worked = Math.max(1, to - from - cut);
  const pauseWidth = CHART_WIDTH * PAUSE_SHARE;
  const unit = (CHART_WIDTH - gaps.length * pauseWidth) / worked;
  const x = (/** @type {number} */ time) => {
    let at = 0;
    let last = from;
    for (const gap of gaps) {
      if (time <= gap.start) break;
      at += (gap.start - last) * unit;
      if (time < gap.end) return at + pauseWidth * ((time - gap.start) / (gap.end - gap.start));
      at += pauseWidth;
      last = gap.end;
    }
    return at + (Math.min(time, to) - last) * unit;
  };
  return { x, pauses: gaps.map(gap => ({ x: x(gap.start) + pauseWidth / 2, seconds: gap.end - gap.start })), from, to };
}

/** @param {Report} report */
function timelinePart(report) {
  const nodes = document.createDocumentFragment();
  const times = [...report.time].filter(time => time > 0).sort((one, other) => one - other);
  if (times.length < 2) {
    add(nodes, make('p', { class: 'dim' }, 'The items of this session have no times.'));
  } else {
    const scale = timeScale(times);
    const pauses = scale.pauses.reduce((sum, { seconds }) => sum + seconds, 0);
    add(nodes, make('p', {}, 'From ', moment(scale.from, true), ' to ', moment(scale.to, true), `: ${duration(scale.to - scale.from)}`,
      scale.pauses.length ? `, of which ${duration(pauses)} in ${count(scale.pauses.length, 'long pause')}, drawn short.` : '.'));
    // Each by itself, so that the page answers between them.
    const parts = /** @type {[number, () => Node | null][]} */ ([
      [290, () => chart('What happened', activity(report, scale))],
      [120, () => lanesChart(report, scale)],
      [190, () => contextChart(report, scale)],
      [180, () => changedChart(report, scale)],
    ]);
    for (const [height, part] of parts) add(nodes, lazily(make('div', { class: 'slot' }), height, () => part() ?? document.createComment('nothing of this')));
  }
  add(nodes, toolsTable(report));
  return nodes;
}

/** @param {string} title @param {Node} drawing @param {...Child} more */
function chart(title, drawing, ...more) {
  return make('figure', { class: 'chart' }, make('figcaption', {}, make('h3', {}, title)), drawing, ...more);
}

/** @param {number} height @param {string} label @param {Scale} scale @param {...Child} children */
function canvas(height, label, scale, ...children) {
  const pauses = scale.pauses.map(({ x, seconds }) =>
    draw('g', {}, draw('rect', { class: 'pause', x: x - (CHART_WIDTH * PAUSE_SHARE) / 2, y: 0, width: CHART_WIDTH * PAUSE_SHARE, height }),
      draw('title', {}, `A pause of ${duration(seconds)}`)));
  return draw('svg', { viewBox: `0 0 ${CHART_WIDTH} ${height}`, preserveAspectRatio: 'none', height, width: '100%', role: 'img', 'aria-label': label },
    ...pauses, ...children);
}

/** What happened when, in rows. @param {Report} report @param {Scale} scale */
function activity(report, scale) {
  const rows = /** @type {[string, string, (item: number) => boolean][]} */ ([
    ['Prompts', 'p', item => report.kinds[item] === 'p' && item < ownItems],
    ['Answers', 'a', item => report.kinds[item] === 'a'],
    ['Tool calls', 'c', item => report.kinds[item] === 'c' && !report.failed.has(item)],
    ['Failed calls', 'f', item => report.failed.has(item)],
    ['Agents started', 'g', item => report.agents.has(item)],
    ['Decisions', 'd', item => decided.has(item)],
    ['Compactions', 'k', item => report.compactions.has(item)],
  ]);
  const ownItems = report.threads[0]?.count ?? report.count;
  const decided = new Set((report.index.decisions ?? []).map(({ item }) => item ?? -1));
  const list = make('div', { class: 'rows' });
  for (const [name, key, is] of rows) {
    // Marks that would fall on one another are one mark: a chart has a thousand of them at most.
    /** @type {Map<number, {item: number, many: number}>} */
    const marks = new Map();
    let many = 0;
    for (let item = 0; item < report.count; item += 1) {
      if (!report.time[item] || !is(item)) continue;
      many += 1;
      const at = Math.round(scale.x(report.time[item]) / 3) * 3;
      const mark = marks.get(at);
      if (mark) mark.many += 1;
      else marks.set(at, { item, many: 1 });
    }
    if (!many) continue;
    const most = Math.max(...[...marks.values()].map(mark => mark.many));
    const bars = [...marks].map(([x, mark]) => {
      const height = 6 + 14 * Math.sqrt(mark.many / most);
      return draw('rect', { class: `mark mark-${key}`, x, y: 22 - height, width: 2.4, height, 'data-item': mark.item });
    });
    const drawing = canvas(24, `${name}: ${number(many)}`, scale, ...bars);
    drawing.addEventListener('click', event => {
      const item = /** @type {Element} */ (event.target).getAttribute('data-item') ?? nearest(drawing, /** @type {MouseEvent} */ (event), marks);
      if (item !== null) location.hash = `#r${item}`;
    });
    add(list, make('div', { class: 'row' }, make('span', { class: 'row-name' }, name), drawing, make('span', { class: 'row-count' }, number(many))));
  }
  add(list, make('div', { class: 'row ticks-row', 'aria-hidden': 'true' }, make('span', {}), ticks(scale), make('span', {})));
  return list;
}

/** Times below a chart. @param {Scale} scale */
function ticks(scale) {
  const line = make('div', { class: 'ticks' });
  const wanted = 6;
  let day = '';
  for (let place = 0; place < wanted; place += 1) {
    const x = (CHART_WIDTH * place) / wanted;
    // The scale is turned round by halving: it is monotonic.
    let low = scale.from;
    let high = scale.to;
    for (let step = 0; step < 40; step += 1) {
      const middle = (low + high) / 2;
      if (scale.x(middle) < x) low = middle;
      else high = middle;
    }
    const [now, clock] = dayAndClock(new Date(high * 1000));
    const tick = make('span', {}, now === day ? clock : `${now.slice(5)} ${clock}`);
    day = now;
    tick.style.left = `${(100 * place) / wanted}%`;
    line.append(tick);
  }
  return line;
}

/** @param {Element} drawing @param {MouseEvent} event @param {Map<number, {item: number}>} marks */
function nearest(drawing, event, marks) {
  const box = drawing.getBoundingClientRect();
  const wanted = ((event.clientX - box.left) / box.width) * CHART_WIDTH;
  let best = null;
  let least = 12;
  for (const [x, { item }] of marks) {
    if (Math.abs(x - wanted) >= least) continue;
    least = Math.abs(x - wanted);
    best = String(item);
  }
  return best;
}

/** When which agent worked. @param {Report} report @param {Scale} scale */
function lanesChart(report, scale) {
  /** @type {number[]} */
  const ends = [];
  const bars = [];
  let left = 0;
  const agents = report.threads.map((thread, place) => ({ thread, place })).filter(({ thread }) => thread.kind === 'agent' && thread.count > 0)
    .map(({ thread, place }) => {
      const times = [...report.time.subarray(thread.from, thread.from + thread.count)].filter(time => time > 0);
      return { place, name: threadTitle(thread), start: Math.min(...times), end: Math.max(...times), has: times.length > 0 };
    }).filter(agent => agent.has).sort((one, other) => one.start - other.start);
  if (!agents.length) return null;
  for (const { place, name, start, end } of agents) {
    const x = scale.x(start);
    const width = Math.max(3, scale.x(end) - x);
    let lane = ends.findIndex(taken => taken + 1 < x);
    if (lane < 0) lane = ends.length;
    if (lane >= MOST_LANES) {
      left += 1;
      continue;
    }
    ends[lane] = x + width;
    const bar = draw('rect', { class: 'mark mark-g', x, y: lane * 10 + 1, width, height: 8, rx: 1 }, draw('title', {}, `${shownText(name)}, ${duration(end - start)}`));
    bar.addEventListener('click', () => (location.hash = `#a${place}`));
    bars.push(bar);
  }
  return chart('Agents at work', make('div', { class: 'rows' }, make('div', { class: 'row' }, make('span', { class: 'row-name' }, `${number(Math.max(...[ends.length]))} at once`),
    canvas(ends.length * 10 + 2, `Agents at work: ${agents.length}`, scale, ...bars), make('span', { class: 'row-count' }, number(agents.length)))),
    left ? make('p', { class: 'dim small' }, `${count(left, 'agent')} more than fit here. All are listed under Agents.`) : null);
}

/** @param {number} value */
function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  return value >= 1000 ? `${Math.round(value / 1000)} k` : number(value);
}

/** @param {Report} report @param {Scale} scale */
function contextChart(report, scale) {
  // Each agent has a context of its own. This is the one of the conversation.
  const own = report.threads[0]?.count ?? 0;
  const points = (report.index.size?.context ?? []).filter(([item]) => item < own && report.time[item] > 0);
  if (points.length < 2) return null;
  const most = Math.max(...points.map(([, tokens]) => tokens), 1);
  const height = 110;
  const y = (/** @type {number} */ tokens) => height - 2 - (tokens / most) * (height - 10);
  const line = points.map(([item, tokens], place) => `${place ? 'L' : 'M'}${scale.x(report.time[item]).toFixed(1)} ${y(tokens).toFixed(1)}`).join('');
  const first = scale.x(report.time[points[0][0]]).toFixed(1);
  const last = scale.x(report.time[points[points.length - 1][0]]).toFixed(1);
  const compactions = [];
  for (const item of report.compactions) {
    if (item < own && report.time[item]) {
      compactions.push(draw('line', { class: 'cut', x1: scale.x(report.time[item]), x2: scale.x(report.time[item]), y1: 0, y2: height, 'vector-effect': 'non-scaling-stroke' }));
    }
  }
  const drawing = canvas(height, `Size of the context: at most ${number(most)} tokens`, scale,
    draw('path', { class: 'area', d: `${line}L${last} ${height}L${first} ${height}Z` }),
    draw('path', { class: 'curve', d: line, 'vector-effect': 'non-scaling-stroke' }), ...compactions.slice(0, 200));
  return chart('Size of the context, in tokens', make('div', { class: 'rows' }, make('div', { class: 'row' },
    make('span', { class: 'row-name' }, compactions.length ? 'Dashed: compactions' : ''), drawing, make('span', { class: 'row-count' }, `at most ${short(most)}`))),
    figuresTable(['Turn', 'Tokens'], points.map(([item, tokens]) => [item, number(tokens)])));
}

/** @param {Report} report @param {Scale} scale */
function changedChart(report, scale) {
  const points = (report.index.size?.changed ?? []).filter(([item]) => report.time[item] > 0);
  if (!points.length) return null;
  /** @type {Map<number, [number, number]>} */
  const bars = new Map();
  let added = 0;
  let removed = 0;
  for (const [item, plus, minus] of points) {
    const at = Math.round(scale.x(report.time[item]) / 5) * 5;
    const bar = bars.get(at) ?? [0, 0];
    bars.set(at, [bar[0] + plus, bar[1] + minus]);
    added += plus;
    removed += minus;
  }
  const most = Math.max(...[...bars.values()].flat(), 1);
  const middle = 50;
  const tall = (/** @type {number} */ lines) => (lines ? 2 + 44 * Math.sqrt(lines / most) : 0);
  const drawing = canvas(100, `Lines changed by calls: ${number(added)} added, ${number(removed)} removed`, scale,
    draw('line', { class: 'axis', x1: 0, x2: CHART_WIDTH, y1: middle, y2: middle, 'vector-effect': 'non-scaling-stroke' }),
    ...[...bars].flatMap(([x, [plus, minus]]) => [
      draw('rect', { class: 'plus-bar', x, y: middle - tall(plus), width: 4, height: tall(plus) }),
      draw('rect', { class: 'minus-bar', x, y: middle, width: 4, height: tall(minus) })]));
  return chart('Lines changed by calls', make('div', { class: 'rows' }, make('div', { class: 'row' },
    make('span', { class: 'row-name' }, 'Added above, removed below'), drawing, make('span', { class: 'row-count' }, lineCounts(added, removed)))),
    figuresTable(['Turn', 'Added', 'Removed'], points.map(([item, plus, minus]) => [item, number(plus), number(minus)])));
}

/** The same as numbers. @param {string[]} heads @param {(string | number)[][]} rows the first value is an item */
function figuresTable(heads, rows) {
  const details = make('details', { class: 'numbers' }, make('summary', {}, 'As a table'));
  details.addEventListener('toggle', () => {
    if (details.querySelector('table')) return;
    add(details, make('table', {}, make('thead', {}, make('tr', {}, ...heads.map(head => make('th', { scope: 'col' }, head)))),
      make('tbody', {}, ...rows.map(([item, ...values]) => make('tr', {}, make('td', {}, make('a', { href: `#r${item}` }, `#${Number(item) + 1}`)),
        ...values.map(value => make('td', { class: 'right' }, value)))))));
  });
  return details;
}

/** @param {Report} report */
function toolsTable(report) {
  /** @type {Map<string, {calls: number, failed: number, first: number}>} */
  const tools = new Map();
  for (let item = 0; item < report.count; item += 1) {
    if (report.kinds[item] !== 'c') continue;
    const name = report.labelOf(item) || 'tool';
    const tool = tools.get(name) ?? { calls: 0, failed: 0, first: item };
    tool.calls += 1;
    if (report.failed.has(item)) tool.failed += 1;
    tools.set(name, tool);
  }
  if (!tools.size) return null;
  const sorted = [...tools].sort(([, one], [, other]) => other.calls - one.calls);
  const most = sorted[0][1].calls;
  return make('figure', { class: 'chart' }, make('figcaption', {}, make('h3', {}, 'Tools')),
    make('table', { class: 'bars' }, make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'Tool'), make('th', { scope: 'col', class: 'right' }, 'Calls'),
      make('th', { scope: 'col', class: 'right' }, 'Failed'), make('td', {}))),
    make('tbody', {}, ...sorted.slice(0, 60).map(([name, { calls, failed, first }]) => {
      const bar = make('span', { class: 'bar-fill' });
      bar.style.width = `${Math.max(1, (100 * calls) / most)}%`;
      return make('tr', {}, make('td', {}, make('a', { href: `#r${first}` }, name)), make('td', { class: 'right' }, number(calls)),
        make('td', { class: 'right' }, failed ? number(failed) : ''), make('td', { class: 'fill' }, bar));
    }))));
}
