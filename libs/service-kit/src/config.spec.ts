import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { checkEnvironment, defineConfig, integer, makeLogger, nearMisses, printableConfig, readConfig, readSecretFile, serviceUrl, setting, shared, traceIdOf, traceparentOf } from './index.ts';
import { clockOf } from './drill-clock.ts';
import { principalOf } from './token-guard.ts';
import { DomainError } from '@millrace/kernel';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const stock = defineConfig('stock', { eventsUrl: shared.eventsUrl, natsUrl: shared.natsUrl, analyticsUrl: serviceUrl('analytics'), depth: setting('MILLRACE_DEPTH', integer(1).default(3), 'levels kept') });
const whole = { MILLRACE_EVENTS_URL: 'postgres://stock:pass@127.0.0.1:7411/millrace', MILLRACE_NATS_URL: 'nats://127.0.0.1:7421', MILLRACE_ANALYTICS_HTTP_URL: 'http://127.0.0.1:7403', MILLRACE_HTTP_PORT: '7400', MILLRACE_API_TOKENS: `operator:${hash('a')}, console:${hash('b')}` };

describe('a config', () => {
  it('is typed, with defaults', () => {
    const reading = readConfig(stock, whole);
    if (!reading.ok) throw new Error(reading.problems.join());
    expect(reading.config).toMatchObject({ httpHost: '127.0.0.1', httpPort: 7400, depth: 3, logLevel: 'info', eventsUrl: whole.MILLRACE_EVENTS_URL });
    expect(reading.config.apiTokens.map(({ principal, sha256 }) => [principal, sha256.toString('hex')])).toEqual([['operator', hash('a')], ['console', hash('b')]]);
  });

  it('reports all problems together, each with its variable and purpose, never with the value', () => {
    const reading = readConfig(stock, { MILLRACE_EVENTS_URL: 'hunter2', MILLRACE_NATS_URL: '', MILLRACE_HTTP_PORT: '70000', MILLRACE_API_TOKENS: 'operator:hunter2', MILLRACE_DEPTH: 'deep', OTEL_EXPORTER_OTLP_ENDPOINT: 'hunter2' });
    if (reading.ok) throw new Error('accepted');
    expect(reading.problems.map((problem) => problem.split(':')[0])).toEqual(['MILLRACE_HTTP_PORT', 'MILLRACE_API_TOKENS', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'MILLRACE_EVENTS_URL', 'MILLRACE_NATS_URL', 'MILLRACE_ANALYTICS_HTTP_URL', 'MILLRACE_DEPTH']);
    expect(reading.problems.join()).not.toContain('hunter2');
    expect(reading.problems).toContain('MILLRACE_NATS_URL: is not set (NATS server)');
    expect(reading.problems[3]).toContain('postgres://');
  });

  it('prints its values with secrets hidden', () => {
    const reading = readConfig(stock, whole);
    if (!reading.ok) throw new Error(reading.problems.join());
    expect(printableConfig(stock, reading.config)).toEqual({
      MILLRACE_HTTP_HOST: '127.0.0.1', MILLRACE_HTTP_PORT: 7400, MILLRACE_API_TOKENS: '***', MILLRACE_LOG_LEVEL: 'info', MILLRACE_EVENTS_URL: '***',
      MILLRACE_NATS_URL: 'nats://127.0.0.1:7421', MILLRACE_ANALYTICS_HTTP_URL: 'http://127.0.0.1:7403', MILLRACE_DEPTH: 3,
    });
  });

  it.each(['', 'operator', 'root:' + hash('a'), `operator:${hash('a').slice(1)}`, `operator:${hash('a')},`])('refuses the token list %j', (text) => {
    expect(readConfig(stock, { ...whole, MILLRACE_API_TOKENS: text }).ok).toBe(false);
  });
});

