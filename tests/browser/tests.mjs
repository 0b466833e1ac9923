// What a page must do. Each test gets the browser and the page's file, and returns why it has nothing to do, if so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Watched, check, eventually } from './browser.mjs';

const PARTS = ['overview', 'conversation', 'agents', 'edits', 'tasks', 'grants', 'timeline', 'replay'];

/** Opens a page, hands it over, and closes it. */
export async function on({ browser, file }, options, use) {
  const watched = await Watched.open(browser, file, options);
  try {
    return await use(watched, watched.page);
  } finally {
    await watched.close();
  }
}

/** Facts of the session, read from the page itself. */
export const facts = page => page.evaluate(() => {
  const { report } = window.snapReport;
  return {
    count: report.count, kinds: report.kinds, own: report.threads[0]?.count ?? 0, agents: [...report.agents],
    threads: report.threads.map(({ from, count, kind }) => ({ from, count, kind })),
    edits: report.edits.map(({ path, items, bytes, lines }) => ({ path, items, bytes, lines })), tasks: report.tasks.length,
  };
});

const isOnScreen = (page, id) => page.evaluate(name => {
  const box = document.getElementById(name)?.getBoundingClientRect();
  return Boolean(box && box.bottom > 60 && box.top < innerHeight && box.height > 0);
}, id);

async function opens(context) {
  await on(context, {}, async (watched, page) => {
    await eventually(async () => await page.locator('h1').first().isVisible(), 'the title is not shown');
    await eventually(async () => await page.locator('.tabs a[aria-current=page]').innerText() === 'Overview', 'the overview is not the first part');
    await eventually(async () => await page.locator('.figures a').count() === 6, 'the figures are missing');
    await eventually(async () => await page.locator('.noscript').count() === 0, 'it still says that it needs JavaScript');
    await eventually(async () => await page.locator('.problem').count() === 0, 'the page tells of a problem');
    await watched.sound('at the start');
  });
}

