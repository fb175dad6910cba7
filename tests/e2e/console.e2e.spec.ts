import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import { freeBase, freshHome, millraceInBackground, millraceJson, removeHome, root, startPlatform, status, until, type Platform } from './platform.ts';

const PASSWORD = 'correct horse battery';
const shots = process.env['MILLRACE_SCREENSHOTS'] ?? join(root, '.reports', 'screenshots');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let home: string;
let platform: Platform;
let browser: Browser;
let page: Page;
let simulation: ReturnType<typeof millraceInBackground>;
const errors: string[] = [];

const url = (path: string): string => `http://127.0.0.1:${platform.base}${path}`;
const shoot = (name: string): Promise<Buffer> => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });

interface AxeResult { readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string }[] }[] }

/** Serious and critical findings of axe on the page as it stands. */
const seriousFindings = async (): Promise<string[]> => {
  // As the page's own script: its content security policy admits no other.
  const result = await page.evaluate<AxeResult>(`(async () => { ${axe}; return await axe.run(document, { resultTypes: ['violations'] }); })()`);
  return result.violations.filter((violation) => ['serious', 'critical'].includes(violation.impact)).map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).slice(0, 3).join(' | ')}`);
};

beforeAll(async () => {
  mkdirSync(shots, { recursive: true });
  home = await freshHome();
  platform = await startPlatform({ home, base: await freeBase() });
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error' && !/401/.test(message.text())) errors.push(message.text()); });
  // The seed stands in every event's id: a long one, so that a page which shortens what it shows would be found out.
  simulation = millraceInBackground(home, 'simulate', '--tenant', 'demo', '--rate', '40', '--seed', '20261130', '--for', '300s');
});
afterAll(async () => {
  simulation?.child.kill('SIGTERM');
  await browser?.close();
  await simulation?.done;
  await platform?.stop();
  await removeHome(home);
});

describe('first login', () => {
  it('asks a visitor without a session to log in', async () => {
    await page.goto(url('/'));
    await page.getByRole('heading', { name: 'Log in to Millrace' }).waitFor();
    expect(await seriousFindings()).toEqual([]);
  });

  it('by the one-time link makes the first user and enters', async () => {
    expect(platform.loginLink).toBeDefined();
    await page.goto(platform.loginLink!);
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel(/^Password \(/).fill(PASSWORD);
    await page.getByLabel('Password again').fill(PASSWORD);
    await shoot('first-login');
    await page.getByRole('button', { name: 'Create user and log in' }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  });

  it('shows the shop that sells, without a choice', async () => {
    await until('the demo shop\'s numbers', async () => {
      await page.goto(url('/'));
      await page.getByTestId('kpi-orders').waitFor({ timeout: 5000 });
      return true;
    }, 90_000);
    expect(await page.getByLabel('Tenant').inputValue()).toBe('demo');
  });

  it('tells what to do for a tenant without sales, and leads to the one that has', async () => {
    await page.goto(url('/?tenant=shop'));
    await page.getByText('No sales have arrived for tenant shop yet.').waitFor();
    expect(await page.getByText('source add').count()).toBeGreaterThan(0);
    await page.getByRole('link', { name: 'look at tenant demo' }).click();
    await page.getByTestId('kpi-orders').waitFor();
    expect(await page.title()).toBe('Overview · demo – Millrace');
  });

  it('remembers no tenant that can be none', async () => {
    await page.goto(url('/?tenant=%3Cscript%3E'));
    await page.getByRole('alert').waitFor();
    await page.goto(url('/'));
    await page.getByTestId('kpi-orders').waitFor();
    expect(await page.getByLabel('Tenant').inputValue()).toBe('demo');
  });

  it('answers an unknown page with a way on', async () => {
    await page.goto(url('/overview'));
    await page.getByRole('heading', { name: 'No such page' }).waitFor();
    expect(await page.getByRole('main').getByRole('link').count()).toBe(3);
  });

  it('works once', async () => {
    const other = await browser.newContext();
    const second = await other.newPage();
    await second.goto(platform.loginLink!);
    await second.getByLabel('Name').fill('eve');
    await second.getByLabel(/^Password \(/).fill(PASSWORD);
    await second.getByLabel('Password again').fill(PASSWORD);
    await second.getByRole('button', { name: 'Create user and log in' }).click();
    await second.getByRole('alert').waitFor();
    expect(await second.getByRole('navigation', { name: 'Pages' }).count()).toBe(0);
    await other.close();
  });
});

const orders = async (): Promise<number> => Number((await page.getByTestId('kpi-orders').locator('.number-big').textContent() ?? '').replaceAll(',', ''));

/** Nothing of the page lies beyond the window's right edge. */
const fits = async (width: number): Promise<boolean> => {
  await page.setViewportSize({ width, height: 900 });
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
  await page.setViewportSize({ width: 1280, height: 900 });
  return wide <= width;
};

describe('the overview', () => {

  it('shows KPIs that move while the shop sells', async () => {
    await page.goto(url('/?tenant=demo'));
    const before = await until('orders on the page', async () => { const n = await orders(); return n > 0 ? n : undefined; }, 90_000);
    expect(await until('more orders on the page', async () => { const n = await orders(); return n > before ? n : undefined; }, 60_000)).toBeGreaterThan(before);
    await page.locator('[data-testid=chart] canvas').first().waitFor();
    await shoot('overview');
  });

  it.each(['light', 'dark'] as const)('has no serious accessibility finding in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    expect(await seriousFindings()).toEqual([]);
    await shoot(`overview-${colorScheme}`);
  });

  it('can be used with the keyboard alone', async () => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(url('/?tenant=demo'));
    await page.getByTestId('kpi-orders').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('System');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'System' }).waitFor();
  });
});

describe('the live numbers', () => {
  it('come back after analytics died', async () => {
    await page.goto(url('/?tenant=demo'));
    await page.getByText('Live', { exact: true }).waitFor();
    const { pid } = (await status(home)).services.find(({ name }) => name === 'analytics')!;
    process.kill(pid!, 'SIGKILL');
    await page.getByText('Live numbers are reconnecting…').waitFor();
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 90_000 });
    const before = await orders();
    expect(await until('orders that move again', async () => { const n = await orders(); return n > before ? n : undefined; }, 60_000)).toBeGreaterThan(before);
  });
});

describe('choices', () => {
  it('stand in the address, and are there again after going on and back', async () => {
    await page.goto(url('/?tenant=demo'));
    await page.getByRole('button', { name: 'month' }).click();
    await page.getByLabel('Period').selectOption('7d');
    await page.getByTestId('kpi-revenue.net').getByRole('link').click();
    await page.getByRole('heading', { name: 'Events behind revenue.net' }).waitFor();
    expect(await page.getByRole('main').getByText(/^currency=.* from /).count()).toBe(1);
    await page.goBack();
    await page.getByTestId('kpi-revenue.net').waitFor();
    expect(new URL(page.url()).searchParams.get('grain')).toBe('month');
    expect(await page.getByRole('button', { name: 'month' }).getAttribute('aria-pressed')).toBe('true');
    expect(await page.getByLabel('Period').inputValue()).toBe('7d');
  });
});

describe('trace', () => {
  it('leads from a KPI to the events behind it to one event with its place and leaf', async () => {
    await page.goto(url('/?tenant=demo'));
    await page.getByTestId('kpi-revenue.gross').getByRole('link').click();
    await page.getByRole('heading', { name: 'Events behind revenue.gross' }).waitFor();
    await page.getByTestId('traced-value').waitFor();
    await page.getByText('amount of the event\'s lines that count; the value is their sum').waitFor();
    const event = await page.getByRole('link', { name: /^Open event / }).first().textContent();
    expect(event!.length).toBeGreaterThan(18);
    expect(await seriousFindings()).toEqual([]);
    expect(await fits(390)).toBe(true);
    await shoot('trace');
    await page.getByRole('link', { name: `Open event ${event}` }).click();
    await page.getByRole('heading', { name: /^sales\.order\./ }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('content');
    expect(await page.title()).toMatch(/^sales\.order\.\S+ · demo – Millrace$/);
    expect(await page.getByRole('row', { name: /^leaf/ }).locator('td').textContent()).toMatch(/^[0-9a-f]{64}$/);
    expect(await page.getByRole('row', { name: /^log/ }).locator('td').textContent()).toBe('sales/0');
    expect(await seriousFindings()).toEqual([]);
    await shoot('event');
    await page.getByRole('link', { name: 'Events behind revenue.gross' }).click();
    await page.getByRole('link', { name: `Open event ${event}` }).waitFor();
  });

  it('goes on page by page, and back to the page it was left from', async () => {
    await until('more events than a page holds', async () => {
      await page.reload();
      await page.getByRole('link', { name: /^Open event / }).first().waitFor();
      return await page.getByRole('button', { name: 'Next page' }).isEnabled() ? true : undefined;
    });
    const first = await page.getByRole('link', { name: /^Open event / }).first().textContent();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByRole('button', { name: 'Earlier page', disabled: false }).waitFor();
    const opened = await until('the second page', async () => { const id = await page.getByRole('link', { name: /^Open event / }).first().textContent(); return id !== first ? id : undefined; }, 30_000);
    await page.getByRole('link', { name: `Open event ${opened}` }).click();
    await page.getByRole('heading', { name: /^sales\.order\./ }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: `Open event ${opened}` }).waitFor();
    await page.getByRole('button', { name: 'Earlier page' }).click();
    await page.getByRole('link', { name: `Open event ${first}` }).waitFor();
    expect(new URL(page.url()).searchParams.has('after')).toBe(false);
  });

  it('counts in the metric\'s own unit', async () => {
    await page.goto(url('/explorer?tenant=demo&metric=buyers'));
    await page.getByRole('cell', { name: '1 customer', exact: true }).first().waitFor();
    expect(await page.getByRole('cell', { name: /EUR/ }).count()).toBe(0);
  });

  it('shows sealed fields as sealed', async () => {
    await page.goto(url('/explorer?tenant=demo&log=customer/0'));
    await page.getByRole('link', { name: /^Open event at position/ }).first().click();
    await page.getByTestId('sealed').first().waitFor();
    expect(await page.getByTestId('sealed').count()).toBeGreaterThan(1);
    await shoot('sealed');
  });
});

describe('the system page', () => {
  it('shows services, lags and per-source sums', async () => {
    await page.goto(url('/system?tenant=demo'));
    await page.getByRole('heading', { name: 'Sources' }).waitFor();
    await page.getByText(/^oldest open snapshot: \d+\.\d s$/).waitFor();
    for (const name of ['ingestion', 'security', 'backbone', 'analytics', 'warehouse']) await page.getByRole('row', { name: new RegExp(`^${name} healthy`) }).waitFor();
    expect(await page.getByRole('cell', { name: 'analytics' }).count()).toBeGreaterThan(0);
    for (const name of ['nats', 'postgres-events', 'supervisor']) await page.getByRole('row', { name: new RegExp(`^${name} healthy \\d+\\.\\d MB \\d+`) }).waitFor();
    expect(await seriousFindings()).toEqual([]);
    expect(await fits(390)).toBe(true);
    await shoot('system');
  });
});

describe('the backend-for-frontend', () => {
  const cookie = async (): Promise<string> => (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');

  it('answers nothing but the login without a session', async () => {
    for (const path of ['/api/logs', '/api/metrics', '/api/system', '/api/stream?tenant=demo', '/api/events/x?tenant=demo']) {
      const response = await fetch(url(path));
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
  });

  it('takes no state change from another site\'s page', async () => {
    const response = await fetch(url('/api/session'), { method: 'DELETE', headers: { cookie: await cookie() } });
    expect(response.status).toBe(403);
    expect(((await response.json()) as { code: string }).code).toBe('not-from-console');
  });

  it('passes on what is wrong with a question', async () => {
    const response = await fetch(url('/api/metrics/revenue.imaginary?tenant=demo'), { headers: { cookie: await cookie() } });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain('revenue.gross');
  });

  it('serves the page with a policy that runs only our scripts', async () => {
    const response = await fetch(url('/'));
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect((await fetch(url('/assets/../../package.json'))).status).not.toBe(200);
  });

  it('keeps its answers out of every cache', async () => {
    const { headers } = await fetch(url('/api/logs'), { headers: { cookie: await cookie() } });
    expect(Object.fromEntries(headers)).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  it('tells a visitor whose session ended elsewhere, and leads back to where they were', async () => {
    await page.goto(url('/system?tenant=demo'));
    await page.getByRole('heading', { name: 'Sources' }).waitFor();
    await fetch(url('/api/session'), { method: 'DELETE', headers: { cookie: await cookie(), 'x-millrace-console': '1' } });
    await page.getByText('Your session has ended.').waitFor();
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Sources' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/system');
  });

  it('gives an account back by a link for it', async () => {
    const { url: link } = await millraceJson<{ url: string }>(home, 'login-link', '--reset', 'ADA');
    const other = await browser.newContext();
    const second = await other.newPage();
    await second.goto(link);
    await second.getByRole('heading', { name: 'Choose a new password' }).waitFor();
    expect(await second.getByLabel('Name').inputValue()).toBe('ada');
    await second.getByLabel(/^Password \(/).fill(PASSWORD);
    await second.getByLabel('Password again').fill(PASSWORD);
    await second.getByRole('button', { name: 'Set password and log in' }).click();
    await second.getByRole('navigation', { name: 'Pages' }).waitFor();
    await other.close();
    await page.getByText('Your session has ended.').waitFor();
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  });

  it('ends the session at log-out', async () => {
    const before = await cookie();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in to Millrace' }).waitFor();
    const answered = async (): Promise<number> => (await fetch(url('/api/logs'), { headers: { cookie: before } })).status;
    expect(await until('the session to be over', async () => { const code = await answered(); return code === 401 ? code : undefined; }, 30_000)).toBe(401);
  });

  it('logs in again by name and password, and not by a wrong one', async () => {
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    expect(await page.locator('.visitor').textContent()).toBe('ada');
  });
});

it('ran without an error in the browser', () => {
  expect(errors.filter((text) => !/Failed to load resource/.test(text))).toEqual([]);
});