describe('a config\'s words', () => {
  const problemsOf = (part: Record<string, string>): readonly string[] => {
    const reading = readConfig(stock, { ...whole, ...part });
    return reading.ok ? [] : reading.problems;
  };

  it.each([
    ['MILLRACE_HTTP_PORT', ' ', 'expected a whole number from 0 to 65535, got blanks'],
    ['MILLRACE_HTTP_PORT', '70000', 'expected a whole number from 0 to 65535, got 70000'],
    ['MILLRACE_HTTP_PORT', '0x10', 'expected a whole number from 0 to 65535, got a text of 4 characters'],
    ['MILLRACE_DEPTH', '0', 'expected a whole number of 1 or more, got 0'],
    ['MILLRACE_DEPTH', '1e3', 'expected a whole number of 1 or more, got a text of 3 characters'],
    ['MILLRACE_LOG_LEVEL', 'loud', 'expected one of fatal, error, warn, info, debug, trace, got a text of 4 characters'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'ftp://collector', 'expected an address like http://host:port, got a text of 15 characters'],
    ['MILLRACE_API_TOKENS', '12345', 'expected a comma-separated list of <operator|console>:<sha256 in hex>, got a text of 5 characters'],
  ])('say of %s=%j what was expected and what came', (name, value, words) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(`${name}: ${words} (`)]);
  });

  it('print no user of an address, and lists by name', () => {
    const callers = z.string().transform((text) => new Map([[text, 'ingestion']]));
    const definition = defineConfig('stock', { natsUrl: shared.natsUrl, callers: setting('MILLRACE_CALLERS', callers, 'who may ask') });
    const reading = readConfig(definition, { ...whole, MILLRACE_NATS_URL: 'nats://user:hunter2@127.0.0.1:7421', MILLRACE_CALLERS: 'XA', OTEL_EXPORTER_OTLP_ENDPOINT: 'https://token@collector:4318/otlp' });
    expect(reading.ok && printableConfig(definition, reading.config)).toMatchObject({ MILLRACE_NATS_URL: 'nats://***@127.0.0.1:7421', OTEL_EXPORTER_OTLP_ENDPOINT: 'https://***@collector:4318/otlp', MILLRACE_CALLERS: { XA: 'ingestion' } });
  });
});

describe('an environment', () => {
  const seeded = defineConfig('stock', { natsSeedFile: shared.natsSeedFile, rootKeyFile: shared.rootKeyFile });

  it('is told of its files together with all else', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-'));
    const [seed, open] = [join(dir, 'seed'), join(dir, 'open')];
    await writeFile(seed, 'SEED', { mode: 0o600 });
    await writeFile(open, 'SEED', { mode: 0o600 });
    await chmod(open, 0o644);
    const check = (natsSeed: string, rootKey: string, port = '0') => {
      const reading = checkEnvironment(seeded, { ...whole, MILLRACE_HTTP_PORT: port, MILLRACE_NATS_SEED_FILE: natsSeed, MILLRACE_ROOT_KEY_FILE: rootKey });
      return reading.ok ? [] : reading.problems;
    };
    expect(check(seed, seed)).toEqual([]);
    expect(check(join(dir, 'absent'), open, 'x')).toEqual([
      expect.stringMatching(/^MILLRACE_HTTP_PORT: /), expect.stringMatching(/^MILLRACE_NATS_SEED_FILE: expected a file that can be read, got ENOENT/), expect.stringMatching(/^MILLRACE_ROOT_KEY_FILE: .*got mode 644: run chmod 600/),
    ]);
    expect(check(dir, seed)).toEqual([expect.stringMatching(/^MILLRACE_NATS_SEED_FILE: expected a file, got something else/)]);
    await rm(dir, { recursive: true });
  });

  it('is asked about a name that is nearly a setting\'s, and about no other process\'', () => {
    expect(nearMisses(stock, { ...whole, MILLRACE_DEPHT: '4', MILLRACE_POSTGRES_URL: 'x', MILLRACE_KEYS_URL: 'x', MILLRACE_XKEYS: 'x', MILLRACE_HOME: 'x' })).toEqual(['MILLRACE_DEPHT is no setting of stock; is MILLRACE_DEPTH meant?']);
    expect(nearMisses(stock, { ...whole, MILLRACE_DEPHT: '4', MILLRACE_DEPTH: '4' })).toEqual([]);
  });
});

