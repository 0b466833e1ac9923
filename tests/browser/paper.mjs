// What a page must do on paper, and how its diffs and counts look.
import { check, eventually } from './browser.mjs';
import { facts, on } from './tests.mjs';

async function prints(context) {
  return on(context, { hash: '#conversation' }, async (watched, page) => {
    const { own, count } = await facts(page);
    if (count > 5000) return 'large';
    await page.evaluate(() => (window.print = () => (window.__printed = document.querySelectorAll('.turn').length)));
    await page.locator('.menu summary').click();
    await page.getByRole('button', { name: 'Print this part' }).click();
    await page.waitForFunction(() => window.__printed !== undefined);
    await eventually(async () => await page.evaluate(() => window.__printed) === own, 'not every turn was in the page when it was printed');
    await page.emulateMedia({ media: 'print' });
    await eventually(async () => await page.locator('.bar').isHidden(), 'the bar is printed');
    // What is folded is said, at the top of the paper.
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    const folded = await page.locator('.turn details:not([open])').count();
    const note = page.locator('.print-note');
    if (folded) check((await note.innerText()).startsWith(`${folded.toLocaleString('en-US')} tool call`), `the paper says "${await note.innerText()}" of ${folded} folded items`);
    await watched.sound('print');
    await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
    check(await note.count() === 0, 'the note stays after printing');
  });
}

async function printsEditsWhole(context) {
  return on(context, { hash: '#edits' }, async (watched, page) => {
    const { edits } = await facts(page);
    const lines = edits.reduce((sum, edit) => sum + edit.lines, 0);
    if (!lines || lines > 50000) return lines ? 'large' : 'no edit has lines';
    await page.locator('.toolbar select').selectOption('one');
    await page.evaluate(() => (window.print = () => (window.__printed = document.querySelectorAll('.file table.diff tr').length)));
    await page.locator('.menu summary').click();
    await page.getByRole('button', { name: 'Print this part' }).click();
    await page.waitForFunction(() => window.__printed !== undefined);
    check(await page.evaluate(() => window.__printed) === lines, `not all of ${lines} lines were in the page when it was printed`);
    await watched.sound('print of edits');
  });
}

async function numbersFit(context) {
  return on(context, { width: 390, height: 844, hash: '#edits' }, async (watched, page) => {
    // As in a file of a million lines.
    const fits = await page.evaluate(() => {
      const table = diffTable([{ kind: ' ', text: 'a', old: 123456, new: 1234567 }], false, digitsOf([{ old: 123456, new: 1234567 }]));
      document.querySelector('main').append(table);
      const fit = [...table.querySelectorAll('td.at')].every(cell => cell.scrollWidth <= cell.clientWidth);
      table.remove();
      return fit;
    });
    check(fits, 'a line number is wider than its column');
    await watched.sound('line numbers');
  });
}

async function colorsSource(context) {
  return on(context, {}, async (watched, page) => {
    const place = await page.evaluate(() => window.snapReport.report.edits.findIndex(edit => edit.colors));
    if (place < 0) return 'no edit has colours';
    await watched.go(`#e${place}`);
    const words = await page.evaluate(to => [...document.querySelectorAll(`#e${to} .diff :is(.comment, .keyword, .string, .constant, .type, .function, .field)`)].map(word => word.textContent), place);
    check(words.length > 0 && words.every(word => word), `colours lie on ${JSON.stringify(words.slice(0, 8))}`);
    await watched.sound('colours of source code');
  });
}

async function colorsBlocksOfCode(context) {
  return on(context, {}, async (watched, page) => {
    const item = await page.evaluate(() => [...window.snapReport.report.colors.keys()].find(one => 'pa'.includes(window.snapReport.report.kinds[one])) ?? -1);
    if (item < 0) return 'no block of code has colours';
    await watched.go(`#r${item}`);
    const code = await page.evaluate(async to => {
      const { report } = window.snapReport;
      const plain = make('div', {}, markdown(await report.textOf(to)));
      const shown = [...document.querySelectorAll(`#r${to} pre.code`)];
      return { same: shown.every((pre, place) => pre.textContent === plain.querySelectorAll('pre.code')[place].textContent), colored: shown.some(pre => pre.querySelector('span')) };
    }, item);
    check(code.same && code.colored, code.colored ? 'the text of a block is another one with colours' : 'no block has colours');
    await watched.sound('colours of blocks of code');
  });
}

async function countsCompactionsOnce(context) {
  return on(context, { hash: '#timeline' }, async (watched, page) => {
    const { kinds } = await facts(page);
    // The mark of a compaction, and the summary behind it, are one.
    const wanted = [...kinds.matchAll(/x[^pa]*?k|x|k/g)].length;
    if (!wanted || [...kinds].length > 2000) return 'no compaction to count';
    await watched.settle();
    const row = page.locator('.row', { has: page.getByText('Compactions', { exact: true }) }).locator('.row-count');
    await eventually(async () => await row.innerText() === String(wanted), `the time line does not count ${wanted} compactions`);
    await watched.go('#conversation');
    const marks = await page.locator('.contents .mark').count();
    check(marks <= wanted, `${marks} compactions are listed, of ${wanted}`);
  });
}

export const paper = [
  ['printing fills the part first, and says what is folded', prints],
  ['edits are printed whole', printsEditsWhole],
  ['line numbers fit on a narrow screen', numbersFit],
  ['source code has colours', colorsSource],
  ['blocks of code have colours', colorsBlocksOfCode],
  ['a compaction is counted once', countsCompactionsOnce],
];
