// What the front end must do that needs a page of its own.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Watched, check } from './browser.mjs';
import { Page } from './page.mjs';

/** A page that follows a session: a server of its own gives a longer one when asked again. */
async function followsARunningSession({ browser }) {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  const make = turns => {
    const page = new Page('A session that runs');
    page.thread({ name: 'Conversation' });
    for (let turn = 0; turn < turns; turn += 1) page.item('pa'[turn % 2], { text: `Turn ${turn}. ${'It says this. '.repeat(40)}`, time: 1_790_000_000 + turn });
    page.index.live = { url: 'version', version: String(turns) };
    page.write(join(folder, `${turns}.html`));
    return readFileSync(join(folder, `${turns}.html`));
  };
  let turns = 40;
  const pages = new Map([[40, make(40)], [41, make(41)]]);
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.setHeader('content-type', request.url.endsWith('/version') ? 'text/plain' : 'text/html; charset=utf-8');
    response.end(request.url.endsWith('/version') ? String(turns) : pages.get(turns));
  });
  await new Promise(go => server.listen(0, '127.0.0.1', go));
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    const problems = [];
    page.on('pageerror', error => problems.push(error.message));
    page.on('console', message => message.type() === 'error' && !/favicon/.test(message.location().url) && problems.push(message.text()));
    await page.goto(`http://127.0.0.1:${server.address().port}/token/#conversation`);
    await page.waitForFunction(() => document.querySelector('#r0'));
    await page.evaluate(() => window.snapReport.app.view.reach(39));
    await page.waitForFunction(() => document.querySelector('#r39'));
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    turns = 41;
    await page.waitForFunction(() => document.querySelector('#r40'));
    await page.waitForFunction(() => document.querySelector('#r40').getBoundingClientRect().top < innerHeight);
    check(!problems.length, problems.join('; '));
    check(asked.every(url => /^\/(token\/(version)?|favicon.ico)$/.test(url)), `it asked for ${[...new Set(asked)]}`);
  } finally {
    await context.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Markdown, and the elements that it becomes. */
const MARKDOWN = [
  ['a **b** *d* __e__ _f_ 2 * 3 * 4', '<p>a <strong>b</strong> <em>d</em> <strong>e</strong> <em>f</em> 2 * 3 * 4</p>'],
  ['snake_case_name, __tests__/a_b', '<p>snake_case_name, <strong>tests</strong>/a_b</p>'],
  ['***both***, **bold *in* bold**, **open', '<p><strong><em>both</em></strong>, <strong>bold <em>in</em> bold</strong>, **open</p>'],
  ['`a` ``b`c`` `open', '<p><code>a</code> <code>b`c</code> `open</p>'],
  ['# A\n### B\n\nTitle\n===\nUnder\n---', '<h4>A</h4><h6>B</h6><h4>Title</h4><h5>Under</h5>'],
  ['1. a\n2. b\n   - c\n\n3. d', '<ol><li>a</li><li><p>b</p><ul><li>c</li></ul></li><li>d</li></ol>'],
  ['4. a', '<ol start="4"><li>a</li></ol>'],
  ['> q\n> - l\n\nafter', '<blockquote><p>q</p><ul><li>l</li></ul></blockquote><p>after</p>'],
  ['text\n```js\ncode\n```\nmore', '<p>text</p><div class="fence"><span class="language">js</span><pre class="code"><code>code</code></pre></div><p>more</p>'],
  ['~~~\nnever closed', '<div class="fence"><pre class="code"><code>never closed</code></pre></div>'],
  ['a | b\n- | -\n`x\\|y` | z', '<div class="table" tabindex="0" role="region" aria-label="table"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td><code>x|y</code></td><td>z</td></tr></tbody></table></div>'],
  ['<b onclick="x">raw</b> &amp; \\*not\\*', '<p>&lt;b onclick="x"&gt;raw&lt;/b&gt; &amp;amp; *not*</p>'],
  ['[x](javascript:y)', '<p><span class="no-link">x (javascript:y)</span></p>'],
  ['![a](https://e.test/a.png)', '<p><span class="image-name">image: a (https://e.test/a.png)</span></p>'],
  ['[e.test](https://e.test/c_(d))', '<p><a class="out" rel="noreferrer noopener nofollow" target="_blank" title="https://e.test/c_(d)" href="https://e.test/c_(d)">e.test</a></p>'],
  ['(see https://e.test/g_(h)).', '<p>(see <a class="out" rel="noreferrer noopener nofollow" target="_blank" title="https://e.test/g_(h)" href="https://e.test/g_(h)">https://e.test/g_(h)</a>).</p>'],
  ['[bank.test](https://e.test/)', '<p><span><a class="out" rel="noreferrer noopener nofollow" target="_blank" title="https://e.test/" href="https://e.test/">bank.test</a><span class="host"> (e.test)</span></span></p>'],
  ['a\u202eb\u0007', '<p>a<span class="unseen">\\u{202e}</span>b<span class="unseen">\\x07</span></p>'],
];

async function readsMarkdown({ browser }) {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  try {
    new Page('Markdown').write(join(folder, 'page.html'));
    const watched = await Watched.open(browser, join(folder, 'page.html'));
    const made = await watched.page.evaluate(texts => texts.map(text => {
      const box = document.createElement('div');
      box.append(markdown(text));
      return box.innerHTML;
    }), MARKDOWN.map(([text]) => text));
    const wrong = MARKDOWN.map(([text, wanted], place) => (made[place] === wanted ? '' : `${JSON.stringify(text)} became ${made[place]}`)).filter(Boolean);
    check(!wrong.length, wrong.join('\n    '));
    await watched.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const once = [
  ['a page follows a session that runs', followsARunningSession],
  ['Markdown becomes elements, and never HTML', readsMarkdown],
];
