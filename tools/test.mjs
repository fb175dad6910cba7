// npm test: install, then lint, typecheck, build, unit and integration tests, architecture rules and budgets, and the run of the whole
// platform in a browser. The last line is `N passed, N failed`; a check that leaves no report counts as failed.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled();
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const reports = join(root, '.reports');
rmSync(reports, { recursive: true, force: true });
mkdirSync(join(reports, '@millrace'), { recursive: true });
const started = Date.now();
const tally = { passed: 0, failed: 0 };
/** What failed, told again at the end: what was printed before may be thousands of lines back. */
const failures = [];
const MOST_FAILURE_LINES = 25;

const nx = (targets, parallel) => run('nx', ['run-many', '-t', ...targets, '--output-style=static', `--parallel=${parallel}`, '--nxBail=false', ...(process.env.CI ? ['--skip-nx-cache'] : [])], { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;

const check = (name, ok) => {
  tally[ok ? 'passed' : 'failed'] += 1;
  if (!ok) failures.push(`${name}: FAILED`);
  process.stdout.write(`\n--- ${name}: ${ok ? 'passed' : 'FAILED'} (${Math.round((Date.now() - started) / 1000)} s so far)\n`);
};

const noteFailures = (name, { testResults }) => {
  for (const { name: file, status, message, assertionResults } of testResults) {
    const failed = assertionResults.filter((one) => one.status !== 'passed');
    for (const { fullName, status: how, failureMessages } of failed) failures.push([`${name}: ${relative(root, file)}: ${fullName}: ${how}`, ...(failureMessages ?? [])].join('\n'));
    if (status === 'failed' && failed.length === 0) failures.push(`${name}: ${relative(root, file)}: did not run\n${message}`);
  }
};

/** Every project with a test target must have left a report in which at least one test ran. */
const count = (names) => {
  for (const name of names) {
    const file = join(reports, `${name}.json`);
    const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    const ran = (report?.numPassedTests ?? 0) + (report?.numFailedTests ?? 0);
    if (report === undefined || ran === 0) {
      failures.push(`${name}: no test report, or a report without a test`);
      process.stdout.write(`${failures.at(-1)}\n`);
      tally.failed += 1;
      continue;
    }
    noteFailures(name, report);
    const broken = report.numFailedTests + (report.numRuntimeErrorTestSuites ?? 0) + (report.numPendingTests ?? 0);
    tally.passed += report.numPassedTests;
    tally.failed += broken;
    process.stdout.write(`${name}: ${report.numPassedTests} passed, ${broken} failed\n`);
  }
};

const projects = ['apps', 'libs']
  .flatMap((kind) => readdirSync(join(root, kind)).map((name) => join(root, kind, name, 'package.json')))
  .filter((file) => existsSync(file))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')))
  .filter((pkg) => pkg.nx?.targets?.test !== undefined)
  .map((pkg) => pkg.name);

if (only === undefined) {
  check('lint, typecheck, build', nx(['lint', 'typecheck', 'build'], 2));
  check('unit and integration tests', nx(['test'], 3));
  count(projects);
  check('architecture rules and budgets', nx(['architecture'], 1));
  count(['architecture']);
  check('the checker of the chaos runs', nx(['chaos'], 1));
  count(['chaos']);
  check('alterations of a cosigned log are found', nx(['tamper'], 1));
  count(['tamper']);
} else {
  check('build', nx(['build'], 2));
}
check('the whole platform, in a browser', nx(['e2e'], 1));
count(['e2e']);
for (const failure of failures) process.stdout.write(`\n${failure.split('\n').slice(0, MOST_FAILURE_LINES).join('\n')}\n`);
process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed\n`);
process.exit(tally.failed === 0 ? 0 : 1);
