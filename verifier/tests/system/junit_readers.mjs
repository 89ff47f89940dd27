// Reads JUnit files with what others have written for that, and prints what each saw:
//
//     node junit_readers.mjs DIRECTORY FILE...
//
// DIRECTORY has the packages, as `npm install --prefix` makes it. The answer is {reader: {file: {tests, failed, skipped}}};
// `failed` counts failures and errors, which not every reader tells apart, and {"error": text} stands for a crash.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [directory, ...files] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(directory, "node_modules", path)));
console.log = console.info = console.warn = () => {}; // some of them talk

const sum = (items, of) => (items ?? []).reduce((total, item) => total + of(item), 0);

const readers = {
  async junit2json(file) {
    const { parse } = await load("junit2json/dist/esm/index.js");
    const root = await parse(readFileSync(file, "utf8"));
    const cases = (root.testsuite ?? []).flatMap((suite) => suite.testcase ?? []);
    const is = (key) => cases.filter((one) => one[key] !== undefined).length;
    const failed = is("failure") + is("error");
    if (cases.length !== root.tests || failed !== root.failures + root.errors) throw new Error("its cases are not its totals");
    return { tests: root.tests, failed, skipped: sum(root.testsuite, (suite) => suite.skipped ?? 0) };
  },
  async "junit-to-ctrf"(file) {
    const { convertJUnitToCTRFReport } = await load("junit-to-ctrf/dist/index.js");
    const { summary } = (await convertJUnitToCTRFReport(file)).results;
    return { tests: summary.tests, failed: summary.failed + summary.other, skipped: summary.skipped + summary.pending };
  },
  async "test-results-parser"(file) {
    const { parse } = (await load("test-results-parser/src/index.js")).default;
    const result = parse({ type: "junit", files: [file] });
    // Its total is of those that ran.
    return { tests: result.total + result.skipped, failed: result.failed + result.errors, skipped: result.skipped };
  },
  async "xunit-viewer"(file) {
    const parse = (await load("xunit-viewer/src/cli/parse.js")).default;
    const whole = await parse(readFileSync(file, "utf8"));
    const tests = [whole].flatMap(function all(suite) {
      return [...Object.values(suite.tests ?? {}), ...Object.values(suite.suites ?? {}).flatMap(all)];
    });
    const is = (...states) => tests.filter((one) => states.includes(one.status)).length;
    return { tests: tests.length, failed: is("failure", "failed", "error"), skipped: is("skipped") };
  },
  async "junit-report-merger"(file) {
    const { mergeToString } = (await load("junit-report-merger/index.js")).default;
    const merged = await mergeToString([readFileSync(file, "utf8")], {});
    const number = (name) => Number(new RegExp(`<testsuites[^>]* ${name}="(\\d+)"`).exec(merged)?.[1]);
    return { tests: number("tests"), failed: number("failures") + number("errors"), skipped: merged.split("<skipped").length - 1 };
  },
};

const answer = {};
for (const [name, read] of Object.entries(readers)) {
  answer[name] = {};
  for (const file of files) {
    try {
      answer[name][file] = await read(file);
    } catch (error) {
      answer[name][file] = { error: String(error.stack ?? error) };
    }
  }
}
process.stdout.write(JSON.stringify(answer));