describe('a clock moved for a drill', () => {
  const offsetOf = (text: string | undefined): unknown => {
    const reading = readConfig(stock, { ...whole, ...(text === undefined ? {} : { MILLRACE_CLOCK_OFFSET_MS: text }) });
    return reading.ok ? reading.config.clockOffsetMs : reading.problems;
  };

  it.each([[undefined, undefined], ['', undefined], ['drill:86400000', 86_400_000], ['drill:-86400000', -86_400_000], ['drill:604800000', 604_800_000]])('%j is an offset of %j', (text, offset) => {
    expect(offsetOf(text)).toBe(offset);
  });

  it.each(['86400000', '-1', 'drill:', 'drill:1.5', 'drill:604800001', 'drill:-604800001', 'drill:9999999999', 'drill:1 ', 'Drill:1'])('%j is refused: nothing but a drill moves a clock', (text) => {
    expect(offsetOf(text)).toEqual([expect.stringMatching(/^MILLRACE_CLOCK_OFFSET_MS: expected drill:<milliseconds>.*outside a fault drill/)]);
  });

  it('tells its own time, and shows in what is printed of the config', () => {
    const reading = readConfig(stock, { ...whole, MILLRACE_CLOCK_OFFSET_MS: 'drill:-86400000' });
    if (!reading.ok) throw new Error(reading.problems.join());
    expect(printableConfig(stock, reading.config)).toMatchObject({ MILLRACE_CLOCK_OFFSET_MS: -86_400_000 });
    const [moved, usual] = [clockOf(reading.config).now().getTime(), clockOf({}).now().getTime()];
    expect(Math.abs(usual - 86_400_000 - moved)).toBeLessThan(60_000);
  });
});

describe('a bearer token', () => {
  const tokens = [{ principal: 'operator' as const, sha256: Buffer.from(hash('a'), 'hex') }, { principal: 'console' as const, sha256: Buffer.from(hash('b'), 'hex') }];
  it.each([['Bearer a', 'operator'], ['bearer b', 'console'], ['Bearer c', undefined], ['Basic a', undefined], ['a', undefined], [undefined, undefined], ['Bearer ', undefined]])('%j is %j\'s', (header, principal) => {
    expect(principalOf(tokens, header)).toBe(principal);
  });
});

describe('a secret\'s file', () => {
  it('is read when its owner alone can, and refused when others can or it is empty', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-secret-'));
    const file = join(dir, 'seed');
    await writeFile(file, 'SEED\n', { mode: 0o600 });
    expect(await readSecretFile(file)).toBe('SEED');
    await chmod(file, 0o640);
    await expect(readSecretFile(file)).rejects.toMatchObject({ code: 'secret-file-open', details: { mode: '640' } });
    await writeFile(file, ' \n');
    await chmod(file, 0o600);
    await expect(readSecretFile(file)).rejects.toMatchObject({ code: 'secret-file-empty' });
    await expect(readSecretFile(join(dir, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(dir, { recursive: true });
  });
});

describe('a log line', () => {
  const lines: string[] = [];
  const logger = makeLogger('stock', 'info', { write: (line) => { lines.push(line); } });
  const logged = (error: unknown): Record<string, unknown> => {
    lines.length = 0;
    logger.warn({ err: error }, 'constant');
    return JSON.parse(lines[0] ?? '{}');
  };

  it('is JSON with service, level and time, and leaves out what is below its level', () => {
    lines.length = 0;
    logger.debug('quiet');
    logger.info({ n: 1 }, 'constant');
    expect(lines.map((line) => JSON.parse(line))).toEqual([{ level: 'info', time: expect.stringMatching(/Z$/), service: 'stock', n: 1, msg: 'constant' }]);
  });

  it('keeps the words of errors that never quote input, with their cause', () => {
    expect(logged(new DomainError('conflict', 'taken', { n: 1 }, 'Taken.'))).toMatchObject({ err: { kind: 'conflict', code: 'taken', message: 'Taken.', details: { n: 1 } } });
    expect(logged(new TypeError('x is not a function', { cause: new RangeError('alice') }))).toMatchObject({ err: { message: 'x is not a function', cause: { name: 'RangeError' } } });
    expect(lines[0]).not.toContain('alice');
  });

  it('withholds the words of those that may', () => {
    let parsing: unknown;
    try {
      JSON.parse('alice@example.org');
    } catch (error) {
      parsing = error;
    }
    logged(parsing);
    logged(Object.assign(new Error('invalid input syntax: "alice"'), { code: '22P02', detail: 'Key (email)=(alice)' }));
    logged('alice');
    expect(lines.join()).not.toContain('alice');
  });
});

describe('a trace id', () => {
  it('is the caller\'s when its traceparent is well-formed, else made up and kept for the request', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(traceIdOf({ headers: { traceparent } })).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(traceparentOf({ headers: { traceparent } })).toBe(traceparent);
    const request = { headers: { traceparent: 'nonsense' } };
    expect(traceparentOf(request)).toBeUndefined();
    expect(traceIdOf(request)).toMatch(/^[0-9a-f]{32}$/);
    expect(traceIdOf(request)).toBe(traceIdOf(request));
  });
});