async function showsEveryPart(context) {
  for (const [width, height, colorScheme] of [[1280, 900, 'light'], [390, 844, 'dark']]) {
    await on(context, { width, height, colorScheme }, async (watched, page) => {
      for (const part of PARTS) {
        await page.evaluate(name => (location.hash = name), part);
        await page.waitForFunction(name => document.querySelector('.tabs a[aria-current=page]')?.id === `tab-${name}`, part);
        await watched.settle();
        await eventually(async () => (await page.locator('main').innerText()).trim().length > 3, `${part} is empty`);
        await eventually(async () => await page.locator('h1, h2').count() > 0, `${part} has no heading`);
        await eventually(async () => await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${part} is too wide at ${width}`);
        await watched.sound(`${part} at ${width}`);
      }
    });
  }
}

async function followsColours(context) {
  const back = page => page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d');
    canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data[0];
  });
  for (const [colorScheme, dark] of [['light', false], ['dark', true]]) {
    await on(context, { colorScheme }, async (watched, page) => {
      await eventually(async () => await back(page) < 128 === dark, `with a ${colorScheme} system the page is not ${colorScheme}`);
      await page.locator('.menu summary').click();
      await page.locator('.menu select').first().selectOption(dark ? 'light' : 'dark');
      await eventually(async () => await back(page) < 128 !== dark, 'the switch does not change the colours');
      // A browser writes down what a page keeps some time after it was told.
      await eventually(async () => {
        await page.reload();
        return await back(page) < 128 !== dark;
      }, 'the switch is forgotten');
      await watched.sound('colours');
    });
  }
  await on(context, { forcedColors: 'active', reducedMotion: 'reduce' }, async watched => {
    for (const part of PARTS) {
      await watched.go(`#${part}`);
      await watched.sound(`${part} with forced colours`);
    }
  });
}

/** A word that stands in an item, and few other places. */
const wordOf = (page, items) => page.evaluate(async list => {
  const { report } = window.snapReport;
  for (const item of list) {
    const text = report.kinds[item] === 'c' ? (await report.callOf(item)).output : await report.textOf(item);
    const words = text.match(/[a-z_]{7,}/g);
    if (words) return { item, word: words.sort((one, other) => other.length - one.length)[0] };
  }
  return null;
}, items);

async function searches(context) {
  return on(context, {}, async (watched, page) => {
    const { kinds, threads } = await facts(page);
    const inAgents = threads.flatMap(thread => Array.from({ length: thread.count }, (_, n) => thread.from + n)).filter(item => 'pac'.includes(kinds[item])).reverse();
    const wanted = await wordOf(page, inAgents.slice(0, 400));
    if (!wanted) return 'no word to look for';
    await page.keyboard.press('/');
    await eventually(async () => await page.evaluate(() => document.activeElement?.id) === 'find-field', '/ does not lead to the search');
    await page.keyboard.type(wanted.word);
    await page.waitForFunction(text => document.querySelector('#find')?.dataset.took && window.snapReport.app.find.text === text, wanted.word);
    const counts = await page.locator('.find-counts').innerText();
    check(/^[\d,]+ hits? in [\d,]+ places?/.test(counts), `the counts read "${counts}"`);
    check(!counts.startsWith('0 '), `"${wanted.word}" of item ${wanted.item} was not found`);
    await watched.sound('search');
    const hash = await page.locator('.found a').first().getAttribute('href');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.waitForFunction(to => location.hash === to, hash);
    if (/^#[re]/.test(hash)) {
      await page.waitForFunction(id => document.getElementById(id), hash.slice(1));
      await watched.settle();
      await eventually(async () => await isOnScreen(page, hash.slice(1)), `${hash} is not on the screen after a jump`);
    }
    await page.keyboard.press('Escape');
    await eventually(async () => await page.locator('#find').isHidden(), 'Escape does not close the search');
    await page.locator('#find-field').fill('there is no such text as this one');
    await page.waitForFunction(() => document.querySelector('.find-counts')?.textContent?.startsWith('0 hits in 0 places'));
    await watched.sound('search without hits');
  });
}

async function findsInsideFolds(context) {
  return on(context, {}, async (watched, page) => {
    const { kinds, own } = await facts(page);
    const calls = [...kinds].flatMap((kind, item) => (kind === 'c' && item < own ? [item] : []));
    const wanted = await wordOf(page, calls.reverse());
    if (!wanted) return 'no call';
    const { word, item } = wanted;
    await page.evaluate(([to, text]) => window.snapReport.app.go(to, text), [`#r${item}`, word]);
    await page.waitForFunction(id => document.querySelector(`#r${id} details[open] .body`)?.firstChild, item);
    await page.waitForFunction(() => CSS.highlights.get('found')?.size > 0);
    const text = await page.evaluate(() => [...CSS.highlights.get('found')][0].toString());
    check(text.toLowerCase() === word, `"${text}" is marked, not "${word}"`);
    await watched.sound('a hit inside a fold');
  });
}

async function foldsAndUnfolds(context) {
  return on(context, { hash: '#conversation' }, async (watched, page) => {
    await watched.settle();
    const summary = page.locator('.turn summary').first();
    if (!(await summary.count())) return 'nothing to unfold';
    const details = page.locator('.turn details').first();
    await summary.click();
    await page.waitForFunction(() => document.querySelector('.turn details .body')?.textContent);
    await eventually(async () => await details.evaluate(element => element.open), 'it does not unfold');
    await watched.sound('unfolded');
    await summary.click();
    await eventually(async () => await details.evaluate(element => !element.open), 'it does not fold');
  });
}

async function jumpsFromAnEditToItsCall(context) {
  return on(context, { hash: '#edits' }, async (watched, page) => {
    const { edits, count } = await facts(page);
    const place = edits.findIndex(edit => edit.items.some(item => item < count) && edit.bytes);
    if (place < 0) return 'no edit names a call';
    await watched.go(`#e${place}`);
    const link = page.locator(`#e${place} .callers a`).first();
    const hash = await link.getAttribute('href');
    await link.click();
    await page.waitForFunction(id => document.getElementById(id), hash.slice(1));
    await watched.settle();
    await eventually(async () => await isOnScreen(page, hash.slice(1)), 'the call of the edit is not on the screen');
    await page.waitForFunction(id => document.querySelector(`#${id} details`)?.open !== false, hash.slice(1));
    const back = page.locator(`${hash} .body .follow a[href="#e${place}"]`);
    await back.waitFor();
    await back.click();
    await page.waitForFunction(id => document.getElementById(id), `e${place}`);
    await watched.settle();
    await eventually(async () => await isOnScreen(page, `e${place}`), 'the edit is not on the screen on the way back');
    await watched.sound('from an edit to its call and back');
    // The way back leads to where the reader was.
    await page.goBack();
    await page.waitForFunction(id => document.getElementById(id), hash.slice(1));
    await watched.settle();
    await eventually(async () => await isOnScreen(page, hash.slice(1)), 'the back button does not lead back');
  });
}

async function showsDiffsBothWays(context) {
  return on(context, {}, async (watched, page) => {
    const { edits } = await facts(page);
    const place = edits.findIndex(edit => edit.bytes && edit.lines < 150);
    if (place < 0) return 'no edit has lines';
    const lines = pick => page.evaluate(([to, sign]) => [...document.querySelectorAll(`#e${to} td.${sign}`)].map(cell => cell.textContent), [place, pick]);
    const whole = await page.evaluate(async to => {
      const text = await window.snapReport.report.textOfEdit(window.snapReport.report.edits[to]);
      return text.split('\n').filter(line => line[0] === '+').length;
    }, place);
    const shown = async way => {
      await watched.go(`#e${place}`);
      await page.locator('.toolbar select').selectOption(way);
      await watched.go(`#e${place}`);
      await eventually(async () => await page.locator(`#e${place} table.diff${way === 'pairs' ? '.pair' : ':not(.pair)'}`).count() > 0, `the diff is not shown as ${way}`);
      await eventually(async () => (await lines('added')).length === whole, `not all of ${whole} added lines are shown`);
      return [await lines('added'), await lines('removed')];
    };
    const one = await shown('one');
    const pairs = await shown('pairs');
    check(one[0].length + one[1].length > 0, 'no line is shown as changed');
    check(JSON.stringify(one) === JSON.stringify(pairs), 'the lines side by side are not those of the unified diff');
    await watched.sound('diffs');
  });
}

async function followsAgents(context) {
  return on(context, {}, async (watched, page) => {
    const { agents, threads } = await facts(page);
    const call = agents.find(([, thread]) => thread < threads.length);
    if (!call) return 'no agent';
    await watched.go(`#r${call[0]}`);
    const link = page.locator(`#r${call[0]} .follow a[href="#a${call[1]}"]`).first();
    await link.click();
    await page.waitForFunction(name => location.hash === name && document.querySelector('.feed'), `#a${call[1]}`);
    await watched.settle();
    await eventually(async () => await page.locator('.tabs a[aria-current]').innerText() === 'Agents', 'the agent is not among the agents');
    await page.locator(`.agent-head a[href="#r${call[0]}"]`).click();
    await page.waitForFunction(id => document.getElementById(id), `r${call[0]}`);
    await watched.settle();
    await eventually(async () => await isOnScreen(page, `r${call[0]}`), 'the way back does not lead to the call');
    await watched.sound('agents');
  });
}

async function keepsItsPlace(context) {
  return on(context, {}, async (watched, page) => {
    const { own } = await facts(page);
    if (own < 3) return 'too short';
    const item = Math.floor(own * 0.6);
    await watched.go(`#r${item}`);
    await eventually(async () => await isOnScreen(page, `r${item}`), 'the address does not lead to the turn');
    await page.reload({ waitUntil: 'load' });
    await page.waitForFunction(id => document.getElementById(id), `r${item}`);
    await watched.settle();
    await eventually(async () => await isOnScreen(page, `r${item}`), 'the turn is not on the screen after the page was loaded again');
    await watched.sound('an address');
  });
}

async function hasPagesWhereItIsTooTall(context) {
  return on(context, { hash: '#conversation' }, async (watched, page) => {
    await watched.settle();
    const pages = await page.evaluate(() => window.snapReport.app.view?.feed?.pages.length ?? 0);
    if (pages < 2) return 'one page is enough';
    const { own } = await facts(page);
    await eventually(async () => await page.evaluate(() => document.documentElement.scrollHeight) < 16_000_000, 'the page is too tall');
    await page.locator('.pager button').last().scrollIntoViewIfNeeded();
    await page.locator('.pager button').last().click();
    await page.waitForFunction(() => window.snapReport.app.view.feed.page === 1);
    await watched.go(`#r${own - 1}`);
    await eventually(async () => await isOnScreen(page, `r${own - 1}`), 'the last turn is not on the screen');
    await watched.go('#r0');
    await eventually(async () => await isOnScreen(page, 'r0'), 'the first turn is not on the screen');
    await watched.sound('pages of turns');
  });
}

async function filters(context) {
  return on(context, { hash: '#conversation' }, async (watched, page) => {
    const { kinds, own } = await facts(page);
    const prompts = [...kinds.slice(0, own)].filter(kind => 'pkx'.includes(kind)).length;
    if (!prompts) return 'no prompt';
    await page.locator('.toolbar select').selectOption('prompts');
    await watched.settle();
    await eventually(async () => await page.locator('.turn:not(.prompt):not(.compaction)').count() === 0, 'more than prompts is shown');
    await eventually(async () => (await page.locator('.turn').first().getAttribute('aria-setsize')) === String(prompts), 'not every prompt is counted');
    await page.locator('.toolbar select').selectOption('talk');
    await watched.settle();
    await eventually(async () => await page.locator('.turn.call').count() === 0, 'a tool call is shown');
    await page.locator('.toolbar select').selectOption('open');
    await watched.settle();
    await eventually(async () => await page.locator('.turn details:not([open])').count() === 0, 'something is still folded');
    await watched.sound('filters');
  });
}

async function worksByKeyboard(context) {
  return on(context, {}, async (watched, page) => {
    await page.keyboard.press('Tab');
    await eventually(async () => await page.evaluate(() => document.activeElement?.className) === 'skip', 'the first stop is not the way to the text');
    await page.keyboard.press('Enter');
    await eventually(async () => await page.evaluate(() => document.activeElement?.tagName) === 'MAIN', 'the way to the text does not lead there');
    if (!(await facts(page)).own) return 'no turn';
    await page.keyboard.press('2');
    await page.waitForFunction(() => document.querySelector('.feed .turn'));
    await watched.settle();
    await page.keyboard.press('j');
    await page.waitForFunction(() => document.activeElement?.classList.contains('turn'));
    const first = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.press('j');
    if ((await facts(page)).own > 1) {
      await page.waitForFunction(id => document.activeElement?.classList.contains('turn') && document.activeElement.id !== id, first);
      await page.keyboard.press('k');
      await page.waitForFunction(id => document.activeElement?.id === id, first);
    }
    for (let press = 0; press < 40; press += 1) {
      const foldable = await page.evaluate(() => Boolean(document.activeElement?.querySelector('details')));
      if (foldable) break;
      const before = await page.evaluate(() => document.activeElement?.id);
      await page.keyboard.press('j');
      const moved = await page.waitForFunction(id => document.activeElement?.id !== id, before, { timeout: 5000 }).catch(() => null);
      if (!moved) break;
    }
    if (await page.evaluate(() => Boolean(document.activeElement?.querySelector('details')))) {
      await page.keyboard.press('o');
      await page.waitForFunction(() => document.activeElement?.querySelector('details')?.open);
    }
    for (const [place, part] of PARTS.entries()) {
      await page.keyboard.press(String(place + 1));
      await page.waitForFunction(name => document.querySelector('.tabs a[aria-current]')?.id === `tab-${name}`, part);
    }
    await watched.sound('keyboard');
  });
}

async function replays(context) {
  return on(context, { hash: '#replay' }, async (watched, page) => {
    const { own } = await facts(page);
    if (own < 3) return 'too short';
    const step = async () => Number((await page.locator('.deck .where').innerText()).match(/Step ([\d,]+)/)[1].replaceAll(',', ''));
    await page.waitForFunction(() => document.querySelector('.stage .now'));
    await page.getByRole('button', { name: 'Step', exact: true }).click();
    await page.waitForFunction(() => document.querySelector('.deck .where')?.textContent?.startsWith('Step 2 '));
    await page.locator('.controls select').selectOption('20');
    await page.getByRole('button', { name: 'Play' }).click();
    await page.waitForFunction(() => !/^Step [12] /.test(document.querySelector('.deck .where')?.textContent ?? ''));
    const pause = page.getByRole('button', { name: 'Pause' });
    if (await pause.count()) await pause.click({ timeout: 1000 }).catch(() => undefined);
    await eventually(async () => await step() > 2, 'playing does not go on');
    await page.locator('.deck input[type=range]').fill(String(own - 1));
    await page.waitForFunction(to => document.querySelector('.deck .where')?.textContent?.startsWith(`Step ${to.toLocaleString('en-US')} of`), own);
    await page.waitForFunction(() => document.querySelectorAll('.stage .turn').length > 1);
    const saved = await page.evaluate(() => [...window.snapReport.app.report.checkpoints]);
    for (const [item, names] of saved) {
      await page.locator('.deck input[type=range]').fill(String(item));
      await page.waitForFunction(name => document.querySelector('.deck .where')?.textContent?.includes(`after the checkpoint ${name}`), names.at(-1));
    }
    await watched.sound('replay');
  });
}

async function isAccessible(context) {
  const axe = readFileSync(context.require.resolve('axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark']) {
    await on(context, { colorScheme }, async (watched, page) => {
      await page.evaluate(axe);
      for (const part of PARTS) {
        await watched.go(`#${part}`);
        if (part === 'conversation') {
          const summary = page.locator('.turn.call summary').first();
          if (await summary.count()) await summary.click();
        }
        if (part === 'replay') await page.evaluate(() => window.snapReport.app.view?.goTo?.(5));
        if (part === 'timeline') await page.evaluate(() => document.querySelectorAll('details.numbers').forEach(element => (element.open = true)));
        const look = () => page.evaluate(async () => {
          const { violations } = await window.axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: true } } });
          return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
            .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 2).map(node => node.html.slice(0, 120)).join(' and ')}`);
        });
        let serious = await look();
        // A page that is being drawn is in between for a moment.
        for (let again = 0; again < 3 && serious.length; again += 1) {
          await watched.settle();
          serious = await look();
        }
        check(!serious.length, `${part}, ${colorScheme}: ${serious.join('; ')}`);
      }
      await eventually(async () => await page.locator('main').count() === 1 && await page.locator('nav').count() >= 1, 'landmarks are missing');
    });
  }
}

async function showsAllText(context) {
  return on(context, {}, async (watched, page) => {
    const { count } = await facts(page);
    if (count > 2000) return 'too large to compare every word';
    const missing = await page.evaluate(async () => {
      const { report } = window.snapReport;
      const words = text => text.match(/[\p{L}\p{N}]+/gu) ?? [];
      const lost = [];
      for (let item = 0; item < report.count; item += 1) {
        if (report.kinds[item] === 'i' || report.bytes[item] > 100000) continue;
        const article = await turn(report, item, { place: 1, of: 1 });
        document.querySelector('main').append(article);
        const details = article.querySelector('details');
        if (details) await unfold(details);
        for (const more of article.querySelectorAll('button.more')) more.click();
        await fillAll(article);
        const have = article.textContent;
        const { input, output: result } = report.kinds[item] === 'c' ? await report.callOf(item) : { input: await report.textOf(item), output: '' };
        // Of a link, the text and the host are shown; the whole address is its title.
        const text = `${input}\n${result}`.replace(/\]\([^)]*\)/g, ' ');
        const gone = words(text.replace(/\u001b\[[\d;]*m/g, ' ').replace(/[\ue000-\ue002]/g, '')).filter(word => !have.includes(word));
        if (gone.length && !/[^\x00-\x7f]/.test(text)) lost.push(`item ${item} (${report.kinds[item]}): ${gone.slice(0, 3)}`);
        article.remove();
      }
      return lost;
    });
    check(!missing.length, `words are lost: ${missing.slice(0, 4).join('; ')}`);
    await watched.sound('every item unfolded');
  });
}

async function staysWithinBounds(context) {
  return on(context, { hash: '#conversation' }, async (watched, page) => {
    const { count } = await facts(page);
    if (count < 2000) return 'small';
    const most = await page.evaluate(async () => {
      const frame = () => new Promise(go => requestAnimationFrame(go));
      let nodes = 0;
      for (let share = 0; share <= 1; share += 0.05) {
        window.scrollTo(0, document.documentElement.scrollHeight * share);
        for (let wait = 0; wait < 6; wait += 1) await frame();
        nodes = Math.max(nodes, document.querySelectorAll('*').length);
      }
      return nodes;
    });
    check(most < 12000, `${most} elements are in the page at once`);
    await watched.settle();
    await watched.sound('scrolling');
  });
}

async function worksWithoutScript(context) {
  await on(context, { javaScriptEnabled: false }, async (_, page) => {
    await eventually(async () => await page.locator('#static h1').isVisible(), 'without JavaScript there is no title');
    await eventually(async () => await page.locator('.noscript').isVisible(), 'it does not say why the rest is closed');
    await eventually(async () => await page.locator('#static section').count() > 0, 'without JavaScript there is no overview');
  });
}

async function saysThatItIsCutShort(context) {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  try {
    const whole = readFileSync(context.file);
    const last = whole.lastIndexOf('<script type="text/plain" id="c');
    if (last < 0) return 'no chunk';
    const file = join(folder, 'cut.html');
    writeFileSync(file, whole.subarray(0, last + 50));
    await on({ ...context, file }, {}, async (_, page) => {
      await page.waitForFunction(() => document.querySelector('.status')?.textContent?.includes('cut short'));
      await page.evaluate(() => (location.hash = '#conversation'));
      await page.waitForFunction(() => document.querySelector('.feed'));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const tests = [
  ['it opens with its overview', opens],
  ['every part is shown, wide and narrow', showsEveryPart],
  ['colours follow the system and the switch', followsColours],
  ['search finds what an agent wrote, and leads there', searches],
  ['a hit inside a fold is unfolded and marked', findsInsideFolds],
  ['calls unfold and fold', foldsAndUnfolds],
  ['an edit leads to its call, and back', jumpsFromAnEditToItsCall],
  ['diffs have the same lines unified and side by side', showsDiffsBothWays],
  ['a call leads to its agent, and back', followsAgents],
  ['an address leads to a turn, also after a reload', keepsItsPlace],
  ['a very long talk has pages', hasPagesWhereItIsTooTall],
  ['filters show only what they name', filters],
  ['everything works by the keyboard', worksByKeyboard],
  ['the replay steps and plays', replays],
  ['nothing serious for those who cannot see', isAccessible],
  ['every word of every item is shown', showsAllText],
  ['scrolling keeps the page light', staysWithinBounds],
  ['without JavaScript the overview is there', worksWithoutScript],
  ['a file that is cut short says so', saysThatItIsCutShort],
];
