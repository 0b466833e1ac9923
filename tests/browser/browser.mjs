// Starts Chromium, and asserts after every step what holds for every page: nothing runs, nothing is fetched, nothing is
// wider than the screen.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-dev-shm-usage'];

/** The folder of node modules: an argument, or the first of NODE_PATH that has what is needed. */
export function modules(folder) {
  const folders = [folder, ...(process.env.NODE_PATH ?? '').split(delimiter)].filter(Boolean);
  const found = folders.find(one => existsSync(join(one, 'playwright-core')));
  if (!found) throw new Error('playwright-core is not there: name the folder of the modules with --modules or NODE_PATH');
  return { folder: found, require: createRequire(join(found, 'x.js')) };
}

export async function start(require, more = []) {
  const executablePath = process.env.SNAP_CHROMIUM || '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error(`there is no browser at ${executablePath}: set SNAP_CHROMIUM`);
  return require('playwright-core').chromium.launch({ executablePath, args: [...FLAGS, ...more] });
}

/** How long a step may take before it counts as failed, in milliseconds. */
const PATIENCE = 120_000;

export class Wrong extends Error {}

export function check(right, message) {
  if (!right) throw new Wrong(message);
}

/** Waits until something is so: a page has its own pace, and the machine may have other work. */
export async function eventually(test, message) {
  for (const end = Date.now() + PATIENCE; ; ) {
    let right = false;
    try {
      right = await test();
    } catch (error) {
      // Between two pages there is nothing to ask.
      if (Date.now() > end) throw error;
    }
    if (right) return;
    if (Date.now() > end) throw new Wrong(message);
    await new Promise(go => setTimeout(go, 50));
  }
}

/** A page that is watched. */
export class Watched {
  static async open(browser, file, { hash = '', width = 1280, height = 900, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const watched = new Watched(context, page, file);
    await page.addInitScript(() => {
      window.__hits = [];
      window.__pwn = name => window.__hits.push(String(name));
    });
    page.on('console', message => ['error', 'warning'].includes(message.type()) && watched.problems.push(`console: ${message.text()}`));
    page.on('pageerror', error => watched.problems.push(`error: ${error.message}`));
    page.on('dialog', dialog => {
      watched.problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('page', other => other !== page && watched.problems.push(`window: ${other.url()}`));
    page.on('request', request => {
      const url = request.url();
      if (url !== watched.url && !url.startsWith('blob:') && !request.isNavigationRequest()) watched.problems.push(`request: ${url}`);
      if (request.isNavigationRequest() && url !== watched.url) watched.problems.push(`went to: ${url}`);
    });
    await page.goto(`${watched.url}${hash}`, { waitUntil: 'load' });
    return watched;
  }

  constructor(context, page, file) {
    this.context = context;
    this.page = page;
    this.url = pathToFileURL(file).href;
    this.problems = [];
  }

  /** Goes to a place in the page, and waits for it. */
  async go(hash) {
    await this.page.evaluate(async to => {
      history.pushState(null, '', to);
      await window.snapReport.app.route();
    }, hash);
    await this.settle();
  }

  /** Waits until what is near the screen is filled. */
  async settle() {
    await this.page.evaluate(async () => {
      const frame = () => new Promise(go => requestAnimationFrame(() => setTimeout(go)));
      await frame();
      for (const end = performance.now() + 100_000; performance.now() < end; ) {
        await frame();
        const near = [...document.querySelectorAll('.slot')].filter(slot => {
          if (slot.closest('.side')) return false;
          const { top, bottom } = slot.getBoundingClientRect();
          return bottom > 0 && top < innerHeight;
        });
        if (near.every(slot => slot.firstChild)) return;
      }
      throw new Error('the screen was not filled');
    });
  }

  async sound(where) {
    const look = () => this.page.evaluate(() => {
      const wrong = [];
      for (const element of document.querySelectorAll('*')) {
        const name = element.localName;
        if (/^(iframe|object|embed|base|link|form|frame|applet|video|audio|animate|set|foreignobject|use|math|marquee)$/i.test(name)) wrong.push(`element ${name}`);
        if (name === 'script' && element.type !== 'text/plain' && element.closest('main')) wrong.push('a script in the text');
        if (name === 'style' && element.closest('body')) wrong.push('a style in the text');
        for (const { name: attribute, value } of element.attributes) {
          if (/^on/i.test(attribute)) wrong.push(`attribute ${attribute}`);
          if (/^(href|src|action|formaction|xlink:href|srcset|background|poster|data)$/i.test(attribute)) {
            const fine = (name === 'a' && /^(#|https?:\/\/)/.test(value)) || (name === 'img' && value.startsWith('blob:'));
            if (!fine) wrong.push(`${name} ${attribute}=${value.slice(0, 60)}`);
            if (name === 'a' && /^http/.test(value) && !/noreferrer/.test(element.rel)) wrong.push(`a link that tells where it is: ${value.slice(0, 60)}`);
          }
          if (attribute === 'style' && /url\(|expression|position:\s*fixed/i.test(value)) wrong.push(`style ${value.slice(0, 60)}`);
        }
      }
      const unseen = /[\u202a-\u202e\u2066-\u2069\u200b\ufeff\u0000-\u0008\u000b-\u001f\u007f-\u009f]/u.exec(document.body.innerText);
      if (unseen) wrong.push(`a character that cannot be seen: ${unseen[0].codePointAt(0).toString(16)}`);
      return { wrong: [...new Set(wrong)].slice(0, 5), hits: window.__hits, wide: document.documentElement.scrollWidth - innerWidth };
    });
    let found = await look();
    // What is too wide must stay so to count: a page that is being drawn is in between for a moment.
    for (let turn = 0; turn < 40 && found.wide > 0; turn += 1) {
      await new Promise(go => setTimeout(go, 50));
      found = await look();
    }
    check(!this.problems.length, `${where}: ${this.problems.slice(0, 3).join('; ')}`);
    check(!found.hits.length, `${where}: something of the text ran: ${found.hits}`);
    check(!found.wrong.length, `${where}: ${found.wrong.join('; ')}`);
    check(found.wide <= 0, `${where}: ${found.wide} pixels wider than the screen`);
  }

  async close() {
    await this.context.close();
  }
}
