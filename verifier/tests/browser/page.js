// Looks at reports/index.html in Chromium: nothing that axe-core finds, no sideways scrolling, and what can be
// clicked and hovered over does something. Looks at other pages that `report` writes, too, but does not touch
// them. Arguments: the page, other pages. Called by scripts/page-check.
const fs = require('fs');
const puppeteer = require('puppeteer-core');

let failed = 0;

function say(what, good, found) {
  console.log(`${good ? 'ok' : 'FAILED'}  ${what}${good ? '' : `: ${found}`}`);
  failed += good ? 0 : 1;
}

async function look(browser, url, scheme, width) {
  console.log(url);
  const page = await browser.newPage();
  const refused = [];
  page.on('console', message => refused.push(message.text()));
  page.on('request', request => request.url() === url || refused.push(`asks for ${request.url()}`));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(url);
  say(`${scheme}, ${width} px: asks for nothing, and the browser has nothing to complain of`, refused.length === 0, refused);
  await page.setBypassCSP(true); // axe-core is a script
  await page.reload();
  await page.evaluate(() => document.querySelectorAll('details').forEach(one => { one.open = true; }));
  await page.evaluate(fs.readFileSync(require.resolve('axe-core'), 'utf8'));
  const { violations } = await page.evaluate(() => axe.run());
  say(`${scheme}, ${width} px: axe-core`, violations.length === 0, violations.map(one => `${one.id}: ${one.nodes[0].html}`));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  say(`${scheme}, ${width} px: nothing is wider than the page`, !wide, 'it scrolls sideways');
  await page.close();
}

async function touch(browser, url) {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(url);
  await page.click('tbody a');
  say('a link leads to its scenario', page.url().endsWith('#s0'), page.url());
  await page.click('summary');
  say('a table unfolds', await page.$('details[open]') !== null, 'it stays folded');
  const dot = await page.$('circle');
  await dot.hover();
  const opacity = await page.evaluate(one => getComputedStyle(one).fillOpacity, dot);
  say('a dot shows itself under the mouse', opacity === '1', `its opacity is ${opacity}`);
  const title = await page.evaluate(one => one.textContent, dot);
  say('and tells its value', /^\d{4}-\d\d-\d\d: ./.test(title), title);
  await page.close();
}

async function main() {
  const [url, ...others] = process.argv.slice(2).map(path => `file://${path}`);
  const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  for (const scheme of ['light', 'dark'])
    for (const width of [390, 1280, 2560])
      for (const one of [url, ...others])
        await look(browser, one, scheme, width);
  await touch(browser, url);
  await browser.close();
  process.exit(failed > 0 ? 1 : 0);
}

main();
