// Measures a page: node measure.mjs [--modules FOLDER] PAGE... Prints one line of JSON a page. Times are milliseconds.
import { readFileSync, statSync } from 'node:fs';
import { modules, start } from './browser.mjs';
import { pathToFileURL } from 'node:url';

const words = process.argv.slice(2);
const folder = words[0] === '--modules' ? words.splice(0, 2)[1] : undefined;
const { require } = modules(folder);

/** The memory of a page's process, in MB: of all that draw something, the one that works when the page does. */
async function memory(browser, page) {
  const session = await browser.newBrowserCDPSession();
  const times = async () => new Map((await session.send('SystemInfo.getProcessInfo')).processInfo.filter(({ type }) => type === 'renderer').map(({ id, cpuTime }) => [id, cpuTime]));
  const before = await times();
  await page.evaluate(() => {
    for (const end = performance.now() + 400; performance.now() < end; );
  });
  const [id] = [...await times()].sort(([one, first], [other, second]) => second - (before.get(other) ?? 0) - first + (before.get(one) ?? 0))[0];
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0) / 1024);
}

for (const file of words) {
  const browser = await start(require);
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  await page.addInitScript(() => {
    window.__long = [];
    new PerformanceObserver(list => list.getEntries().forEach(entry => window.__long.push(Math.round(entry.duration)))).observe({ type: 'longtask', buffered: true });
  });
  await page.goto('about:blank');
  const empty = await memory(browser, page);
  await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
  const result = await page.evaluate(async () => {
    const frame = () => new Promise(go => requestAnimationFrame(() => setTimeout(go)));
    await frame();
    const [navigation] = performance.getEntriesByType('navigation');
    const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
    return { paint: Math.round(paint), loaded: Math.round(navigation.loadEventEnd), pauseOpening: Math.max(0, ...window.__long), elements: document.querySelectorAll('*').length };
  });
  result.memoryOpen = await memory(browser, page);
  Object.assign(result, await page.evaluate(async () => {
    const { app, report } = window.snapReport;
    const frame = () => new Promise(go => requestAnimationFrame(() => setTimeout(go)));
    const shown = async () => {
      for (;;) {
        const near = [...document.querySelectorAll('main .content .slot')].filter(slot => slot.getBoundingClientRect().bottom > 0 && slot.getBoundingClientRect().top < innerHeight);
        if (near.every(slot => slot.firstChild)) return;
        await frame();
      }
    };
    const timed = async use => {
      const begun = performance.now();
      await use();
      return Math.round(performance.now() - begun);
    };
    const conversation = await timed(async () => {
      history.pushState(null, '', '#conversation');
      await app.route();
      await shown();
    });
    const jumps = [];
    for (let share = 0.05; share < 1; share += 0.05) {
      const item = Math.floor(report.count * share);
      jumps.push(await timed(async () => {
        // Until the turn is in the page, where it belongs; what surrounds it is filled after that.
        history.pushState(null, '', `#r${item}`);
        void app.route();
        while (item < report.count && !document.getElementById(`r${item}`)) await new Promise(go => setTimeout(go));
      }));
      await shown();
      await frame();
    }
    jumps.sort((one, other) => one - other);
    window.__long = [];
    const search = async text => {
      delete app.find.panel.dataset.took;
      app.find.field.value = text;
      app.find.start();
      while (!app.find.panel.dataset.took) await new Promise(go => setTimeout(go, 5));
      return Number(app.find.panel.dataset.took);
    };
    const rare = await search('needle_at_the_end');
    const again = await search('needle_at_the_end');
    const pauseRare = Math.max(0, ...window.__long);
    window.__long = [];
    const frequent = await search('ka');
    const pauseFrequent = Math.max(0, ...window.__long);
    app.find.close();
    window.__long = [];
    const parts = {};
    for (const part of ['agents', 'edits', 'tasks', 'timeline', 'replay']) {
      parts[part] = await timed(async () => {
        history.pushState(null, '', `#${part}`);
        await app.route();
        await shown();
      });
      await frame();
    }
    const pauseParts = Math.max(0, ...window.__long);
    window.__long = [];
    history.pushState(null, '', '#conversation');
    await app.route();
    let most = 0;
    for (let at = 0; at < 60; at += 1) {
      window.scrollTo(0, (document.documentElement.scrollHeight * ((at * 37) % 60)) / 60);
      await frame();
      await frame();
      most = Math.max(most, document.querySelectorAll('*').length);
    }
    return { conversation, jumpMiddle: jumps[jumps.length >> 1], jumpWorst: jumps.at(-1), searchFirst: rare, searchAgain: again, searchFrequent: frequent, pauseRare, pauseFrequent, parts, pauseParts,
      pauseScrolling: Math.max(0, ...window.__long), elementsMost: most, height: document.documentElement.scrollHeight };
  }));
  result.memoryEnd = await memory(browser, page);
  console.log(JSON.stringify({ file, megabytes: Number((statSync(file).size / 1e6).toFixed(1)), memoryEmpty: empty, ...result }));
  await browser.close();
}
